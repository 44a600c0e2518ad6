"""Multiply-accumulates of an op, and in which precision it does them."""

from __future__ import annotations

import math

from xlite.schema.contracts import FILTERED
from xlite.schema.types import Model, Op, OpKind, TensorType

__all__ = ["FILTERED", "multiply_accumulates", "op_macs", "precision"]

_MASK = 5  # its slot


def multiply_accumulates(
    kind: OpKind, x: TensorType, kernel: TensorType, output: TensorType, planes: int = 1
) -> int:
    """Of one op of a kind in :data:`FILTERED`, for the batch that its types have. Each of ``planes`` bit planes
    of x meets the whole filter; elements of padding count like others."""
    if kind is OpKind.CONV_3D_TRANSPOSE:  # every pixel of x meets the whole filter
        return x.elements // x.shape[-1] * kernel.elements * planes
    shape = kernel.shape
    if kind is OpKind.DEPTHWISE_CONV_2D:
        per_output = math.prod(shape[:-1])
    elif kind is OpKind.LOCALLY_CONNECTED_2D:
        per_output = math.prod(shape[3:])
    else:
        per_output = math.prod(shape[1:])
    return output.elements * per_output * planes


def precision(x: TensorType, kernel: TensorType, masked: bool = False) -> str:
    """``<input>x<weights>``: ``bitxbit``, ``f32xbit`` and so on; bits with a mask are ternary: ``bitxtern``."""
    return f"{x.dtype.short}x{'tern' if masked else kernel.dtype.short}"


def op_macs(model: Model, op: Op) -> tuple[str, int]:
    """(precision, multiply-accumulates) of an op of a verified model; ("", 0) for one that has none."""
    if op.kind not in FILTERED:
        return "", 0
    x, kernel, output = (model.tensors[i].type for i in (*op.inputs[:2], op.outputs[0]))
    planes = op.options.planes  # type: ignore[union-attr]  # every options table of these kinds has it
    masked = len(op.inputs) > _MASK and op.inputs[_MASK] >= 0
    return precision(x, kernel, masked), multiply_accumulates(op.kind, x, kernel, output, planes)
