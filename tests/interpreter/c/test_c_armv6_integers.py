"""The integer convolution of ARMv6 against plain C, both under an emulator of the ARM1176."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.interpreter.c import armv6
from tools.wheels.targets import Library
from xlite.interpreter.c import build

PROGRAM = Path(__file__).parent / "integers_program.c"
KERNELS = ("activation", "bits", "conv2d_i8", "conv2d_pairs", "conv2d_toom", "depthwise_conv2d_b")
KERNELS += ("integers", "store")
INPUTS = ("u8 i8", "i8 i8", "u8 b", "i8 b", "b i8", "b depthwise")  # as the program has them


def compiled(folder: Path, core: Library, *flags: str) -> list[str]:
    sources = [build.ROOT / "kernels" / f"{name}.c" for name in KERNELS]
    sources += [build.ROOT / "arch" / f"armv6_{name}.c" for name in ("depthwise", "loops", "pairs", "toom")]
    return armv6.compiled(PROGRAM, sources, core, folder, *flags)


def outputs(program: list[str], kind: int) -> tuple[np.ndarray, int]:
    """Bits of all outputs, and how many convolutions were of windows of seven columns."""
    done = subprocess.run([*program, str(kind)], capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.uint32), int(done.stderr)


@pytest.mark.parametrize("core", [armv6.VFP, armv6.SOFT], ids=["vfp", "soft"])
def test_equals_plain_c(tmp_path, core):
    """To the bit: sums are exact, and floats are scaled and shifted by the same two roundings."""
    own, plain = compiled(tmp_path, core), compiled(tmp_path, core, "-DXL_PORTABLE")
    for kind in range(3 * len(INPUTS)):
        (ours, sevens), (theirs, _) = outputs(own, kind), outputs(plain, kind)
        assert theirs.size > 1000
        assert np.unique(theirs).size > 20
        assert sevens >= 10 or INPUTS[kind // 3].startswith("b")
        np.testing.assert_array_equal(ours, theirs, err_msg=f"{INPUTS[kind // 3]}, output {kind % 3}")


def test_instructions_a_product():
    """A turn is 8 pairs of 3 pixels by 2 filters; where there are few pairs, all of them and their end."""
    turn, few = armv6.loop_sizes("armv6_pairs.c", "xl_core_dot_pairs")
    assert turn == 66
    assert turn / (8 * 2 * 3 * 2) < 0.69
    assert few == 9 * 8 + 9 + 1  # one of them is jumped over


def test_instructions_a_pair_at_seven_points():
    """Each point has a loop of its own, with the same turn."""
    assert armv6.loop_sizes("armv6_toom.c", "xl_core_toom") == [66] * 7


def test_instructions_of_a_depthwise_window():
    """A turn is 3x3 taps of 32 channels."""
    assert armv6.loop_sizes("armv6_depthwise.c", "xl_core_depthwise_signs") == [73]
