"""What each op takes and gives, and every refusal; ``inplace_inputs``."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlite.schema import (
    SLOTS,
    Activation,
    ActivationKind,
    ActivationOptions,
    ConcatenateOptions,
    ContractError,
    Conv2DOptions,
    CustomOptions,
    DenseOptions,
    DType,
    OpKind,
    PadOptions,
    Pool2DOptions,
    ReshapeOptions,
    TensorType,
    infer,
    inplace_inputs,
)
from xlite.schema.bits import pack_signs

F32, I32, I8, U8, BIT = DType.FLOAT32, DType.INT32, DType.INT8, DType.UINT8, DType.BIT
K = OpKind
RELU = Activation(ActivationKind.RELU)
TANH = Activation(ActivationKind.TANH)


def f(*shape: int) -> TensorType:
    return TensorType(shape, F32)


def i(*shape: int) -> TensorType:
    return TensorType(shape, I32)


def bit(*shape: int, axes: int = 1) -> TensorType:
    return TensorType(shape, BIT, axes)


X, XB = f(1, 8, 6, 4), bit(1, 8, 6, 4)
FILTER, FILTER_B = f(5, 3, 3, 4), bit(5, 3, 3, 4, axes=3)
DEPTH, DEPTH_B = f(3, 3, 8), bit(3, 3, 8)
BITS_OUT = Conv2DOptions(output_dtype=BIT)
INTS_OUT = Conv2DOptions(output_dtype=I32)


def conv(**options) -> Conv2DOptions:
    return Conv2DOptions(**options)


def pool(height: int = 2, width: int = 2, **options) -> Pool2DOptions:
    return Pool2DOptions(window_h=height, window_w=width, **options)


def with_(x: TensorType, kernel: TensorType, scale=None, bias=None, threshold=None) -> list:
    return [x, kernel, scale, bias, threshold]


GIVES = [
    # convolutions: geometry
    (K.CONV_2D, with_(X, FILTER), conv(), f(1, 6, 4, 5)),
    (K.CONV_2D, with_(X, FILTER), conv(stride_h=2, stride_w=3), f(1, 3, 2, 5)),
    (K.CONV_2D, with_(X, FILTER), conv(dilation_h=3, dilation_w=2), f(1, 2, 2, 5)),
    (K.CONV_2D, with_(X, FILTER), conv(pad_top=1, pad_bottom=2, pad_left=3, pad_right=4), f(1, 9, 11, 5)),
    (K.CONV_2D, with_(f(7, 8, 6, 4), FILTER), conv(), f(7, 6, 4, 5)),
    (K.CONV_2D, with_(f(1, 8, 6, 12), f(6, 3, 3, 4)), conv(groups=3), f(1, 6, 4, 6)),
    # what the dtypes of input, filter and output allow
    (K.CONV_2D, with_(X, FILTER, bias=f(5)), conv(activation=RELU), f(1, 6, 4, 5)),
    (K.CONV_2D, with_(X, FILTER, f(5), f(5)), conv(), f(1, 6, 4, 5)),
    (K.CONV_2D, with_(X, FILTER_B, f(5), f(5)), conv(activation=TANH), f(1, 6, 4, 5)),
    (K.CONV_2D, with_(XB, FILTER_B, f(5), f(5)), conv(pad_value=-1, pad_top=1), f(1, 7, 4, 5)),
    (K.CONV_2D, with_(XB, FILTER_B), INTS_OUT, i(1, 6, 4, 5)),
    (K.CONV_2D, with_(XB, FILTER_B, threshold=i(5)), BITS_OUT, bit(1, 6, 4, 5)),
    (K.DEPTHWISE_CONV_2D, with_(X, DEPTH, bias=f(8)), conv(), f(1, 6, 4, 8)),
    (K.DEPTHWISE_CONV_2D, with_(X, DEPTH_B, f(8)), conv(), f(1, 6, 4, 8)),
    (K.DEPTHWISE_CONV_2D, with_(XB, DEPTH_B), INTS_OUT, i(1, 6, 4, 8)),
    (K.DEPTHWISE_CONV_2D, with_(XB, DEPTH_B, threshold=i(8)), BITS_OUT, bit(1, 6, 4, 8)),
    (K.DENSE, with_(f(1, 9), f(3, 9), bias=f(3)), DenseOptions(activation=RELU), f(1, 3)),
    (K.DENSE, with_(f(1, 7, 9), bit(3, 9), f(3)), DenseOptions(), f(1, 7, 3)),
    (K.DENSE, with_(bit(1, 9), bit(3, 9)), DenseOptions(output_dtype=I32), i(1, 3)),
    (K.DENSE, with_(bit(1, 9), bit(3, 9), threshold=i(3)), DenseOptions(output_dtype=BIT), bit(1, 3)),
    # the rest
    (K.BATCH_NORM, [X, f(4), f(4)], None, X),
    (K.SIGN, [X], None, XB),
    (K.UNPACK, [XB], None, X),
    (K.ACTIVATION, [X], ActivationOptions(RELU), X),
    (K.ACTIVATION, [X], ActivationOptions(Activation(ActivationKind.RELU, 0.1, 6.0, -1.0)), X),
    (K.PRELU, [X, f(1, 1, 4)], None, X),
    (K.PRELU, [X, f(8, 6, 4)], None, X),
    (K.SOFTMAX, [f(1, 9)], None, f(1, 9)),
    (K.MAX_POOL_2D, [X, None], pool(stride_h=2, stride_w=2), f(1, 4, 3, 4)),
    (K.MAX_POOL_2D, [XB, None], pool(3, 3, pad_top=2, pad_right=2), bit(1, 8, 6, 4)),
    (K.MAX_POOL_2D, [XB, bit(4)], pool(), bit(1, 7, 5, 4)),
    (K.AVERAGE_POOL_2D, [X], pool(8, 6), f(1, 1, 1, 4)),
    (K.ADD, [X, X], None, X),
    (K.CONCATENATE, [X, f(1, 8, 6, 3)], ConcatenateOptions(-1), f(1, 8, 6, 7)),
    (K.CONCATENATE, [XB, bit(1, 2, 6, 4)], ConcatenateOptions(1), bit(1, 10, 6, 4)),
    (K.CONCATENATE, [X], ConcatenateOptions(3), X),
    (K.RESHAPE, [X], ReshapeOptions((192,)), f(1, 192)),
    (K.RESHAPE, [i(3, 4)], ReshapeOptions((2, 2)), i(3, 2, 2)),
    (K.RESHAPE, [XB], ReshapeOptions((12, 16)), bit(1, 12, 16)),
    (K.PAD, [X], PadOptions((0, 0, 1, 2, 0, 0, 3, 0), -2.5), f(1, 11, 6, 7)),
    (K.PAD, [XB], PadOptions((0, 0, 0, 0, 0, 1, 0, 29), -1.0), bit(1, 8, 7, 33)),
]


@pytest.mark.parametrize(("kind", "inputs", "options", "output"), GIVES)
def test_what_an_op_gives(kind: OpKind, inputs: list, options, output: TensorType) -> None:
    assert infer(kind, inputs, options) == [output]


# The kinds that version 1.0 had; those since are in test_contracts_1_1.py.
FIRST_KINDS = {kind for kind in OpKind if kind <= K.PAD}


def test_every_kind_is_in_the_tables() -> None:
    assert set(SLOTS) == set(OpKind)
    assert {case[0] for case in GIVES} == FIRST_KINDS - {K.CUSTOM}
    assert {case[0] for case in REFUSES} == FIRST_KINDS


def test_a_custom_ops_types_are_its_authors() -> None:
    assert infer(K.CUSTOM, [X, TensorType((3,), I8), TensorType((3,), U8)], CustomOptions("Mine")) is None


BIG = 1 << 16
REFUSES = [
    # arity and options
    (K.CUSTOM, [], CustomOptions("a"), "needs at least one input"),
    (K.CUSTOM, [X, None], CustomOptions("a"), "has an absent input"),
    (K.CUSTOM, [X], None, "needs CustomOptions"),
    (K.SIGN, [X, X], None, "needs 1 inputs, has 2"),
    (K.SIGN, [None], None, "input 'x' is absent"),
    (K.SIGN, [X], ReshapeOptions((1,)), "takes no options"),
    (K.ADD, [X], None, "needs 2 inputs, has 1"),
    (K.BATCH_NORM, [X, f(4), None], None, "input 'offset' is absent"),
    (K.CONV_2D, with_(X, FILTER), DenseOptions(), "needs Conv2DOptions"),
    (K.CONV_2D, [X, None, None, None, None], conv(), "input 'filter' is absent"),
    # sizes
    (K.SIGN, [f()], None, "rank 0 is not 1 to 6"),
    (K.SIGN, [f(1, 0)], None, "has an axis out of range"),
    (K.SIGN, [f(1, -3)], None, "has an axis out of range"),
    (K.SIGN, [f(1, 2**31)], None, "has an axis out of range"),
    (K.SIGN, [f(1, 2**16, 2**15)], None, "has more than 2^31 - 1 elements"),
    (K.SIGN, [f(1, 2**29)], None, "takes more than 2^31 - 1 bytes"),
    (K.SIGN, [TensorType((1, 4), F32, 3)], None, "packed_axes 3 is out of range"),
    (K.UNPACK, [bit(1, 2**29)], None, "takes more than 2^31 - 1 bytes"),
    (K.PAD, [f(1, 1, 1, 1)], PadOptions((0, 0, *[BIG] * 6)), "has more than 2^31 - 1 elements"),
    # convolutions
    (K.CONV_2D, with_(f(1, 8, 6), FILTER), conv(), "x must have 4 axes, has 3"),
    (K.CONV_2D, with_(X, f(3, 3, 4)), conv(), "filter must have 4 axes, has 3"),
    (K.CONV_2D, with_(f(1, 8, 6, 5), FILTER), conv(), "x has 5 channels, the filter wants 4"),
    (K.CONV_2D, with_(f(1, 8, 6, 8), FILTER), conv(groups=2), "groups 2 does not divide the 5 filters"),
    (K.CONV_2D, with_(X, FILTER), conv(groups=0), "groups 0 is out of range"),
    (K.CONV_2D, with_(X, FILTER), conv(groups=6), "groups 6 is out of range"),
    (K.CONV_2D, with_(X, bit(5, 3, 3, 4)), conv(), "filter must have packed_axes 3"),
    (K.CONV_2D, with_(X, TensorType((5, 3, 3, 4), F32, 3)), conv(), "filter must have packed_axes 1"),
    (K.CONV_2D, with_(X, i(5, 3, 3, 4)), conv(), "filter cannot be i32"),
    (K.CONV_2D, with_(i(1, 8, 6, 4), FILTER), conv(), "x must be f32 or i8 or u8 or bit, is i32"),
    (K.CONV_2D, with_(bit(1, 8, 6, 4, axes=3), FILTER_B), conv(), "x must pack its last axis alone"),
    (K.CONV_2D, with_(XB, FILTER), conv(), "a bit input needs a bit or i8 filter"),
    (K.CONV_2D, with_(X, FILTER_B), INTS_OUT, "cannot give i32 from f32"),
    (K.CONV_2D, with_(X, FILTER_B, threshold=i(5)), BITS_OUT, "cannot give bit from f32"),
    (K.CONV_2D, with_(XB, FILTER_B), conv(output_dtype=I8), "cannot give i8"),
    (K.CONV_2D, with_(XB, FILTER_B), BITS_OUT, "a bit output needs a threshold"),
    (K.CONV_2D, with_(XB, FILTER_B, threshold=i(5)), conv(), "a threshold is for bit outputs only"),
    (K.CONV_2D, with_(XB, FILTER_B, f(5)), INTS_OUT, "scale and bias are for f32 outputs, not i32"),
    (K.CONV_2D, with_(XB, FILTER_B, None, f(5), i(5)), BITS_OUT, "scale and bias are for f32 outputs, not bit"),
    (
        K.CONV_2D,
        with_(XB, FILTER_B),
        conv(output_dtype=I32, activation=RELU),
        "an activation is for f32",
    ),
    (K.CONV_2D, with_(XB, FILTER_B, f(4)), conv(), "scale must have shape (5,), has (4,)"),
    (K.CONV_2D, with_(XB, FILTER_B, None, i(5)), conv(), "bias must be f32, is i32"),
    (K.CONV_2D, with_(XB, FILTER_B, threshold=f(5)), BITS_OUT, "threshold must be i32, is f32"),
    (K.CONV_2D, with_(X, FILTER), conv(pad_value=1), "pad_value +1 and -1 are for bit inputs only"),
    (K.CONV_2D, with_(XB, FILTER_B), conv(pad_value=2), "pad_value 2 is not 0, 1 or -1"),
    (K.CONV_2D, with_(X, FILTER), conv(stride_h=0), "a stride is out of range"),
    (K.CONV_2D, with_(X, FILTER), conv(stride_w=BIG + 1), "a stride is out of range"),
    (K.CONV_2D, with_(X, FILTER), conv(dilation_w=0), "a window or dilation is out of range"),
    (K.CONV_2D, with_(X, FILTER), conv(dilation_h=2**31 - 1), "a window or dilation is out of range"),
    (K.CONV_2D, with_(X, FILTER), conv(pad_left=-1), "a padding is out of range"),
    (K.CONV_2D, with_(X, FILTER), conv(pad_bottom=BIG + 1), "a padding is out of range"),
    (K.CONV_2D, with_(X, FILTER), conv(dilation_h=4), "the window of 9 is larger than the padded input"),
    (K.CONV_2D, with_(f(1, 2**24 + 1, 3, 1), f(1, 1, 1, 1)), conv(), "the image is too large"),
    (K.DEPTHWISE_CONV_2D, with_(f(1, 6, 4), DEPTH), conv(), "x must have 4 axes, has 3"),
    (K.DEPTHWISE_CONV_2D, with_(X, f(1, 3, 3, 8)), conv(), "filter must have 3 axes, has 4"),
    (K.DEPTHWISE_CONV_2D, with_(X, DEPTH), conv(groups=2), "a depthwise convolution has no groups"),
    (K.DEPTHWISE_CONV_2D, with_(X, f(3, 3, 6)), conv(), "6 filters are no multiple of 4 channels"),
    (K.DEPTHWISE_CONV_2D, with_(X, bit(3, 3, 8, axes=3)), conv(), "filter must have packed_axes 1"),
    (K.DENSE, with_(f(9), f(3, 9)), DenseOptions(), "x needs a batch axis and features"),
    (K.DENSE, with_(f(1, 9), f(9)), DenseOptions(), "filter must have 2 axes, has 1"),
    (K.DENSE, with_(f(1, 8), f(3, 9)), DenseOptions(), "x has 8 features, the filter wants 9"),
    (K.DENSE, with_(f(1, 9), bit(3, 9, axes=2)), DenseOptions(), "filter must have packed_axes 1"),
    # activations
    (K.ACTIVATION, [X], ActivationOptions(), "activation NONE is no op"),
    (K.ACTIVATION, [XB], ActivationOptions(RELU), "x must be f32, is bit"),
    (
        K.ACTIVATION,
        [X],
        ActivationOptions(Activation(ActivationKind.TANH, 0.5)),
        "activation TANH takes no alpha",
    ),
    (
        K.DENSE,
        with_(f(1, 9), f(3, 9)),
        DenseOptions(activation=Activation(alpha=0.5)),
        "activation NONE takes no alpha",
    ),
    (
        K.ACTIVATION,
        [X],
        ActivationOptions(Activation(ActivationKind.RELU, math.inf)),
        "alpha is not finite",
    ),
    (
        K.ACTIVATION,
        [X],
        ActivationOptions(Activation(ActivationKind.RELU, threshold=math.nan)),
        "activation threshold is not finite",
    ),
    *(
        (
            K.ACTIVATION,
            [X],
            ActivationOptions(Activation(ActivationKind.RELU, max_value=top)),
            "activation max_value is below its threshold",
        )
        for top in (-1.0, -math.inf, math.nan)
    ),
    # the rest
    (K.BATCH_NORM, [XB, f(4), f(4)], None, "x must be f32, is bit"),
    (K.BATCH_NORM, [X, f(8), f(4)], None, "scale must have shape (4,), has (8,)"),
    (K.BATCH_NORM, [X, f(4), i(4)], None, "offset must be f32, is i32"),
    (K.SIGN, [XB], None, "x must be f32, is bit"),
    (K.UNPACK, [X], None, "x must be bit, is f32"),
    (K.UNPACK, [bit(1, 8, 4, axes=2)], None, "x must pack its last axis alone"),
    (K.PRELU, [i(1, 4), f(4)], None, "x must be f32, is i32"),
    (K.PRELU, [X, i(1, 1, 4)], None, "slope must be f32, is i32"),
    (K.PRELU, [X, f(4)], None, "slope must have one axis less than x"),
    (K.PRELU, [X, f(1, 1, 3)], None, "slope f32[1,1,3] does not broadcast to f32[1,8,6,4]"),
    (K.SOFTMAX, [XB], None, "x must be f32, is bit"),
    (K.MAX_POOL_2D, [i(1, 8, 6, 4), None], pool(), "x must be f32 or i8 or u8 or bit, is i32"),
    (K.MAX_POOL_2D, [f(1, 8, 6), None], pool(), "x must have 4 axes, has 3"),
    (K.MAX_POOL_2D, [X, bit(4)], pool(), "flip is for bits only"),
    (K.MAX_POOL_2D, [XB, bit(5)], pool(), "flip must have shape (4,), has (5,)"),
    (K.MAX_POOL_2D, [XB, f(4)], pool(), "flip must be bit, is f32"),
    (K.MAX_POOL_2D, [X, None], pool(0), "a window is out of range"),
    (K.MAX_POOL_2D, [X, None], pool(pad_top=2), "the padding is as large as the window"),
    (K.MAX_POOL_2D, [X, None], pool(pad_left=-1), "a padding is out of range"),
    (K.MAX_POOL_2D, [X, None], pool(stride_w=0), "a stride is out of range"),
    (K.AVERAGE_POOL_2D, [XB], pool(), "x must be f32, is bit"),
    (K.AVERAGE_POOL_2D, [X], pool(9), "the window of 9 is larger than the padded input"),
    (K.ADD, [X, XB], None, "b must be f32, is bit"),
    (K.ADD, [X, f(1, 8, 6, 2)], None, "shapes f32[1,8,6,4] and f32[1,8,6,2] do not broadcast"),
    (K.ADD, [X, f(8, 6, 4)], None, "ranks of f32[1,8,6,4] and f32[8,6,4] differ"),
    (K.CONCATENATE, [], ConcatenateOptions(), "needs at least one input"),
    (K.CONCATENATE, [i(1, 4)], ConcatenateOptions(), "x must be f32 or i8 or u8 or bit, is i32"),
    (K.CONCATENATE, [X, XB], ConcatenateOptions(), "inputs differ in dtype"),
    (K.CONCATENATE, [X, f(1, 4)], ConcatenateOptions(), "inputs differ in rank"),
    (K.CONCATENATE, [X, f(1, 8, 5, 4)], ConcatenateOptions(), "f32[1,8,5,4] does not join f32[1,8,6,4]"),
    (K.CONCATENATE, [XB, bit(1, 8, 6, 4, axes=2)], ConcatenateOptions(), "an activation packs its last axis"),
    *(
        (K.CONCATENATE, [X, X], ConcatenateOptions(axis), f"axis {axis} is out of range for rank 4")
        for axis in (0, -4, 4, -5, 2**31 - 1, -(2**31))
    ),
    (K.RESHAPE, [bit(1, 4, 4, axes=2)], ReshapeOptions((16,)), "x must pack its last axis alone"),
    (K.RESHAPE, [X], ReshapeOptions(()), "shape must have 1 to 5 axes besides the batch"),
    (K.RESHAPE, [X], ReshapeOptions((192, 1, 1, 1, 1, 1)), "shape must have 1 to 5 axes besides the batch"),
    (K.RESHAPE, [X], ReshapeOptions((-1,)), "shape (-1,) has an axis below 1"),
    (K.RESHAPE, [X], ReshapeOptions((-12, -16)), "shape (-12, -16) has an axis below 1"),
    (K.RESHAPE, [X], ReshapeOptions((191,)), "f32[1,8,6,4] does not hold the elements of shape (191,)"),
    (K.PAD, [i(1, 4)], PadOptions((0, 0, 1, 1)), "x must be f32 or i8 or u8 or bit, is i32"),
    (K.PAD, [f(1, 4)], PadOptions((0, 0, 1)), "needs 4 paddings, has 3"),
    (K.PAD, [f(1, 4)], PadOptions((0, 0, -1, 0)), "a padding is out of range"),
    (K.PAD, [f(1, 4)], PadOptions((0, 0, BIG + 1, 0)), "a padding is out of range"),
    (K.PAD, [f(1, 4)], PadOptions((1, 0, 0, 0)), "the batch axis cannot be padded"),
    (K.PAD, [f(1, 4)], PadOptions((0, 0, 1, 0), math.nan), "the padding value is not finite"),
    (K.PAD, [bit(1, 4)], PadOptions((0, 0, 1, 0), 0.0), "bits are padded with +1 or -1 only"),
]


@pytest.mark.parametrize(("kind", "inputs", "options", "rule"), REFUSES)
def test_what_an_op_refuses(kind: OpKind, inputs: list, options, rule: str) -> None:
    with pytest.raises(ContractError) as error:
        infer(kind, inputs, options)
    assert rule in str(error.value)


# -- properties ----------------------------------------------------------------------------------------------

_small = st.integers(1, 9)


@settings(max_examples=150, deadline=None)
@given(
    st.tuples(_small, _small),
    st.tuples(_small, _small),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(*[st.integers(0, 4)] * 4),
)
def test_a_convolutions_extent_counts_the_places_of_its_window(image, window, stride, dilation, pads) -> None:
    options = Conv2DOptions(*stride, *dilation, *pads)
    x, kernel = f(1, *image, 2), f(3, *window, 2)
    expected = []
    for axis in range(2):
        span = (window[axis] - 1) * dilation[axis] + 1
        padded = image[axis] + pads[2 * axis] + pads[2 * axis + 1]
        expected.append(len([start for start in range(0, padded, stride[axis]) if start + span <= padded]))
    if 0 in expected:
        with pytest.raises(ContractError, match="larger than the padded input"):
            infer(K.CONV_2D, with_(x, kernel), options)
    else:
        assert infer(K.CONV_2D, with_(x, kernel), options) == [f(1, *expected, 3)]


@settings(max_examples=150, deadline=None)
@given(st.tuples(_small, _small), st.tuples(_small, _small), st.tuples(_small, _small), st.tuples(*[_small] * 4))
def test_every_pooling_window_that_is_allowed_sees_the_image(image, window, stride, pads) -> None:
    options = Pool2DOptions(*window, *stride, *pads)
    try:
        (output,) = infer(K.AVERAGE_POOL_2D, [f(1, *image, 2)], options)
    except ContractError:
        return
    for axis in range(2):
        for place in range(output.shape[1 + axis]):
            start = place * stride[axis] - pads[2 * axis]
            assert start < image[axis]
            assert start + window[axis] > 0


# -- in place ------------------------------------------------------------------------------------------------

IN_PLACE = [
    (K.BATCH_NORM, [X, f(4), f(4)], X, (0,)),
    (K.ACTIVATION, [X], X, (0,)),
    (K.PRELU, [X, f(8, 6, 4)], X, (0,)),
    (K.SOFTMAX, [X], X, (0,)),
    (K.ADD, [X, X], X, (0, 1)),
    (K.ADD, [X, f(1, 1, 1, 4)], X, (0,)),
    (K.ADD, [f(1, 8, 1, 4), X], X, (1,)),
    (K.ADD, [f(1, 8, 1, 4), f(1, 1, 6, 4)], X, ()),
    *((kind, [X, f(1, 1, 1, 4)], X, (0,)) for kind in (K.SUBTRACT, K.MULTIPLY, K.DIVIDE, K.MAXIMUM, K.MINIMUM)),
    (K.TRANSPOSE, [f(1, 4, 4)], f(1, 4, 4), ()),
    (K.SLICE, [X], X, ()),
    (K.TILE, [X], X, ()),
    (K.REDUCE, [f(1, 1, 4)], f(1, 1, 4), ()),
    (K.RESIZE_BILINEAR_2D, [X], X, ()),
    (K.EMBEDDING, [f(1, 4), f(9, 1)], f(1, 4, 1), ()),
    (K.CONV_3D, [f(1, 2, 2, 2, 1), f(1, 1, 1, 1, 1), None, None, None, None], f(1, 2, 2, 2, 1), ()),
    (K.MAX_POOL_3D, [f(1, 2, 2, 2, 1)], f(1, 2, 2, 2, 1), ()),
    (K.RESHAPE, [X], f(1, 192), (0,)),
    (K.RESHAPE, [i(1, 4)], i(1, 2, 2), (0,)),
    (K.RESHAPE, [bit(1, 2, 32)], bit(1, 64), (0,)),
    (K.RESHAPE, [bit(1, 2, 3, 5)], bit(1, 6, 5), (0,)),
    (K.RESHAPE, [bit(1, 2, 16)], bit(1, 32), ()),
    (K.RESHAPE, [bit(1, 2, 33)], bit(1, 66), ()),
    (K.SIGN, [X], XB, ()),
    (K.UNPACK, [XB], X, ()),
    (K.MAX_POOL_2D, [X, None], X, ()),
    (K.CONV_2D, with_(X, f(4, 1, 1, 4)), X, ()),
    (K.CONCATENATE, [X], X, ()),
    (K.PAD, [X], X, ()),
    (K.CUSTOM, [X], X, ()),
]


@pytest.mark.parametrize(("kind", "inputs", "output", "slots"), IN_PLACE)
def test_which_inputs_may_be_written_over(kind: OpKind, inputs: list, output: TensorType, slots: tuple) -> None:
    assert inplace_inputs(kind, inputs, [output]) == slots


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([1, 2, 3, 16, 31, 32, 33, 64]), min_size=1, max_size=3), st.data())
def test_a_reshape_in_place_leaves_the_bytes_as_they_are(shape: list[int], data: st.DataObject) -> None:
    count = math.prod(shape)
    divisors = [d for d in range(1, count + 1) if count % d == 0]
    last = data.draw(st.sampled_from(divisors))
    x, y = bit(1, *shape), bit(1, count // last, last)
    signs = np.random.default_rng(count).normal(size=x.shape)
    before, after = pack_signs(signs), pack_signs(signs.reshape(y.shape))
    if inplace_inputs(K.RESHAPE, [x], [y]):
        assert before.tobytes() == after.tobytes()
    else:
        assert x.shape[-1] != y.shape[-1]
