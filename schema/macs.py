"""Multiply-accumulates of an op, and in which precision it does them."""

from __future__ import annotations

import math

from xlite.schema.types import Model, Op, OpKind, TensorType

FILTERED = frozenset({OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D, OpKind.DENSE})  # the kinds that have any


def multiply_accumulates(kind: OpKind, kernel: TensorType, output: TensorType) -> int:
    """Of one op of a kind in :data:`FILTERED`, for the batch that ``output`` has."""
    shape = kernel.shape
    per_output = math.prod(shape[:-1]) if kind is OpKind.DEPTHWISE_CONV_2D else math.prod(shape[1:])
    return output.elements * per_output


def precision(x: TensorType, kernel: TensorType) -> str:
    """``<input>x<weights>``, for example ``bitxbit`` or ``f32xbit``."""
    return f"{x.dtype.short}x{kernel.dtype.short}"


def op_macs(model: Model, op: Op) -> tuple[str, int]:
    """(precision, multiply-accumulates) of an op of a verified model; ("", 0) for one that has none."""
    if op.kind not in FILTERED:
        return "", 0
    x, kernel = model.tensors[op.inputs[0]].type, model.tensors[op.inputs[1]].type
    return precision(x, kernel), multiply_accumulates(op.kind, kernel, model.tensors[op.outputs[0]].type)
