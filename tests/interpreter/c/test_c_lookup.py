"""Binary convolution by look-up against the portable kernels: in plain C here, in the assembler of ARMv6 under an
emulator; how many instructions its inner loops have; and when it is chosen."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.interpreter.c.grid import BIT, EXACT, F32, I32, filtered, kernel_for, kernels_for
from tests.interpreter.c.test_c_build import COMPILERS, address_sanitizer
from tests.interpreter.cases import run_kernel
from xlite.interpreter.c import build
from xlite.interpreter.kernels.c import lookup
from xlite.schema.types import OpKind

PROGRAM = Path(__file__).parent / "lookup_program.c"
NEEDED = ("activation", "bits", "conv2d_b", "store", "volume_b", "xor_popcount")
ARM = "arm-linux-gnueabi-gcc"
ARM1176 = ["-mcpu=arm1176jzf-s", "-marm"]
VFP, SOFT = ["-mfpu=vfp", "-mfloat-abi=softfp"], ["-mfloat-abi=soft"]
pytestmark = [
    pytest.mark.skipif(not COMPILERS, reason="there is neither gcc nor clang here"),
    pytest.mark.skipif(EXACT in os.environ, reason="this is the inner run"),
]


def compile_program(folder: Path, command: list[str], flags: list[str]) -> Path:
    chosen = [p for p in build.sources() if p.match("lookup/*.c") or p.match("armv6*.c")]
    chosen += [build.ROOT / "kernels" / f"{name}.c" for name in NEEDED]
    program = folder / "lookup"
    made = [*command, *build.FLAGS, *flags, *build.include_flags(), str(PROGRAM), *map(str, chosen), "-lm"]
    subprocess.run([*made, "-o", str(program)], check=True)
    return program


def need_arm(*tools: str) -> None:
    for tool in (ARM, *tools):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed here")


def runs(command: list[str]) -> str:
    done = subprocess.run(
        command, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_in_plain_c(tmp_path, compiler, bits):
    program = compile_program(tmp_path, [compiler], ["-O1", f"-DXL_LOOKUP_RUN_BITS={bits}"])
    assert runs([str(program)]) == "400 equal, units of 4 filters\n"


def test_sanitizers_find_nothing(tmp_path):
    if address_sanitizer() is None:
        pytest.skip("gcc has no AddressSanitizer here")
    flags = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DXL_PORTABLE"]
    assert runs([str(compile_program(tmp_path, ["gcc"], flags))]) == "400 equal, units of 4 filters\n"


@pytest.mark.parametrize(
    ("flags", "filters"),
    [(VFP, 6), ([*VFP, "-DXL_LOOKUP_CACHE_BYTES=9000"], 6), (SOFT, 4)],
    ids=["doubles", "doubles in many chunks", "words"],
)
def test_on_arm1176(tmp_path, flags, filters):
    need_arm("qemu-arm")
    program = compile_program(tmp_path, [ARM, *ARM1176, "-static"], flags)
    assert runs(["qemu-arm", "-cpu", "arm1176", str(program)]) == f"400 equal, units of {filters} filters\n"


def loop_sizes(source: str, function: str, folder: Path) -> list[int]:
    """How many instructions each innermost loop of a function has."""
    made = folder / "made.o"
    sources = build.ROOT / "arch" / source
    command = [ARM, *build.FLAGS, *ARM1176, *VFP, *build.include_flags(), "-c", str(sources), "-o", str(made)]
    subprocess.run(command, check=True)
    dump = ["arm-linux-gnueabi-objdump", "-d", "--no-show-raw-insn", f"--disassemble={function}", str(made)]
    text = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
    jumps = re.findall(r"^\s*([0-9a-f]+):\s+b(?:ne|gt|gt\.n)\s+([0-9a-f]+)", text, re.MULTILINE)
    back = [(int(to, 16), int(at, 16)) for at, to in jumps if int(to, 16) < int(at, 16)]
    inner = [a for a in back if not any(b != a and a[0] <= b[0] and b[1] <= a[1] for b in back)]
    return [(end - begin) // 4 + 1 for begin, end in inner]


def test_instructions_a_word_of_carry_save_adders(tmp_path):
    need_arm("arm-linux-gnueabi-objdump")
    (size,) = loop_sizes("armv6_count.c", "count_rows", tmp_path)
    assert size / 8 <= 7.875


@pytest.mark.parametrize("units", range(1, 7))
def test_instructions_a_word_of_look_ups(tmp_path, units):
    """A turn is two pixels and 16 bits of 6 filters a unit."""
    need_arm("arm-linux-gnueabi-objdump")
    (size,) = loop_sizes("armv6_lookup.c", f"add_lines_{units}", tmp_path)
    assert size == 2 * (10 + 3 * units)


@pytest.mark.parametrize("units", range(1, 7))
def test_instructions_a_word_of_look_ups_side_by_side(tmp_path, units):
    """A turn is four pixels."""
    need_arm("arm-linux-gnueabi-objdump")
    (size,) = loop_sizes("armv6_lookup.c", f"add_near_lines_{units}", tmp_path)
    assert size == 4 * (9.25 + 3 * units)


@pytest.mark.parametrize("units", range(1, 7))
def test_instructions_a_word_of_look_ups_in_tables_of_pixels(tmp_path, units):
    """A turn is two filters and 16 bits of 6 pixels a unit."""
    need_arm("arm-linux-gnueabi-objdump")
    (size,) = loop_sizes("armv6_lookup_pixels.c", f"add_filters_{units}", tmp_path)
    assert size == 2 * (13 + 3 * units)


@pytest.mark.parametrize("units", range(1, 7))
def test_instructions_a_word_of_look_ups_with_sums_apart(tmp_path, units):
    need_arm("arm-linux-gnueabi-objdump")
    (size,) = loop_sizes("armv6_lookup_pixels.c", f"add_filters_{units}_apart", tmp_path)
    assert size == 2 * (14 + 3 * units)


@pytest.mark.parametrize("units", [1, 2])
def test_instructions_a_word_of_look_ups_in_wide_tables_of_pixels(tmp_path, units):
    """A turn is two filters and 32 bits of 6 pixels a unit."""
    need_arm("arm-linux-gnueabi-objdump")
    (size,) = loop_sizes("armv6_lookup_pixels.c", f"add_wide_{units}", tmp_path)
    assert size == 2 * (19 + 5 * units)


# -- choosing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("out", [BIT, I32, F32])
def test_equals_the_portable_kernel_where_it_is_chosen(monkeypatch, out):
    monkeypatch.setattr(lookup, "pays", lookup.takes)
    (kernel,) = (k for k in lookup.KERNELS if k.name.endswith({BIT: "_b_b_b", I32: "_i32", F32: "_f32"}[out]))
    compared = 0
    for channels in range(1, 100, 3):
        for case in filtered(OpKind.CONV_2D, channels, 3, (BIT, BIT, out), channels):
            if kernel.supports(case.spec):
                np.testing.assert_array_equal(run_kernel(kernel, case), run_kernel(kernel_for(case.spec), case))
                compared += 1
    assert compared >= 10


def test_is_not_chosen_beside_a_popcount_instruction():
    if platform.machine() not in ("x86_64", "AMD64", "aarch64"):
        pytest.skip("this machine may have none")
    cases = list(filtered(OpKind.CONV_2D, 64, 3, (BIT, BIT, BIT), 7))
    assert not any("_lookup_" in kernel.name for case in cases for kernel in kernels_for(case.spec))
