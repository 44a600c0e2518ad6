"""The integer convolution of ARMv6 against plain C, both under an emulator of the ARM1176."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.interpreter.c.test_c_build import COMPILERS
from tests.interpreter.c.test_c_lookup import ARM, ARM1176, SOFT, VFP, loop_sizes, need_arm
from xlite.interpreter.c import build

PROGRAM = Path(__file__).parent / "integers_program.c"
KERNELS = ("activation", "bits", "conv2d_i8", "conv2d_pairs", "integers", "store")
INPUTS = ("u8 i8", "i8 i8", "u8 b", "i8 b", "b i8")  # as the program has them
pytestmark = pytest.mark.skipif(not COMPILERS, reason="there is neither gcc nor clang here")


def compiled(folder: Path, flags: list[str]) -> str:
    program = folder / f"integers{len(flags)}{flags[-1].replace('=', '-')}"
    sources = [build.ROOT / "kernels" / f"{name}.c" for name in KERNELS]
    sources += [build.ROOT / "arch" / f"armv6_{name}.c" for name in ("loops", "pairs")]
    command = [ARM, *build.FLAGS, *ARM1176, *flags, "-static", *build.include_flags(), str(PROGRAM)]
    subprocess.run([*command, *map(str, sources), "-lm", "-o", str(program)], check=True)
    return str(program)


def outputs(program: str, kind: int) -> np.ndarray:
    command = ["qemu-arm", "-cpu", "arm1176", program, str(kind)]
    return np.frombuffer(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout, np.uint32)


@pytest.mark.parametrize("floats", [VFP, SOFT], ids=["vfp", "soft"])
def test_equals_plain_c(tmp_path, floats):
    """To the bit: sums are exact, and floats are scaled and shifted by the same two roundings."""
    need_arm("qemu-arm")
    own, plain = compiled(tmp_path, floats), compiled(tmp_path, [*floats, "-DXL_PORTABLE"])
    for kind in range(3 * len(INPUTS)):
        ours, theirs = outputs(own, kind), outputs(plain, kind)
        assert theirs.size > 1000
        assert np.unique(theirs).size > 100
        np.testing.assert_array_equal(ours, theirs, err_msg=f"{INPUTS[kind // 3]}, output {kind % 3}")


def test_instructions_a_product(tmp_path):
    """A turn is 8 pairs of 3 pixels by 2 filters."""
    need_arm("arm-linux-gnueabi-objdump")
    sizes = loop_sizes("armv6_pairs.c", "xl_core_dot_pairs", tmp_path)
    assert sizes == [66]
    assert sizes[0] / (8 * 2 * 3 * 2) < 0.69
