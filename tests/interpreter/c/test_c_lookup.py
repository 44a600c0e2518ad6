"""Binary convolution by look-up against the portable kernels: in plain C here, in the assembler of ARMv6 under an
emulator; how many instructions its inner loops have; and when it is chosen."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.interpreter.c import armv6
from tests.interpreter.c.grid import BIT, EXACT, F32, I32, filtered, kernel_for, kernels_for
from tests.interpreter.c.test_c_build import COMPILERS, address_sanitizer
from tests.interpreter.cases import run_kernel
from xlite.interpreter.c import build
from xlite.interpreter.kernels.c import lookup
from xlite.schema.types import OpKind

PROGRAM = Path(__file__).parent / "lookup_program.c"
NEEDED = ("activation", "bits", "conv2d_b", "store", "volume_b", "xor_popcount")
pytestmark = [
    pytest.mark.skipif(not COMPILERS, reason="there is neither gcc nor clang here"),
    pytest.mark.skipif(EXACT in os.environ, reason="this is the inner run"),
]


def compile_program(folder: Path, compiler: str, flags: list[str]) -> Path:
    program = folder / "lookup"
    made = [compiler, *build.FLAGS, *flags, *build.include_flags(), str(PROGRAM), *map(str, sources()), "-lm"]
    subprocess.run([*made, "-o", str(program)], check=True)
    return program


def sources() -> list[Path]:
    chosen = [p for p in build.sources() if p.match("lookup/*.c") or p.match("armv6*.c")]
    return chosen + [build.ROOT / "kernels" / f"{name}.c" for name in NEEDED]


def runs(command: list[str]) -> str:
    done = subprocess.run(
        command, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_in_plain_c(tmp_path, compiler, bits):
    program = compile_program(tmp_path, compiler, ["-O1", f"-DXL_LOOKUP_RUN_BITS={bits}"])
    assert runs([str(program)]) == "400 equal, units of 4 filters\n"


def test_sanitizers_find_nothing(tmp_path):
    if address_sanitizer() is None:
        pytest.skip("gcc has no AddressSanitizer here")
    flags = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DXL_PORTABLE"]
    assert runs([str(compile_program(tmp_path, "gcc", flags))]) == "400 equal, units of 4 filters\n"


@pytest.mark.parametrize(
    ("core", "flags", "filters"),
    [(armv6.VFP, [], 6), (armv6.VFP, ["-DXL_LOOKUP_CACHE_BYTES=9000"], 6), (armv6.SOFT, [], 4)],
    ids=["doubles", "doubles in many chunks", "words"],
)
def test_on_arm1176(tmp_path, core, flags, filters):
    command = armv6.compiled(PROGRAM, sources(), core, tmp_path, *flags)
    assert runs(command) == f"400 equal, units of {filters} filters\n"


def test_instructions_a_word_of_carry_save_adders():
    (size,) = armv6.loop_sizes("armv6_count.c", "count_rows")
    assert size / 8 <= 7.875


@pytest.mark.parametrize("units", range(1, 7))
def test_instructions_a_word_of_look_ups(units):
    """A turn is two pixels and 16 bits of 6 filters a unit."""
    (size,) = armv6.loop_sizes("armv6_lookup.c", f"add_lines_{units}")
    assert size == 2 * (10 + 3 * units)


@pytest.mark.parametrize("units", range(1, 7))
def test_instructions_a_word_of_look_ups_side_by_side(units):
    """A turn is four pixels."""
    (size,) = armv6.loop_sizes("armv6_lookup.c", f"add_near_lines_{units}")
    assert size == 4 * (9.25 + 3 * units)


@pytest.mark.parametrize("units", range(1, 7))
def test_instructions_a_word_of_look_ups_in_tables_of_pixels(units):
    """A turn is two filters and 16 bits of 6 pixels a unit."""
    (size,) = armv6.loop_sizes("armv6_lookup_pixels.c", f"add_filters_{units}")
    assert size == 2 * (13 + 3 * units)


@pytest.mark.parametrize("units", range(1, 7))
def test_instructions_a_word_of_look_ups_with_sums_apart(units):
    (size,) = armv6.loop_sizes("armv6_lookup_pixels.c", f"add_filters_{units}_apart")
    assert size == 2 * (14 + 3 * units)


@pytest.mark.parametrize("units", [1, 2])
def test_instructions_a_word_of_look_ups_in_wide_tables_of_pixels(units):
    """A turn is two filters and 32 bits of 6 pixels a unit."""
    (size,) = armv6.loop_sizes("armv6_lookup_pixels.c", f"add_wide_{units}")
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
