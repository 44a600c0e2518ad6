"""Outputs before times: engines that claim the same network must give the same results.

xlite's backends and instruction sets agree in every bit and integer, and in floats within 1e-5 an op. In a
layer's chain all is bits but the last scale, so that outputs agree; the same goes for Larq Compute Engine on
the same network. In a whole network a float next to zero may take either sign behind another order of sums, and
random weights have many of those, each of which changes many that follow. There, the samples that are exact and
those with the same class are counted. One exact sample shows the same network, since no chance makes a thousand
classes equal to four digits; where there is none, the outputs must be correlated as no two different networks
are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EXACT = 1e-4  # of a sample's largest output
CORRELATION = 0.8


@dataclass(frozen=True)
class Agreement:
    """Of ``samples``: how many are exact and how many have the same largest output; correlation over all."""

    samples: int
    exact: int
    argmax: int
    correlation: float


def agreement(found: np.ndarray, expected: np.ndarray) -> Agreement:
    """Between two outputs of the same samples. ValueError where the shapes differ or a value is not finite."""
    if found.shape != expected.shape:
        raise ValueError(f"outputs have shape {found.shape}, not {expected.shape}")
    if not np.all(np.isfinite(found)):
        raise ValueError("outputs are not finite")
    a, b = (x.reshape(len(x), -1).astype(np.float64) for x in (found, expected))
    exact = np.abs(a - b).max(1) <= EXACT * np.abs(b).max(1)
    same = a.argmax(1) == b.argmax(1)
    return Agreement(len(a), int(exact.sum()), int(same.sum()), _correlation(a.ravel(), b.ravel()))


def complaint(found: Agreement, same_bits: bool) -> str:
    """Why two engines are not taken for the same network, empty if they are. ``same_bits``: all samples must be
    exact."""
    if same_bits and found.exact < found.samples:
        return f"{found.samples - found.exact} of {found.samples} samples differ from the reference"
    if not found.exact and found.correlation < CORRELATION:
        return f"no sample is exact, and the correlation with the reference is {found.correlation:.2f}"
    return ""


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's; of constant values 1 where they are the same, else 0."""
    x, y = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / norm if norm else float(np.array_equal(a, b))
