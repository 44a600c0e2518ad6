"""The library without Python: a C program with the ops, parameters and weights as constants, as generated code has
them, compiled with the sources and run. With -m32 it is also the test that nothing depends on a 64-bit machine."""

from __future__ import annotations

import ctypes
import math
import re
import shutil
import subprocess

import numpy as np
import pytest

from tests.interpreter.c.grid import BIT, DTYPES, F32, filtered, kernel_for
from tests.interpreter.c.test_c_build import COMPILERS, runs_32_bit
from tests.interpreter.cases import FAMILIES, Case, run_kernel
from tests.interpreter.cases import make_case as random_case
from xlite.interpreter.c import build
from xlite.interpreter.kernels import c as backend
from xlite.interpreter.kernels.base import Buffers
from xlite.interpreter.kernels.c import params, structs
from xlite.interpreter.kernels.c.library import load
from xlite.schema.bits import pack_signs
from xlite.schema.types import OpKind

pytestmark = pytest.mark.skipif(not COMPILERS, reason="there is neither gcc nor clang here")

C_NAMES = {struct: name for name, struct in structs.STRUCTS.items()}
HEADER = (build.INCLUDE / "xlite.h").read_text()
FUNCTIONS = re.findall(r"^XL_ACTIVATION\((xl_\w+)\)", HEADER, re.MULTILINE)


def cases() -> list[Case]:
    """Some of every op."""
    kinds = (OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D, OpKind.DENSE)
    grid = [(kind, dtypes, channels) for kind in kinds for dtypes in DTYPES for channels in (3, 32, 65)]
    found = [case for kind, dtypes, channels in grid for case in list(filtered(kind, channels, 3, dtypes, 5))[:1]]
    return found + [random_case(family, seed) for family in FAMILIES[3:] for seed in range(30)]


def literal(value) -> str:
    """A struct, number or function pointer as C."""
    if isinstance(value, ctypes.Array):
        return "{" + ", ".join(map(literal, value)) + "}"
    if isinstance(value, structs.Activation):
        named = {load().address(name): name for name in FUNCTIONS}
        rest = (value.alpha, value.max_value, value.threshold)
        return "{" + ", ".join([named.get(value.apply, "NULL"), *map(literal, rest)]) + "}"
    if isinstance(value, ctypes.Structure):
        return "{" + ", ".join(literal(getattr(value, name)) for name, _ in value._fields_) + "}"
    if isinstance(value, float):
        return ("-INFINITY" if value < 0 else "INFINITY") if math.isinf(value) else f"{value!r}f"
    return str(value)


def words(array: np.ndarray) -> str:
    """The bytes of an array as a C initializer of words, the last one filled with zeros."""
    content = array.tobytes() + bytes(-array.nbytes % 4)
    return "{" + ", ".join(f"0x{word:08x}u" for word in np.frombuffer(content, np.uint32)) + "}"


def declare(index: int, case: Case) -> tuple[str, str]:
    """C definitions of one op, and its initializer."""
    kernel, lines, inputs = kernel_for(case.spec), [], []
    for slot, (value, type_) in enumerate(zip(case.values, case.types)):
        if value is None:
            inputs.append("NULL")
            continue
        stored = pack_signs(value, type_.packed_axes) if type_.dtype is BIT else np.ascontiguousarray(value)
        lines.append(f"static const uint32_t in{index}_{slot}[] = {words(stored)};")
        inputs.append(f"in{index}_{slot}")
    if case.op.kind is OpKind.CONCATENATE:
        parts = ", ".join(f"{{{x}, {n}}}" for x, n in zip(inputs, params.part_extents(case.spec)))
        lines.append(f"static const xl_part parts{index}[] = {{{parts}}};")
        inputs = [f"parts{index}"]
    made = parameters(case, kernel)
    scratch = kernel.workspace(case.spec)
    lines.append(f"static const {C_NAMES[type(made)]} params{index} = {literal(made)};")
    lines.append(f"static uint32_t out{index}[{-(-case.output.nbytes // 4)}], work{index}[{scratch // 4 + 1}];")
    given = ", ".join(inputs)
    op = f"{{{kernel.name}, &params{index}, {{{given}}}, out{index}, work{index}, {scratch}, {index}}}"
    return "\n".join(lines), op


def parameters(case: Case, kernel) -> ctypes.Structure:
    """What the backend gives its kernel."""
    memory = [None if t is None else np.zeros(t.storage_shape, t.dtype.numpy) for t in case.types]
    output = np.zeros(case.output.storage_shape, case.output.dtype.numpy)
    scratch = np.zeros(kernel.workspace(case.spec), np.uint8)
    return kernel.prepare(case.spec, Buffers(tuple(memory), (output,), scratch)).keep[0]


def program(chosen: list[Case]) -> str:
    declared = [declare(i, case) for i, case in enumerate(chosen)]
    definitions = "\n".join(definition for definition, _ in declared)
    ops = ",\n  ".join(op for _, op in declared)
    sizes = ", ".join(str(-(-case.output.nbytes // 4)) for case in chosen)
    return f"""
#include <math.h>
#include <stdio.h>
#include "xlite.h"
{definitions}
static const xl_op ops[] = {{
  {ops}
}};
static const unsigned sizes[] = {{{sizes}}};
int main(void) {{
  xl_run(ops, {len(chosen)});
  for (unsigned i = 0; i < {len(chosen)}; ++i) {{
    for (unsigned k = 0; k < sizes[i]; ++k) printf("%08x ", (unsigned)((const uint32_t *)ops[i].out)[k]);
    printf("\\n");
  }}
  return 0;
}}
"""


# Compiler and flags, and what runs the program: an ARMv6 as in a Pi Zero, which traps on unaligned vectors.
MACHINES = {
    "host": (COMPILERS[:1], []),
    "32-bit": ([*COMPILERS[:1], "-m32", "-msse2", "-mfpmath=sse"], []),
    "armv6": (
        ["arm-linux-gnueabi-gcc", "-static", "-marm", "-mcpu=arm1176jzf-s", "-mfpu=vfp", "-mfloat-abi=softfp"],
        ["qemu-arm", "-cpu", "arm1176"],
    ),
    "aarch64": (["aarch64-linux-gnu-gcc", "-static"], ["qemu-aarch64"]),
}


@pytest.mark.parametrize(("compiler", "emulator"), MACHINES.values(), ids=MACHINES)
def test_a_program_without_python_gives_the_same(tmp_path, compiler, emulator):
    for tool in (compiler[0], *emulator[:1]):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed here")
    if "-m32" in compiler and not runs_32_bit(compiler[0]):
        pytest.skip(f"{compiler[0]} has no 32-bit C library here")
    chosen = cases()
    portable = {k.name for k in backend.KERNELS if "_tiled_" not in k.name and "_lookup_" not in k.name}
    assert {kernel_for(case.spec).name for case in chosen} == portable
    source, binary = tmp_path / "network.c", tmp_path / "network"
    source.write_text(program(chosen))
    library = [str(path) for path in build.sources()]
    flags = [*build.FLAGS, "-O1", *build.include_flags()]
    subprocess.run([*compiler, *flags, str(source), *library, "-lm", "-o", str(binary)], check=True)
    done = subprocess.run([*emulator, str(binary)], check=True, capture_output=True, text=True)
    printed = done.stdout.splitlines()
    assert len(printed) == len(chosen)
    for case, line in zip(chosen, printed):
        got = np.array([int(word, 16) for word in line.split()], np.uint32)
        expected = run_kernel(kernel_for(case.spec), case)
        if case.output.dtype is F32:
            values = got.view(np.float32).reshape(expected.shape)
            np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-6, err_msg=str(case.op))
        else:
            stored = pack_signs(expected) if case.output.dtype is BIT else expected
            assert got.tobytes()[: stored.nbytes] == stored.tobytes(), str(case.op)
