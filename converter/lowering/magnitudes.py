"""Mean magnitudes of kernels, which scale their signs (XNOR-Net's alpha, arXiv 1603.05279)."""

from __future__ import annotations

import numpy as np

_LANES = 8  # filters that TensorFlow sums side by side
_PARTS = 4  # sums that it adds every so many weights to, from _LONG weights on
_LONG = 16


def kernel_magnitude(kernel: np.ndarray) -> np.float32:
    """Mean |w| of a whole kernel.

    Accumulated in float64 and rounded once: TensorFlow's own order of summation differs from machine to machine,
    and this is the value in their middle.
    """
    return np.abs(kernel).mean(dtype=np.float64).astype(np.float32)


def filter_magnitudes(kernel: np.ndarray) -> np.ndarray:
    """Mean |w| of every filter, float32 (1, ..., 1, filters), bit for bit as ``tf.reduce_mean`` gives it.

    It adds in float32: a filter's weights go to four sums in turn, which are added in order and then the one to
    three weights that are left. The filters behind the last whole eight have one sum, as have filters of less than
    16 weights. An alpha of other last digits would move everything behind it by that much.
    """
    rows = np.abs(kernel, dtype=np.float32).reshape(-1, kernel.shape[-1])
    count, filters = rows.shape
    if filters == 1:  # one long sum, whose order depends on the machine
        means = kernel_magnitude(rows).reshape(1)
    else:
        whole = filters - filters % _LANES if count >= _LONG else 0
        sums = np.concatenate([_in_parts(rows[:, :whole]), _in_order(rows[:, whole:])])
        means = sums / np.float32(count)
    return means.reshape((1,) * (kernel.ndim - 1) + (filters,))


def _in_parts(rows: np.ndarray) -> np.ndarray:
    """Column sums by way of four sums."""
    rounds, filters = len(rows) // _PARTS, rows.shape[1]
    parts = rows[: rounds * _PARTS].reshape(rounds, _PARTS, filters).sum(axis=0)
    for row in rows[rounds * _PARTS :]:
        parts = np.concatenate([parts, row[np.newaxis]])
    return _in_order(parts)


def _in_order(rows: np.ndarray) -> np.ndarray:
    """Column sums, one row after the other."""
    total = np.zeros(rows.shape[1], np.float32)
    for row in rows:
        total += row
    return total
