"""The float loops of ARMv6 against plain C, both under an emulator of the ARM1176."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from tests.interpreter.c import armv6
from xlite.interpreter.c import build

PROGRAM = Path(__file__).parent / "floats_program.c"
KERNELS = ("activation", "average_pool2d", "batch_norm", "binary", "bits", "conv2d_f32", "dense_f32", "max_pool2d")
KERNELS += ("depthwise_conv2d_f32", "sign", "store", "unpack", "prelu")
# As the program has them.
KINDS = ("conv2d", "depthwise", "dense", "batch_norm", "sign", "add", "relu", "pool", "pool of bits")
KINDS += ("conv2d, bits", "depthwise, bits", "dense, bits", "unpack", "multiply", "prelu", "average pool")


def compiled(folder: Path, *flags: str) -> list[str]:
    sources = [build.ROOT / "kernels" / f"{name}.c" for name in KERNELS]
    sources += [build.ROOT / "arch" / f"armv6_{name}.c" for name in ("f32", "loops", "pairs")]
    return armv6.compiled(PROGRAM, sources, armv6.VFP, folder, *flags)


def outputs(program: list[str], kind: int) -> np.ndarray:
    done = subprocess.run([*program, str(kind)], stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, np.uint32)


def test_equals_plain_c(tmp_path):
    """Products and sums may be grouped in another way; bits are the same, and so is what is only compared, but for
    which NaN it is."""
    own, plain = compiled(tmp_path), compiled(tmp_path, "-DXL_PORTABLE")
    for index, kind in enumerate(KINDS):
        ours, theirs = outputs(own, index), outputs(plain, index)
        assert ours.size == theirs.size > 300
        if kind in ("sign", "pool of bits"):
            np.testing.assert_array_equal(ours, theirs)
        else:
            exact = {} if kind.startswith(("conv2d", "dense")) else {"rtol": 0, "atol": 0}
            tolerance = {"rtol": 1e-6, "atol": 1e-6, **exact}
            np.testing.assert_allclose(ours.view(np.float32), theirs.view(np.float32), **tolerance, err_msg=kind)
