"""BATCH_NORM, ACTIVATION, PRELU, SOFTMAX and ADD in one pass over memory; each may write over its own input.

Loops from one array to another are compiled with a check whether the two overlap, and run element by element where
they do. So those that write over their input have a form of their own, which has one array and no check.
"""

from __future__ import annotations

import math

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.numba.finish import COMPILED, activate_row, activation_arguments
from xlite.interpreter.kernels.numba.jit import choose, constant, kernel
from xlite.schema.types import ActivationOptions, OpKind


@kernel
def batch_norm(x, scale, offset, y):  # type: ignore[no-untyped-def]
    """float32 rows (p, c): product and sum rounded one after the other."""
    for p in range(x.shape[0]):
        for c in range(x.shape[1]):
            y[p, c] = np.float32(x[p, c] * scale[c]) + offset[c]


@kernel
def batch_norm_in_place(y, scale, offset):  # type: ignore[no-untyped-def]
    batch_norm(y, scale, offset, y)


@kernel
def activation(x, y, kind, parameters):  # type: ignore[no-untyped-def]
    """float32 (n,)."""
    y[:] = x
    activate_row(y, kind, parameters)


@kernel
def prelu(x, slope, y):  # type: ignore[no-untyped-def]
    """float32 rows (p, c), one slope a column."""
    for p in range(x.shape[0]):
        for c in range(x.shape[1]):
            v = x[p, c]
            y[p, c] = choose(v >= 0, v, slope[c] * v)


@kernel
def prelu_in_place(y, slope):  # type: ignore[no-untyped-def]
    prelu(y, slope, y)


@kernel
def softmax(x, y):  # type: ignore[no-untyped-def]
    """float32 rows (p, c)."""
    for p in range(x.shape[0]):
        top = x[p, 0]
        for c in range(1, x.shape[1]):
            v = x[p, c]
            if v > top or v != v:  # a NaN stays, as in numpy
                top = v
        total = np.float32(0)
        for c in range(x.shape[1]):
            e = np.float32(math.exp(x[p, c] - top))
            y[p, c] = e
            total += e
        for c in range(x.shape[1]):
            y[p, c] /= total


@kernel
def add(a, b, y):  # type: ignore[no-untyped-def]
    """float32 (n,)."""
    for i in range(y.size):
        y[i] = a[i] + b[i]


@kernel
def add_in_place(y, b):  # type: ignore[no-untyped-def]
    add(y, b, y)


def _array(buffers: Buffers, slot: int) -> np.ndarray:
    array = buffers.inputs[slot]
    assert array is not None
    return array


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays of one size and type lie in the same place."""
    return bool(a.ctypes.data == b.ctypes.data)


def _prepare_batch_norm(spec: OpSpec, buffers: Buffers) -> Step:
    x, y = _array(buffers, 0), buffers.outputs[0]
    rows, out = x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1])
    scale, offset = constant(_array(buffers, 1)), constant(_array(buffers, 2))
    if _same(rows, out):
        return lambda: batch_norm_in_place(out, scale, offset)
    return lambda: batch_norm(rows, scale, offset, out)


def _prepare_activation(spec: OpSpec, buffers: Buffers) -> Step:
    options = spec.op.options
    assert isinstance(options, ActivationOptions)
    x, y = _array(buffers, 0).reshape(-1), buffers.outputs[0].reshape(-1)
    kind, parameters = activation_arguments(options.activation)
    return lambda: activation(x, y, kind, parameters)


def _slope_columns(spec: OpSpec) -> int:
    """How many slopes stand side by side: one a channel or one an element of a sample; 0 for other shapes, such
    as one a row, which are left to numpy."""
    x, slope = spec.inputs
    assert x is not None
    assert slope is not None
    if slope.shape == x.shape[1:]:
        return slope.elements
    return slope.shape[-1] if slope.elements == slope.shape[-1] == x.shape[-1] else 0


def _prepare_prelu(spec: OpSpec, buffers: Buffers) -> Step:
    columns = _slope_columns(spec)
    x, slope = _array(buffers, 0).reshape(-1, columns), constant(_array(buffers, 1).reshape(-1))
    y = buffers.outputs[0].reshape(-1, columns)
    if _same(x, y):
        return lambda: prelu_in_place(y, slope)
    return lambda: prelu(x, slope, y)


def _prepare_softmax(spec: OpSpec, buffers: Buffers) -> Step:
    x, y = _array(buffers, 0), buffers.outputs[0]
    rows, out = x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1])
    return lambda: softmax(rows, out)


def _prepare_add(spec: OpSpec, buffers: Buffers) -> Step:
    a, b = _array(buffers, 0).reshape(-1), _array(buffers, 1).reshape(-1)
    y = buffers.outputs[0].reshape(-1)
    if _same(a, y):
        return lambda: add_in_place(y, b)
    if _same(b, y):
        return lambda: add_in_place(y, a)  # a sum of two is the same either way
    return lambda: add(a, b, y)


def _takes_activation(spec: OpSpec) -> bool:
    options = spec.op.options
    return isinstance(options, ActivationOptions) and options.activation.kind in COMPILED


def _same_shapes(spec: OpSpec) -> bool:
    """Operands that broadcast are left to numpy."""
    a, b = spec.inputs
    assert a is not None
    assert b is not None
    return a.shape == b.shape


def _takes_slope(spec: OpSpec) -> bool:
    return _slope_columns(spec) > 0


KERNELS = (
    Kernel("nb_batch_norm", "numba", OpKind.BATCH_NORM, _prepare_batch_norm),
    Kernel("nb_activation", "numba", OpKind.ACTIVATION, _prepare_activation, _takes_activation),
    Kernel("nb_prelu", "numba", OpKind.PRELU, _prepare_prelu, _takes_slope),
    Kernel("nb_softmax", "numba", OpKind.SOFTMAX, _prepare_softmax),
    Kernel("nb_add", "numba", OpKind.ADD, _prepare_add, _same_shapes),
)
