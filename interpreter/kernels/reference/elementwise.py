"""BATCH_NORM, ACTIVATION, PRELU and SOFTMAX. Each may write over its own input."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.activations import activate
from xlite.interpreter.kernels.reference.slicing import slices
from xlite.schema.types import ActivationOptions, OpKind


def _batch_norm(spec: OpSpec, buffers: Buffers) -> Step:
    x, scale, offset = buffers.inputs
    y = buffers.outputs[0]
    assert x is not None
    assert scale is not None
    assert offset is not None

    def step() -> None:
        np.multiply(x, scale, out=y)
        np.add(y, offset, out=y)

    return step


def _activation(spec: OpSpec, buffers: Buffers) -> Step:
    options = spec.op.options
    assert isinstance(options, ActivationOptions)
    assert buffers.inputs[0] is not None
    x, y = buffers.inputs[0].reshape(-1), buffers.outputs[0].reshape(-1)

    def step() -> None:
        for start, stop in slices(x.size, 16):
            y[start:stop] = activate(x[start:stop], options.activation)

    return step


def _prelu(spec: OpSpec, buffers: Buffers) -> Step:
    x, slope = buffers.inputs
    y = buffers.outputs[0]
    assert x is not None
    assert slope is not None

    def step() -> None:
        for source, target in zip(x, y):
            np.copyto(target, np.where(source >= 0, source, slope * source))

    return step


def _softmax(spec: OpSpec, buffers: Buffers) -> Step:
    x, y = buffers.inputs[0], buffers.outputs[0]
    assert x is not None

    def step() -> None:
        np.subtract(x, x.max(axis=-1, keepdims=True), out=y)
        np.exp(y, out=y)
        np.divide(y, y.sum(axis=-1, keepdims=True), out=y)

    return step


KERNELS = (
    Kernel("np_batch_norm", "numpy", OpKind.BATCH_NORM, _batch_norm),
    Kernel("np_activation", "numpy", OpKind.ACTIVATION, _activation),
    Kernel("np_prelu", "numpy", OpKind.PRELU, _prelu),
    Kernel("np_softmax", "numpy", OpKind.SOFTMAX, _softmax),
)
