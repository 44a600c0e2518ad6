"""Multiply-accumulates against a count: an op over ones, with ones for weights, gives how many it adds up."""

from __future__ import annotations

import numpy as np
import pytest

from tests.oracle import evaluate
from xlite.schema import Conv2DOptions, DenseOptions, DType, Op, OpKind, TensorType, infer
from xlite.schema.macs import FILTERED, multiply_accumulates, op_macs
from xlite.schema.types import Conv3DOptions, Model, Tensor

# kind -> x, filter, options; without padding, since what it adds counts too
CASES = {
    OpKind.CONV_2D: ((2, 5, 6, 6), (4, 3, 2, 3), Conv2DOptions(stride_w=2, groups=2)),
    OpKind.DEPTHWISE_CONV_2D: ((2, 5, 6, 3), (3, 2, 6), Conv2DOptions(dilation_h=2)),
    OpKind.DENSE: ((2, 4, 7), (3, 7), DenseOptions()),
    OpKind.CONV_3D: ((2, 3, 4, 5, 4), (6, 2, 1, 3, 2), Conv3DOptions(stride_h=3, groups=2)),
    OpKind.CONV_3D_TRANSPOSE: (
        (2, 1, 3, 4, 4),
        (6, 1, 2, 3, 2),
        Conv3DOptions(stride_h=2, stride_w=2, groups=2, output_d=1, output_h=6, output_w=9),
    ),
    OpKind.LOCALLY_CONNECTED_2D: ((2, 5, 6, 3), (4, 4, 2, 2, 3, 3), Conv2DOptions()),
}


def test_every_kind_with_a_filter_is_here() -> None:
    assert set(CASES) == FILTERED


@pytest.mark.parametrize("kind", CASES)
def test_as_many_as_are_added_up(kind: OpKind) -> None:
    x_shape, shape, options = CASES[kind]
    x, kernel = TensorType(x_shape, DType.FLOAT32), TensorType(shape, DType.FLOAT32)
    (output,) = infer(kind, [x, kernel], options)
    op = Op(kind, (0, 1), (2,), options)
    added = evaluate(op, [np.ones(x_shape), np.ones(shape)])
    assert multiply_accumulates(kind, x, kernel, output) == added.sum()


def test_each_plane_counts_and_other_ops_have_none() -> None:
    bits, weights = TensorType((1, 21), DType.BIT), TensorType((5, 7), DType.BIT)
    (output,) = infer(OpKind.DENSE, [bits, weights], DenseOptions(planes=3))
    tensors = [Tensor("x", bits), Tensor("w", weights), Tensor("y", output)]
    op = Op(OpKind.DENSE, (0, 1), (2,), DenseOptions(planes=3))
    model = Model(tensors, [op], (0,), (2,))
    assert op_macs(model, op) == ("bitxbit", 3 * 5 * 7)
    assert op_macs(model, Op(OpKind.UNPACK, (0,), (2,))) == ("", 0)
