"""DENSE: rows of features meet rows of weights."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.conv import rows_as_float
from xlite.interpreter.kernels.reference.finish import make_finish
from xlite.interpreter.kernels.reference.popcount import xor_dot
from xlite.interpreter.kernels.reference.slicing import slices
from xlite.schema.types import DType, OpKind


def _prepare(spec: OpSpec, buffers: Buffers) -> Step:
    x_type, filter_type = spec.inputs[0], spec.inputs[1]
    x, filters = buffers.inputs[0], buffers.inputs[1]
    assert x_type is not None
    assert filter_type is not None
    assert x is not None
    assert filters is not None
    units, features = filter_type.shape
    rows = x.reshape(-1, x.shape[-1])
    out = buffers.outputs[0].reshape(len(rows), -1)
    finish = make_finish(spec, buffers)
    bits = x_type.dtype is DType.BIT
    weight_bytes = 8 * filters.shape[1] if bits else 5 * features

    def step() -> None:
        for start, stop in slices(len(rows), 8 * units):
            acc = np.empty((stop - start, units), np.int32 if bits else np.float32)
            pairs = stop - start if bits else int(filter_type.dtype is DType.BIT)
            for first, last in slices(units, pairs * weight_bytes):
                if bits:
                    acc[:, first:last] = xor_dot(rows[start:stop], filters[first:last], None, features)
                else:
                    acc[:, first:last] = rows[start:stop] @ rows_as_float(filters[first:last], filter_type).T
            finish(acc, out[start:stop])

    return step


KERNELS = (Kernel("np_dense", "numpy", OpKind.DENSE, _prepare),)
