"""EMBEDDING: rows of a table. Indices are cut towards zero and kept within the table; NaN is 0."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.slicing import slices
from xlite.schema.types import OpKind


def _embedding(spec: OpSpec, buffers: Buffers) -> Step:
    indices, table = buffers.inputs
    assert indices is not None
    assert table is not None
    flat = indices.reshape(-1)
    y = buffers.outputs[0].reshape(flat.size, -1)
    last = len(table) - 1

    def step() -> None:
        for start, stop in slices(flat.size, 32 + 4 * table.shape[1]):
            wanted = flat[start:stop].astype(np.float64)  # which holds every index of a table
            rows = np.where(wanted > 0, np.minimum(wanted, last), 0).astype(np.int64)  # a NaN is not above 0
            y[start:stop] = table[rows]

    return step


KERNELS = (Kernel("np_embedding", "numpy", OpKind.EMBEDDING, _embedding),)
