"""What each op of format 1.1 takes and gives, and every refusal: new kinds, and what old kinds learned."""

from __future__ import annotations

import math

import pytest

from tests.schema.test_contracts import (
    BIT,
    FIRST_KINDS,
    GIVES,
    I32,
    TANH,
    XB,
    K,
    X,
    bit,
    conv,
    f,
    i,
    with_,
)
from xlite.schema import (
    Activation,
    ActivationKind,
    ActivationOptions,
    ContractError,
    Conv2DOptions,
    DenseOptions,
    OpKind,
    TensorType,
    infer,
)
from xlite.schema.types import (
    OPTIONS_OF_KIND,
    Conv3DOptions,
    PlanesKind,
    PlanesOptions,
    Pool3DOptions,
    ReduceKind,
    ReduceOptions,
    ResizeOptions,
    SliceOptions,
    TileOptions,
    TransposeOptions,
)

V, VB = f(1, 4, 5, 6, 2), bit(1, 4, 5, 6, 2)
F3, F3B = f(3, 2, 3, 2, 2), bit(3, 2, 3, 2, 2, axes=4)
LOCAL, LOCAL_B = f(6, 4, 5, 3, 3, 4), bit(6, 4, 5, 3, 3, 4, axes=3)
FB = bit(5, 3, 3, 4, axes=3)
DOREFA, HEAVISIDE = PlanesKind.DOREFA, PlanesKind.HEAVISIDE
PAIRWISE = (K.ADD, K.SUBTRACT, K.MULTIPLY, K.DIVIDE, K.MAXIMUM, K.MINIMUM)
# x [1,4,5,6,2] with a filter of 2x3x2: the full outputs are 5, 7, 7
FULL = {"output_d": 5, "output_h": 7, "output_w": 7}


def conv3(**options) -> Conv3DOptions:
    return Conv3DOptions(**options)


def masked(x: TensorType, kernel: TensorType, mask: TensorType, threshold=None) -> list:
    return [x, kernel, None, None, threshold, mask]


def act(kind: ActivationKind, *parameters: float) -> ActivationOptions:
    return ActivationOptions(Activation(kind, *parameters))


INF = math.inf
A = ActivationKind
GIVES_1_1 = [
    # 3D
    (K.CONV_3D, with_(V, F3, f(3), f(3)), conv3(activation=TANH), f(1, 3, 3, 5, 3)),
    (K.CONV_3D, with_(V, F3), conv3(stride_d=2, stride_h=2, stride_w=3), f(1, 2, 2, 2, 3)),
    (K.CONV_3D, with_(V, F3), conv3(dilation_d=3, dilation_h=2, dilation_w=5), f(1, 1, 1, 1, 3)),
    (K.CONV_3D, with_(V, F3), conv3(pad_front=1, pad_top=2, pad_left=3), f(1, 4, 5, 8, 3)),
    (K.CONV_3D, with_(V, F3), conv3(pad_back=1, pad_bottom=2, pad_right=3), f(1, 4, 5, 8, 3)),
    (K.CONV_3D, with_(V, f(4, 2, 3, 2, 1)), conv3(groups=2), f(1, 3, 3, 5, 4)),
    (K.CONV_3D, with_(V, F3B, f(3)), conv3(), f(1, 3, 3, 5, 3)),
    (K.CONV_3D, with_(VB, F3B), conv3(output_dtype=I32, pad_value=-1), i(1, 3, 3, 5, 3)),
    (K.CONV_3D, masked(VB, F3B, F3B, i(3)), conv3(output_dtype=BIT), bit(1, 3, 3, 5, 3)),
    (K.CONV_3D, with_(bit(1, 4, 5, 6, 6), F3B), conv3(planes=3), f(1, 3, 3, 5, 3)),
    (K.CONV_3D_TRANSPOSE, with_(V, F3), conv3(**FULL), f(1, 5, 7, 7, 3)),
    (K.CONV_3D_TRANSPOSE, with_(V, F3), conv3(**{**FULL, "output_d": 4}, pad_front=1), f(1, 4, 7, 7, 3)),
    (K.CONV_3D_TRANSPOSE, with_(V, F3), conv3(**{**FULL, "output_w": 6}, pad_right=1), f(1, 5, 7, 6, 3)),
    (K.CONV_3D_TRANSPOSE, with_(V, F3), conv3(stride_d=3, **{**FULL, "output_d": 13}), f(1, 13, 7, 7, 3)),
    (K.CONV_3D_TRANSPOSE, with_(V, F3), conv3(dilation_h=2, **{**FULL, "output_h": 9}), f(1, 5, 9, 7, 3)),
    (K.CONV_3D_TRANSPOSE, with_(VB, F3B), conv3(output_dtype=I32, **FULL), i(1, 5, 7, 7, 3)),
    (K.LOCALLY_CONNECTED_2D, with_(X, LOCAL, f(5), f(5)), conv(), f(1, 6, 4, 5)),
    (K.LOCALLY_CONNECTED_2D, with_(XB, LOCAL_B, threshold=i(5)), conv(output_dtype=BIT), bit(1, 6, 4, 5)),
    (K.LOCALLY_CONNECTED_2D, masked(X, LOCAL_B, LOCAL_B), conv(), f(1, 6, 4, 5)),
    (K.LOCALLY_CONNECTED_2D, with_(X, f(3, 2, 5, 3, 3, 4)), conv(stride_h=2, stride_w=2), f(1, 3, 2, 5)),
    (K.MAX_POOL_3D, [V], Pool3DOptions(2, 2, 2, 2, 2, 2), f(1, 2, 2, 3, 2)),
    (K.MAX_POOL_3D, [V], Pool3DOptions(4, 3, 2, pad_front=3, pad_left=1), f(1, 4, 3, 6, 2)),
    (K.AVERAGE_POOL_3D, [V], Pool3DOptions(4, 5, 6), f(1, 1, 1, 1, 2)),
    # masks and planes of the ops that 1.0 had
    (K.CONV_2D, masked(XB, FB, FB), conv(), f(1, 6, 4, 5)),
    (K.CONV_2D, masked(X, FB, FB), conv(), f(1, 6, 4, 5)),
    (K.CONV_2D, with_(bit(1, 8, 6, 8), FB), conv(planes=2, output_dtype=I32), i(1, 6, 4, 5)),
    (K.CONV_2D, with_(bit(1, 8, 6, 16), bit(6, 3, 3, 4, axes=3)), conv(planes=2, groups=2), f(1, 6, 4, 6)),
    (K.DEPTHWISE_CONV_2D, with_(bit(1, 8, 6, 12), bit(3, 3, 8)), conv(planes=3), f(1, 6, 4, 8)),
    (K.DEPTHWISE_CONV_2D, masked(XB, bit(3, 3, 8), bit(3, 3, 8)), conv(), f(1, 6, 4, 8)),
    (K.DENSE, with_(bit(1, 72), bit(3, 9)), DenseOptions(planes=8), f(1, 3)),
    (K.DENSE, masked(f(1, 9), bit(3, 9), bit(3, 9)), DenseOptions(), f(1, 3)),
    # two tensors
    *((kind, [X, X], None, X) for kind in PAIRWISE),
    *((kind, [X, f(1, 1, 6, 1)], None, X) for kind in PAIRWISE),
    *((kind, [f(1, 8, 1, 4), f(1, 1, 6, 1)], None, X) for kind in PAIRWISE),
    (K.ADD, [f(7, 3), f(1, 3)], None, f(7, 3)),
    # planes
    (K.BIT_PLANES, [X], PlanesOptions(DOREFA, 3), bit(1, 8, 6, 12)),
    (K.BIT_PLANES, [f(1, 9)], PlanesOptions(HEAVISIDE, 1), bit(1, 9)),
    (K.FROM_PLANES, [bit(1, 8, 6, 12)], PlanesOptions(DOREFA, 3), X),
    (K.FROM_PLANES, [XB], PlanesOptions(HEAVISIDE, 1), X),
    # moving elements
    (K.TRANSPOSE, [X], TransposeOptions((0, 3, 1, 2)), f(1, 4, 8, 6)),
    (K.TRANSPOSE, [XB], TransposeOptions((0, 2, 1, 3)), bit(1, 6, 8, 4)),
    (K.SLICE, [X], SliceOptions((0, 1, 0, 3), (1, 3, 6, 1), (1, 2, 1, 1)), f(1, 3, 6, 1)),
    (K.SLICE, [f(7, 4)], SliceOptions((0, 2), (1, 2), (1, 1)), f(7, 2)),
    (K.SLICE, [XB], SliceOptions((0, 7, 5, 0), (1, 1, 1, 2), (1, 9, 9, 3)), bit(1, 1, 1, 2)),
    (K.TILE, [X], TileOptions((1, 2, 1, 3)), f(1, 16, 6, 12)),
    (K.TILE, [XB], TileOptions((1, 1, 1, 1)), XB),
    # the rest
    (K.REDUCE, [X], ReduceOptions(ReduceKind.SUM, (1, 2)), f(1, 4)),
    (K.REDUCE, [X], ReduceOptions(ReduceKind.MAX, (3,), True), f(1, 8, 6, 1)),
    (K.REDUCE, [X], ReduceOptions(ReduceKind.PROD, (1, 2, 3), True), f(1, 1, 1, 1)),
    (K.RESIZE_BILINEAR_2D, [X], ResizeOptions(3, 12), f(1, 3, 12, 4)),
    (K.EMBEDDING, [f(1, 7), f(100, 16)], None, f(1, 7, 16)),
    (K.EMBEDDING, [i(2, 3, 4), f(1, 5)], None, f(2, 3, 4, 5)),
    # activations
    *((K.ACTIVATION, [X], act(kind), X) for kind in A if kind not in (A.NONE, A.CELU)),
    (K.ACTIVATION, [X], act(A.CELU, -0.5), X),
    (K.ACTIVATION, [X], act(A.HARD_SIGMOID, 0.2, INF, 0.5), X),
    (K.ACTIVATION, [X], act(A.THRESHOLD, -3.0, INF, 0.5), X),
    (K.ACTIVATION, [X], act(A.CLIP, 0.0, 1.0, -1.0), X),
    (K.ACTIVATION, [X], act(A.CLIP, 0.0, 1.0, -INF), X),
    (K.CONV_2D, with_(X, FB), conv(activation=Activation(A.ELU, 0.5)), f(1, 6, 4, 5)),
]


@pytest.mark.parametrize(("kind", "inputs", "options", "output"), GIVES_1_1)
def test_what_an_op_gives(kind: OpKind, inputs: list, options, output: TensorType) -> None:
    assert infer(kind, inputs, options) == [output]


BIG = 1 << 16
REFUSES_1_1 = [
    # 3D convolutions
    (K.CONV_3D, with_(X, F3), conv3(), "x must have 5 axes, has 4"),
    (K.CONV_3D, with_(V, f(3, 3, 2, 2)), conv3(), "filter must have 5 axes, has 4"),
    (K.CONV_3D, with_(V, F3), Conv2DOptions(), "needs Conv3DOptions"),
    (K.CONV_3D, with_(VB, bit(3, 2, 3, 2, 2, axes=3)), conv3(), "filter must have packed_axes 4"),
    (K.CONV_3D, with_(f(1, 4, 5, 6, 3), F3), conv3(), "x has 3 channels, the filter wants 2"),
    (K.CONV_3D, with_(V, F3), conv3(groups=2), "groups 2 does not divide the 3 filters"),
    (K.CONV_3D, with_(V, F3), conv3(output_h=3), "the output's extents are given for CONV_3D_TRANSPOSE alone"),
    (K.CONV_3D, with_(V, F3), conv3(pad_value=1), "pad_value +1 and -1 are for bit inputs only"),
    (K.CONV_3D, with_(V, F3), conv3(stride_d=0), "a stride is out of range"),
    (K.CONV_3D, with_(V, F3), conv3(dilation_d=BIG + 1), "a window or dilation is out of range"),
    (K.CONV_3D, with_(V, F3), conv3(pad_front=-1), "a padding is out of range"),
    (K.CONV_3D, with_(V, F3), conv3(dilation_d=4), "the window of 5 is larger than the padded input of 4"),
    (K.CONV_3D, with_(VB, F3B), conv3(output_dtype=BIT), "a bit output needs a threshold"),
    (K.CONV_3D_TRANSPOSE, with_(V, F3), conv3(), "an output extent 0 is out of range"),
    (K.CONV_3D_TRANSPOSE, with_(V, F3), conv3(**FULL, groups=3), "x has 2 channels, the filter wants 6"),
    (K.CONV_3D_TRANSPOSE, with_(VB, F3B), conv3(**FULL, pad_value=1), "a transposed convolution pads nothing"),
    (
        K.CONV_3D_TRANSPOSE,
        with_(V, F3),
        conv3(**{**FULL, "output_h": 8}),
        "an output extent 8 does not follow from the paddings",
    ),
    (
        K.CONV_3D_TRANSPOSE,
        with_(V, F3),
        conv3(**{**FULL, "output_h": 6}),
        "an output extent 6 does not follow from the paddings",
    ),
    (K.CONV_3D_TRANSPOSE, with_(V, F3), conv3(**FULL, stride_w=0), "a stride is out of range"),
    (K.CONV_3D_TRANSPOSE, with_(V, F3), conv3(**FULL, pad_back=BIG + 1), "a padding is out of range"),
    (K.CONV_3D_TRANSPOSE, with_(V, F3), conv3(**FULL, dilation_w=0), "a window or dilation is out of range"),
    # locally connected
    (K.LOCALLY_CONNECTED_2D, with_(X, f(5, 3, 3, 4)), conv(), "filter must have 6 axes, has 4"),
    (K.LOCALLY_CONNECTED_2D, with_(V, LOCAL), conv(), "x must have 4 axes, has 5"),
    (K.LOCALLY_CONNECTED_2D, with_(X, LOCAL), conv(groups=5), "a locally connected layer has no groups"),
    (K.LOCALLY_CONNECTED_2D, with_(X, LOCAL), conv(pad_top=1), "there are filters for 6x4 pixels, not 7x4"),
    (K.LOCALLY_CONNECTED_2D, with_(f(1, 8, 6, 3), LOCAL), conv(), "x has 3 channels, the filter wants 4"),
    (K.LOCALLY_CONNECTED_2D, with_(X, bit(6, 4, 5, 3, 3, 4)), conv(), "filter must have packed_axes 3"),
    (K.LOCALLY_CONNECTED_2D, with_(X, LOCAL, bias=f(4)), conv(), "bias must have shape (5,), has (4,)"),
    # pools
    (K.MAX_POOL_3D, [VB], Pool3DOptions(), "x must be f32, is bit"),
    (K.MAX_POOL_3D, [X], Pool3DOptions(), "x must have 5 axes, has 4"),
    (K.MAX_POOL_3D, [V], Pool3DOptions(window_d=0), "a window is out of range"),
    (K.MAX_POOL_3D, [V], Pool3DOptions(window_w=BIG + 1), "a window is out of range"),
    (K.MAX_POOL_3D, [V, None], Pool3DOptions(), "needs 1 inputs, has 2"),
    (K.AVERAGE_POOL_3D, [V], Pool3DOptions(2, 2, 2, pad_back=2), "the padding is as large as the window"),
    (K.AVERAGE_POOL_3D, [V], Pool3DOptions(5), "the window of 5 is larger than the padded input of 4"),
    (K.AVERAGE_POOL_3D, [V], Pool3DOptions(stride_h=0), "a stride is out of range"),
    # masks and planes
    (K.CONV_2D, masked(X, f(5, 3, 3, 4), FB), conv(), "a mask is for bit filters only"),
    (K.CONV_2D, masked(X, FB, bit(5, 3, 3, 4)), conv(), "must have the filter's type"),
    (K.CONV_2D, masked(X, FB, bit(5, 3, 3, 5, axes=3)), conv(), "must have the filter's type"),
    (K.DENSE, masked(f(1, 9), bit(3, 9), f(3, 9)), DenseOptions(), "must have the filter's type"),
    (K.CONV_2D, with_(X, FB), conv(planes=2), "planes are of bits"),
    (K.CONV_2D, with_(XB, FB), conv(planes=0), "planes 0 is not 1 to 8"),
    (K.DENSE, with_(bit(1, 81), bit(3, 9)), DenseOptions(planes=9), "planes 9 is not 1 to 8"),
    (K.DENSE, with_(bit(1, 9), bit(3, 9)), DenseOptions(planes=2), "2 planes do not divide the 9 channels of x"),
    (K.DENSE, with_(bit(1, 18), bit(3, 18)), DenseOptions(planes=2), "x has 9 features, the filter wants 18"),
    (
        K.DEPTHWISE_CONV_2D,
        with_(bit(1, 8, 6, 6), bit(3, 3, 4)),
        conv(planes=2),
        "4 filters are no multiple of 3 channels",
    ),
    (
        K.DENSE,
        with_(bit(1, 8 << 24), bit(3, 1 << 24)),
        DenseOptions(planes=8),
        "the sums of its bit planes do not fit an int32",
    ),
    # two tensors
    *((kind, [X, XB], None, "b must be f32, is bit") for kind in PAIRWISE),
    *((kind, [i(1, 4), f(1, 4)], None, "a must be f32, is i32") for kind in PAIRWISE),
    *((kind, [X, f(1, 4)], None, "ranks of f32[1,8,6,4] and f32[1,4] differ") for kind in PAIRWISE),
    *((kind, [X, f(1, 8, 5, 4)], None, "do not broadcast") for kind in PAIRWISE),
    # planes
    (K.BIT_PLANES, [XB], PlanesOptions(DOREFA, 2), "x must be f32, is bit"),
    (K.BIT_PLANES, [X], PlanesOptions(DOREFA, 9), "planes 9 is not 1 to 8"),
    (K.BIT_PLANES, [X], PlanesOptions(DOREFA, 0), "planes 0 is not 1 to 8"),
    (K.BIT_PLANES, [X], PlanesOptions(HEAVISIDE, 2), "HEAVISIDE has one plane"),
    (K.FROM_PLANES, [X], PlanesOptions(DOREFA, 2), "x must be bit, is f32"),
    (K.FROM_PLANES, [XB], PlanesOptions(DOREFA, 3), "3 planes do not divide 4 elements"),
    (K.FROM_PLANES, [XB], PlanesOptions(HEAVISIDE, 2), "HEAVISIDE has one plane"),
    # moving elements
    (K.TRANSPOSE, [i(1, 4)], TransposeOptions((0, 1)), "x must be f32 or i8 or u8 or bit, is i32"),
    (K.TRANSPOSE, [X], TransposeOptions((0, 1, 2)), "(0, 1, 2) is no permutation of 4 axes"),
    (K.TRANSPOSE, [X], TransposeOptions((0, 1, 1, 3)), "(0, 1, 1, 3) is no permutation of 4 axes"),
    (K.TRANSPOSE, [X], TransposeOptions((0, 1, 2, -1)), "(0, 1, 2, -1) is no permutation of 4 axes"),
    (K.TRANSPOSE, [X], TransposeOptions((1, 0, 2, 3)), "the batch axis stays first"),
    (K.SLICE, [i(1, 4)], SliceOptions((0, 0), (1, 4), (1, 1)), "x must be f32 or i8 or u8 or bit, is i32"),
    (K.SLICE, [f(1, 4)], SliceOptions((0,), (1, 4), (1, 1)), "begin needs 2 entries"),
    (K.SLICE, [f(1, 4)], SliceOptions((0, 0), (1,), (1, 1)), "size needs 2 entries"),
    (K.SLICE, [f(1, 4)], SliceOptions((0, 0), (1, 4), ()), "stride needs 2 entries"),
    (K.SLICE, [f(1, 4)], SliceOptions((1, 0), (1, 4), (1, 1)), "the batch axis cannot be sliced"),
    (K.SLICE, [f(1, 4)], SliceOptions((0, 0), (1, 4), (2, 1)), "the batch axis cannot be sliced"),
    (K.SLICE, [f(1, 4)], SliceOptions((0, -1), (1, 2), (1, 1)), "axis 1 has a begin, size or stride out of range"),
    (K.SLICE, [f(1, 4)], SliceOptions((0, 0), (1, 0), (1, 1)), "axis 1 has a begin, size or stride out of range"),
    (K.SLICE, [f(1, 4)], SliceOptions((0, 0), (1, 2), (1, 0)), "axis 1 has a begin, size or stride out of range"),
    (K.SLICE, [f(1, 4)], SliceOptions((0, 1), (1, 4), (1, 1)), "axis 1 is sliced beyond its 4 elements"),
    (K.SLICE, [f(1, 4)], SliceOptions((0, 0), (1, 2), (1, 4)), "axis 1 is sliced beyond its 4 elements"),
    (K.SLICE, [f(1, 4)], SliceOptions((0, 4), (1, 1), (1, 1)), "axis 1 is sliced beyond its 4 elements"),
    (K.TILE, [i(1, 4)], TileOptions((1, 2)), "x must be f32 or i8 or u8 or bit, is i32"),
    (K.TILE, [f(1, 4)], TileOptions((2,)), "multiples needs 2 entries"),
    (K.TILE, [f(1, 4)], TileOptions((2, 1)), "the batch axis cannot be tiled"),
    (K.TILE, [f(1, 4)], TileOptions((1, 0)), "a multiple is out of range"),
    (K.TILE, [f(1, 1)], TileOptions((1, BIG + 1)), "a multiple is out of range"),
    (K.TILE, [f(1, 1 << 14, 1)], TileOptions((1, BIG, BIG)), "has more than 2^31 - 1 elements"),
    # the rest
    (K.REDUCE, [XB], ReduceOptions(axes=(1,)), "x must be f32, is bit"),
    (K.REDUCE, [X], ReduceOptions(axes=()), "axes () must ascend from 1 to 3"),
    (K.REDUCE, [X], ReduceOptions(axes=(0, 1)), "axes (0, 1) must ascend from 1 to 3"),
    (K.REDUCE, [X], ReduceOptions(axes=(2, 1)), "axes (2, 1) must ascend from 1 to 3"),
    (K.REDUCE, [X], ReduceOptions(axes=(1, 1)), "axes (1, 1) must ascend from 1 to 3"),
    (K.REDUCE, [X], ReduceOptions(axes=(4,)), "axes (4,) must ascend from 1 to 3"),
    (K.REDUCE, [X], ReduceOptions(axes=(-1,)), "axes (-1,) must ascend from 1 to 3"),
    (K.REDUCE, [X], ReduceOptions(axes=(1, 2, 3)), "all axes but the batch are reduced, which needs keepdims"),
    (K.RESIZE_BILINEAR_2D, [XB], ResizeOptions(2, 2), "x must be f32, is bit"),
    (K.RESIZE_BILINEAR_2D, [V], ResizeOptions(2, 2), "x must have 4 axes, has 5"),
    (K.RESIZE_BILINEAR_2D, [X], ResizeOptions(0, 2), "an extent is out of range"),
    (K.RESIZE_BILINEAR_2D, [X], ResizeOptions(2, BIG + 1), "an extent is out of range"),
    (K.EMBEDDING, [bit(1, 7), f(9, 4)], None, "indices must be f32 or i32, is bit"),
    (K.EMBEDDING, [f(1, 7), i(9, 4)], None, "table must be f32, is i32"),
    (K.EMBEDDING, [f(1, 7), f(9, 4, 2)], None, "table must have 2 axes, has 3"),
    (K.EMBEDDING, [f(1, 1, 1, 1, 1, 1), f(9, 4)], None, "rank 7 is not 1 to 6"),
    # activations: each takes its own parameters alone
    *((K.ACTIVATION, [X], act(kind, 0.5), f"activation {kind.name} takes no alpha") for kind in (A.SELU, A.CLIP)),
    *(
        (K.ACTIVATION, [X], act(kind, 0.0, 6.0), f"activation {kind.name} takes no max_value")
        for kind in (A.ELU, A.HARD_SIGMOID)
    ),
    *(
        (K.ACTIVATION, [X], act(kind, 0.0, INF, 0.5), f"activation {kind.name} takes no threshold")
        for kind in (A.ELU, A.SQUAREPLUS, A.GELU)
    ),
    (K.ACTIVATION, [X], act(A.CELU), "activation alpha is zero"),
    (K.ACTIVATION, [X], act(A.ELU, math.nan), "activation alpha is not finite"),
    (K.ACTIVATION, [X], act(A.SOFT_SHRINK, 0.0, INF, INF), "activation threshold is not finite"),
    (K.ACTIVATION, [X], act(A.CLIP, 0.0, -1.0, 0.0), "activation max_value is below its threshold"),
    (K.ACTIVATION, [X], act(A.CLIP, 0.0, INF, math.nan), "activation threshold is not finite"),
    (K.ACTIVATION, [X], act(A.RELU, 0.0, INF, -INF), "activation threshold is not finite"),
]


@pytest.mark.parametrize(("kind", "inputs", "options", "rule"), REFUSES_1_1)
def test_what_an_op_refuses(kind: OpKind, inputs: list, options, rule: str) -> None:
    with pytest.raises(ContractError) as error:
        infer(kind, inputs, options)
    assert rule in str(error.value)


def test_every_new_kind_is_in_the_tables() -> None:
    new = {kind for kind in OpKind if kind <= K.EMBEDDING} - FIRST_KINDS
    assert new <= {case[0] for case in GIVES_1_1}
    assert new <= {case[0] for case in REFUSES_1_1}


@pytest.mark.parametrize("kind", OpKind)
def test_every_other_options_table_is_refused(kind: OpKind) -> None:
    inputs = next((case[1] for case in [*GIVES, *GIVES_1_1] if case[0] is kind), [X])
    for options in {*OPTIONS_OF_KIND.values(), type(None)} - {OPTIONS_OF_KIND.get(kind, type(None))}:
        with pytest.raises(ContractError, match=r"takes no options|needs \w+Options"):
            infer(kind, inputs, options())


@pytest.mark.parametrize("kind", [K.CONV_2D, K.DEPTHWISE_CONV_2D, K.DENSE])
def test_slots_that_came_later_need_not_be_named(kind: OpKind) -> None:
    """A file of version 1.0 names five inputs of ops with a filter; they stay valid."""
    _, inputs, options, output = next(case for case in GIVES if case[0] is kind)
    assert len(inputs) == 5
    assert infer(kind, inputs, options) == infer(kind, [*inputs, None], options) == [output]
    assert infer(kind, inputs[:2], options) == infer(kind, [*inputs[:2], None, None, None, None], options)
    with pytest.raises(ContractError, match="needs 6 inputs, has 7"):
        infer(kind, [*inputs, None, None], options)
