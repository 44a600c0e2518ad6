"""Reads what ``record.py`` stored and compares outputs with it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
BYTES = "integers:bytes/"  # how the names of cases begin that are converted with an input of uint8
RELATIVE = 1e-5  # of the largest value of a tensor: float paths
NEAR_ZERO = 2e-6  # of the largest pre-sign value: what float32 rounding in TensorFlow may flip


@cache
def families() -> dict[str, dict[str, dict[str, np.ndarray]]]:
    """family -> case -> arrays by key (``h5``, ``x0``..., ``y0``..., ``presign``)."""
    found: dict[str, dict[str, dict[str, np.ndarray]]] = {}
    for path in sorted(FOLDER.glob("*.npz")):
        cases = found.setdefault(path.stem, {})
        with np.load(path) as stored:
            for key in stored.files:
                name, field = key.split("|")
                cases.setdefault(name, {})[field] = stored[key]
    return found


def names() -> list[str]:
    return [f"{family}:{case}" for family, cases in families().items() for case in cases]


# Marked binary by their quantizers, and not to be packed in full: kernels of more levels, or with one alpha for
# each input channel; planes where every output has taps or filters of its own.
_STAY_FLOAT = (
    "quant_conv:no_kernel_quantizer",
    "larq:locally_2d float *",
    "larq:kernel dorefa weights [24]",
    "larq:kernel dorefa activations 2",
    "larq:kernel no_op",
    "larq:transpose *",
    "larq:locally *, *",
)


def stays_float(name: str) -> bool:
    """True for a case that ``strict`` refuses."""
    return any(fnmatchcase(name, pattern) for pattern in _STAY_FLOAT)


def options(name: str) -> dict[str, str]:
    """What a case is converted with."""
    return {"input_dtype": "uint8"} if name.startswith(BYTES) else {}


def load(name: str) -> dict[str, np.ndarray]:
    family, case = name.split(":")
    return families()[family][case]


def numbered(arrays: dict[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    return [arrays[f"{prefix}{i}"] for i in range(len(arrays)) if f"{prefix}{i}" in arrays]


def compare(outputs: list[np.ndarray], arrays: dict[str, np.ndarray]) -> int:
    """Asserts that outputs equal TensorFlow's as far as the numerics promise; returns the near-zero sign flips.

    Bits must be equal but where TensorFlow's own value before the sign is within its rounding of zero. Values that
    are exact in TensorFlow (whole sixteenths: accumulators, with a bias) must be equal. Other floats are within
    1e-5 of the tensor's largest value.
    """
    expected = numbered(arrays, "y")
    assert len(outputs) == len(expected)
    if "presign" in arrays:
        return compare_signs(outputs[0], arrays["presign"])
    for got, want in zip(outputs, expected):
        assert got.shape == want.shape
        assert got.dtype == want.dtype == np.float32
        if np.array_equal(want * 16, np.round(want * 16)):
            np.testing.assert_array_equal(got, want)
        else:
            np.testing.assert_allclose(got, want, rtol=0, atol=RELATIVE * np.abs(want).max())
    return 0


def compare_signs(got: np.ndarray, presign: np.ndarray) -> int:
    wanted = np.where(presign < 0, np.float32(-1), np.float32(1))
    assert got.shape == wanted.shape
    assert set(np.unique(got)) <= {-1.0, 1.0}
    wrong = got != wanted
    near = np.abs(presign) <= NEAR_ZERO * np.abs(presign).max()
    assert not np.any(wrong & ~near), f"{np.sum(wrong & ~near)} bits differ away from zero"
    return int(np.sum(wrong))
