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
KERNELS = ("activation", "bits", "conv2d_i8", "conv2d_pairs", "conv2d_toom", "depthwise_conv2d_b")
KERNELS += ("integers", "store")
INPUTS = ("u8 i8", "i8 i8", "u8 b", "i8 b", "b i8", "b depthwise")  # as the program has them
pytestmark = pytest.mark.skipif(not COMPILERS, reason="there is neither gcc nor clang here")


def compiled(folder: Path, flags: list[str]) -> str:
    program = folder / f"integers{len(flags)}{flags[-1].replace('=', '-')}"
    sources = [build.ROOT / "kernels" / f"{name}.c" for name in KERNELS]
    sources += [build.ROOT / "arch" / f"armv6_{name}.c" for name in ("depthwise", "loops", "pairs", "toom")]
    command = [ARM, *build.FLAGS, *ARM1176, *flags, "-static", *build.include_flags(), str(PROGRAM)]
    subprocess.run([*command, *map(str, sources), "-lm", "-o", str(program)], check=True)
    return str(program)


def outputs(program: str, kind: int) -> tuple[np.ndarray, int]:
    """Bits of all outputs, and how many convolutions were of windows of seven columns."""
    command = ["qemu-arm", "-cpu", "arm1176", program, str(kind)]
    done = subprocess.run(command, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.uint32), int(done.stderr)


@pytest.mark.parametrize("floats", [VFP, SOFT], ids=["vfp", "soft"])
def test_equals_plain_c(tmp_path, floats):
    """To the bit: sums are exact, and floats are scaled and shifted by the same two roundings."""
    need_arm("qemu-arm")
    own, plain = compiled(tmp_path, floats), compiled(tmp_path, [*floats, "-DXL_PORTABLE"])
    for kind in range(3 * len(INPUTS)):
        (ours, sevens), (theirs, _) = outputs(own, kind), outputs(plain, kind)
        assert theirs.size > 1000
        assert np.unique(theirs).size > 20
        assert sevens >= 10 or INPUTS[kind // 3].startswith("b")
        np.testing.assert_array_equal(ours, theirs, err_msg=f"{INPUTS[kind // 3]}, output {kind % 3}")


def test_instructions_a_product(tmp_path):
    """A turn is 8 pairs of 3 pixels by 2 filters; where there are few pairs, all of them and their end."""
    need_arm("arm-linux-gnueabi-objdump")
    turn, few = loop_sizes("armv6_pairs.c", "xl_core_dot_pairs", tmp_path)
    assert turn == 66
    assert turn / (8 * 2 * 3 * 2) < 0.69
    assert few == 9 * 8 + 9 + 1  # one of them is jumped over


def test_instructions_a_pair_at_seven_points(tmp_path):
    """Each point has a loop of its own, with the same turn."""
    need_arm("arm-linux-gnueabi-objdump")
    assert loop_sizes("armv6_toom.c", "xl_core_toom", tmp_path) == [66] * 7


def test_instructions_of_a_depthwise_window(tmp_path):
    """A turn is 3x3 taps of 32 channels."""
    need_arm("arm-linux-gnueabi-objdump")
    assert loop_sizes("armv6_depthwise.c", "xl_core_depthwise_signs", tmp_path) == [73]
