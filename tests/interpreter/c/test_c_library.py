"""Loading the shared library, or refusing it with a reason; running its ops: one call, many threads, a clock."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.interpreter.c.grid import BIT, F32, I32, draw, kernel_for, make_case
from xlite.interpreter.c import build
from xlite.interpreter.kernels import c as backend
from xlite.interpreter.kernels.base import Buffers
from xlite.interpreter.kernels.c import library, structs
from xlite.interpreter.kernels.c.steps import CStep, link
from xlite.schema.bits import pack_signs
from xlite.schema.errors import BackendError, KernelError
from xlite.schema.types import Activation, ActivationKind, ActivationOptions, Conv2DOptions, OpKind

COMPILER = build.find_compiler()
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler here")


def prepared(kind, values, dtypes, options=None, packed_axes=()):
    """A step, its input and its output."""
    case = make_case(kind, values, dtypes, options, packed_axes)
    kernel = kernel_for(case.spec)
    inputs = [
        None if v is None else pack_signs(v, t.packed_axes) if t.dtype is BIT else np.array(v)
        for v, t in zip(case.values, case.types)
    ]
    output = np.zeros(case.output.storage_shape, case.output.dtype.numpy)
    workspace = np.zeros(kernel.workspace(case.spec), np.uint8)
    return kernel.prepare(case.spec, Buffers(tuple(inputs), (output,), workspace)), inputs[0], output


def relu_step(x):
    return prepared(OpKind.ACTIVATION, (x,), (F32,), ActivationOptions(Activation(ActivationKind.RELU)))


class TestLoading:
    def test_reason_when_absent(self, monkeypatch, tmp_path):
        monkeypatch.setenv(library.ENVIRONMENT, str(tmp_path / "none.so"))
        assert not backend.available()
        assert "none.so' is not there: build it with" in backend.unavailable_reason()
        with pytest.raises(BackendError, match="not there"):
            library.load()
        assert not any(
            kernel.supports(make_case(OpKind.UNPACK, (np.ones((1, 2)),), (BIT,)).spec)
            for kernel in backend.KERNELS
            if kernel.kind is OpKind.UNPACK
        )

    def test_reason_when_not_a_library(self, monkeypatch, tmp_path):
        path = tmp_path / "text.so"
        path.write_text("not a library")
        monkeypatch.setenv(library.ENVIRONMENT, str(path))
        assert "cannot be loaded" in backend.unavailable_reason()

    @needs_compiler
    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ("int unrelated(void) { return 1; }", "xl_abi_version"),
            ("unsigned xl_abi_version(void) { return 99; }", "xl_struct_sizes"),
            (
                "struct s { const char *n; unsigned b; };\n"
                "static struct s none[] = {{0, 0}};\n"
                "unsigned xl_abi_version(void) { return 99; }\n"
                "struct s *xl_struct_sizes(void) { return none; }",
                f"its ABI version is 99, not {structs.ABI_VERSION}",
            ),
            (
                "struct s { const char *n; unsigned b; };\n"
                'static struct s one[] = {{"xl_op", 7}, {0, 0}};\n'
                f"unsigned xl_abi_version(void) {{ return {structs.ABI_VERSION}; }}\n"
                "struct s *xl_struct_sizes(void) { return one; }",
                f"xl_op has 7 bytes, not {ctypes.sizeof(structs.Op)}",
            ),
        ],
        ids=["unrelated", "old", "version", "size"],
    )
    def test_reason_when_of_another_version(self, monkeypatch, tmp_path, source, reason):
        path = tmp_path / "other.so"
        (tmp_path / "other.c").write_text(source)
        subprocess.run([*COMPILER, "-shared", "-fPIC", str(tmp_path / "other.c"), "-o", str(path)], check=True)
        monkeypatch.setenv(library.ENVIRONMENT, str(path))
        assert "is of another version of xlite" in backend.unavailable_reason()
        assert reason in backend.unavailable_reason()
        assert "python -m xlite.interpreter.c.build" in backend.unavailable_reason()

    def test_import_does_not_load_it(self):
        code = (
            "import sys; from xlite.interpreter import kernels; import xlite.interpreter.kernels.c as c; "
            "from xlite.interpreter.kernels.c import library; assert library._load.cache_info().currsize == 0; "
            "assert c.available() in (True, False)"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


class TestStructs:
    @needs_compiler
    def test_every_field_lies_where_the_compiler_puts_it(self, tmp_path):
        """Not only the sizes: a C program prints the offset and size of every field of every struct."""
        renamed = {"xl_op.inputs": "in"}
        wanted, lines = [], []
        for name, struct in structs.STRUCTS.items():
            for field, _ in struct._fields_:
                at, member = getattr(struct, field), renamed.get(f"{name}.{field}", field)
                wanted.append(f"{name}.{member} {at.offset} {at.size}")
                size = f"sizeof((({name} *)0)->{member})"
                lines.append(f'printf("{name}.{member} %zu %zu\\n", offsetof({name}, {member}), {size});')
        source = tmp_path / "offsets.c"
        body = "\n".join(lines)
        source.write_text(f'#include "xlite.h"\n#include <stdio.h>\nint main(void) {{\n{body}\nreturn 0;\n}}\n')
        program = tmp_path / "offsets"
        subprocess.run([*COMPILER, "-std=c99", f"-I{build.INCLUDE}", str(source), "-o", str(program)], check=True)
        printed = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
        assert printed.splitlines() == wanted

    def test_every_struct_of_the_header_has_a_mirror(self):
        before, models = (build.INCLUDE / "xlite.h").read_text().split("/* ---- Models: ")
        header = before + models.split("/* ----", 1)[1]  # Python runs models by itself
        structs_there = {line.split()[-1].rstrip(";") for line in header.splitlines() if line.startswith("} xl_")}
        assert structs_there | {"xl_op", "xl_activation", "xl_threads"} == {*structs.STRUCTS, "xl_struct_size"}

    def test_every_function_of_the_header_has_a_kernel(self):
        header = (build.INCLUDE / "xlite.h").read_text()
        kernels = [line for line in header.splitlines() if "(const xl_op *op);" in line]
        functions = {line.split("(")[0].split()[-1] for line in kernels}
        assert functions - {"void"} == {kernel.name for kernel in backend.KERNELS}  # "void": xl_kernel's typedef

    def test_every_activation_has_a_function(self):
        header = (build.INCLUDE / "xlite.h").read_text()
        functions = set(re.findall(r"^XL_ACTIVATION\((\w+)\)", header, re.MULTILINE))
        assert functions == {
            f"xl_{kind.name.lower()}" for kind in ActivationKind if kind is not ActivationKind.NONE
        }
        assert all(library.load().address(name) for name in functions)

    def test_every_op_has_a_kernel(self):
        assert {kernel.kind for kernel in backend.KERNELS} == {*OpKind} - {OpKind.CUSTOM}


class TestRunning:
    def test_linked_steps_are_one_call(self):
        x = draw(np.random.default_rng(0), (1, 50), F32)
        first, _, y = relu_step(x)
        values = (y, np.full(50, 2, np.float32), np.ones(50, np.float32))
        second, z_in, z = prepared(OpKind.BATCH_NORM, values, (F32,) * 3)
        seen = []

        def python_step():
            z_in[...] = y
            seen.append(1)

        linked = link([first, first, python_step, second, second])
        assert [isinstance(step, CStep) for step in linked] == [True, False, True]
        assert [len(step.ops) for step in (linked[0], linked[2])] == [2, 2]
        for step in linked:
            step()
        np.testing.assert_array_equal(z, np.maximum(x, 0) * 2 + 1)
        assert len(seen) == 1
        assert link([]) == []
        assert link([python_step]) == [python_step]

    def test_a_linked_step_keeps_its_memory_alive(self):
        x = np.ones((1, 5000), np.float32)
        steps = link([relu_step(x)[0], relu_step(x)[0]])
        address = steps[0].ops[1].out
        kept = [array for buffers in steps[0].keep if isinstance(buffers, Buffers) for array in buffers.outputs]
        assert address in [array.ctypes.data for array in kept]

    def test_profile_counts_every_op(self):
        x = np.ones((1, 200_000), np.float32)
        (step,) = link([relu_step(x)[0], relu_step(np.ones((1, 2), np.float32))[0]])
        first, second = step.profile()
        assert first > 0
        assert second >= 0

    def test_many_threads_at_once(self):
        """Kernels hold no state: each thread has its own buffers and gets its own answer, every time."""
        rng = np.random.default_rng(0)
        kernel = draw(rng, (40, 3, 3, 20), BIT)
        options = Conv2DOptions(pad_top=1, pad_bottom=1, pad_left=1, pad_right=1, output_dtype=I32)
        jobs = []
        for _ in range(4):
            values = (draw(rng, (1, 9, 9, 20), BIT), kernel, None, None, None)
            step, _, output = prepared(OpKind.CONV_2D, values, (BIT, BIT), options, ((1, 3),))
            step()
            jobs.append((step, output, output.copy(), []))

        def work(step, output, expected, wrong):
            for _ in range(200):
                output[...] = 0
                step()
                wrong.append(not np.array_equal(output, expected))

        threads = [threading.Thread(target=work, args=job) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [sum(wrong) for *_, wrong in jobs] == [0, 0, 0, 0]
        assert [len(wrong) for *_, wrong in jobs] == [200] * 4

    def test_refuses_memory_with_gaps(self):
        case = make_case(OpKind.UNPACK, (np.ones((2, 8)),), (BIT,))
        x = np.zeros((2, 2), np.uint32)[:, :1]
        y = np.zeros((2, 8), np.float32)
        with pytest.raises(KernelError, match="'op' was given memory with gaps"):
            kernel_for(case.spec).prepare(case.spec, Buffers((x,), (y,), np.zeros(0, np.uint8)))


def test_library_name_fits_the_platform():
    assert Path(backend.__file__).resolve().parent == library.LIBRARY_FOLDER
    assert (build.LIBRARY_FOLDER.resolve(), build.LIBRARY_NAME) == (library.LIBRARY_FOLDER, library.LIBRARY_NAME)
