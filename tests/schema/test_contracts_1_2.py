"""What each op of format 1.2 takes and gives, and every refusal: integers where there were floats and bits."""

from __future__ import annotations

import math

import pytest

from tests.schema.models import Builder
from tests.schema.test_contracts import BIT, F32, I8, I32, RELU, U8, XB, K, bit, conv, f, i, pool, with_
from tests.schema.test_contracts_1_1 import conv3, masked
from xlite.schema import (
    ConcatenateOptions,
    ContractError,
    DenseOptions,
    DType,
    OpKind,
    PadOptions,
    ReshapeOptions,
    TensorType,
    VerifyError,
    infer,
    inplace_inputs,
    verify,
)
from xlite.schema.contracts import accumulator_bound
from xlite.schema.types import RANGES, QuantizeOptions, SliceOptions, TileOptions, TransposeOptions


def u8(*shape: int) -> TensorType:
    return TensorType(shape, U8)


def i8(*shape: int) -> TensorType:
    return TensorType(shape, I8)


def of(dtype: DType, *shape: int) -> TensorType:
    return TensorType(shape, dtype)


X = f(1, 8, 6, 4)
XU, XI, W, WB = u8(1, 8, 6, 4), i8(1, 8, 6, 4), i8(5, 3, 3, 4), bit(5, 3, 3, 4, axes=3)
D, DB = i8(3, 3, 8), bit(3, 3, 8)
OUTPUTS = ((F32, f(1, 6, 4, 5), None), (I32, i(1, 6, 4, 5), None), (BIT, bit(1, 6, 4, 5), i(5)))
GIVES = [
    *(
        (K.CONV_2D, with_(x, w, threshold=threshold), conv(output_dtype=out), y)
        for x, w in ((XU, W), (XU, WB), (XI, W), (XI, WB), (XB, W))
        for out, y, threshold in OUTPUTS
    ),
    (K.CONV_2D, with_(X, W, f(5), f(5)), conv(activation=RELU), f(1, 6, 4, 5)),
    (K.CONV_2D, with_(XU, WB, f(5), f(5)), conv(activation=RELU), f(1, 6, 4, 5)),
    (K.CONV_2D, masked(XU, WB, WB), conv(), f(1, 6, 4, 5)),
    (K.CONV_2D, with_(XB, W), conv(pad_value=-1, pad_top=1), f(1, 7, 4, 5)),
    (K.CONV_2D, with_(XU, W), conv(input_multiplier=64, input_zero_point=-(2**14)), f(1, 6, 4, 5)),
    (K.CONV_2D, with_(XI, W), conv(input_zero_point=-128, groups=1), f(1, 6, 4, 5)),
    (K.DEPTHWISE_CONV_2D, with_(XU, D), conv(output_dtype=I32, input_zero_point=3), i(1, 6, 4, 8)),
    (K.DEPTHWISE_CONV_2D, with_(XI, DB), conv(), f(1, 6, 4, 8)),
    (K.DEPTHWISE_CONV_2D, with_(XB, D), conv(), f(1, 6, 4, 8)),
    (K.DEPTHWISE_CONV_2D, with_(X, D), conv(), f(1, 6, 4, 8)),
    (K.DENSE, with_(u8(1, 7, 9), i8(3, 9)), DenseOptions(input_zero_point=128), f(1, 7, 3)),
    (K.DENSE, with_(f(1, 9), i8(3, 9)), DenseOptions(), f(1, 3)),
    (K.DENSE, with_(bit(1, 9), i8(3, 9)), DenseOptions(output_dtype=I32), i(1, 3)),
    (K.DENSE, with_(u8(1, 65793), i8(3, 65793)), DenseOptions(output_dtype=I32), i(1, 3)),
    (K.QUANTIZE, [X], QuantizeOptions(I8, 0.5, -128), i8(1, 8, 6, 4)),
    (K.QUANTIZE, [f(1, 3)], QuantizeOptions(U8, 1e-30, 255), u8(1, 3)),
    *((K.DEQUANTIZE, [of(d, 1, 3)], QuantizeOptions(F32, 2.0), f(1, 3)) for d in (I8, U8, I32)),
    *((K.MAX_POOL_2D, [of(d, 1, 8, 6, 4), None], pool(), of(d, 1, 7, 5, 4)) for d in (I8, U8)),
    *((K.RESHAPE, [of(d, 1, 6)], ReshapeOptions((2, 3)), of(d, 1, 2, 3)) for d in (I8, U8)),
    (K.PAD, [u8(1, 4)], PadOptions((0, 0, 1, 2), 255.0), u8(1, 7)),
    (K.PAD, [i8(1, 4)], PadOptions((0, 0, 1, 2), -128.0), i8(1, 7)),
    (K.CONCATENATE, [u8(1, 4), u8(1, 3)], ConcatenateOptions(), u8(1, 7)),
    (K.SLICE, [i8(1, 4)], SliceOptions((0, 1), (1, 2), (1, 1)), i8(1, 2)),
    (K.TILE, [i8(1, 4)], TileOptions((1, 2)), i8(1, 8)),
    (K.TRANSPOSE, [u8(1, 4, 5)], TransposeOptions((0, 2, 1)), u8(1, 5, 4)),
]


@pytest.mark.parametrize(("kind", "inputs", "options", "output"), GIVES)
def test_what_an_op_gives(kind: OpKind, inputs: list, options, output: TensorType) -> None:
    assert infer(kind, inputs, options) == [output]


MOVED = "x must be f32 or i8 or u8 or bit"
REFUSES = [
    (K.CONV_2D, with_(XU, f(5, 3, 3, 4)), conv(), "a u8 input needs a bit or i8 filter"),
    (K.CONV_2D, with_(XU, u8(5, 3, 3, 4)), conv(), "filter cannot be u8"),
    (K.CONV_2D, with_(i(1, 8, 6, 4), W), conv(), f"{MOVED}, is i32"),
    (K.CONV_2D, with_(X, W), conv(output_dtype=I32), "cannot give i32 from f32"),
    (K.CONV_2D, with_(XU, W), conv(output_dtype=U8), "cannot give u8"),
    (K.CONV_2D, with_(XU, W), conv(output_dtype=BIT), "a bit output needs a threshold"),
    (K.CONV_2D, with_(XU, W, f(5)), conv(output_dtype=I32), "scale and bias are for f32 outputs"),
    (K.CONV_2D, masked(XU, W, W), conv(), "a mask is for bit filters only"),
    (K.CONV_2D, with_(XU, W), conv(pad_value=1), "pad_value +1 and -1 are for bit inputs only"),
    (K.CONV_2D, with_(bit(1, 8, 6, 8), W), conv(planes=2), "bit planes need a bit filter"),
    (K.CONV_2D, with_(XU, W), conv(planes=2), "planes are of bits"),
    (K.CONV_2D, with_(X, W), conv(input_zero_point=1), "f32 has no input_multiplier and input_zero_point"),
    (K.CONV_2D, with_(XB, WB), conv(input_multiplier=2), "bit has no input_multiplier and input_zero_point"),
    (K.CONV_2D, with_(XU, W), conv(input_multiplier=0), "input_multiplier 0 is not 1 to 64"),
    (K.CONV_2D, with_(XU, W), conv(input_multiplier=65), "input_multiplier 65 is not 1 to 64"),
    (K.CONV_2D, with_(XU, W), conv(input_zero_point=-32513), "input_zero_point -32513 leads beyond an int16"),
    (K.CONV_2D, with_(XU, W), conv(input_zero_point=2**31 - 1), "leads beyond an int16"),
    (K.CONV_2D, with_(XI, W), conv(input_zero_point=-(2**31)), "leads beyond an int16"),
    (K.CONV_3D, with_(u8(1, 4, 5, 6, 2), bit(3, 2, 3, 2, 2, axes=4)), conv3(), "x must be f32 or bit, is u8"),
    (K.CONV_3D, with_(f(1, 4, 5, 6, 2), i8(3, 2, 3, 2, 2)), conv3(), "filter cannot be i8"),
    (K.LOCALLY_CONNECTED_2D, with_(X, i8(6, 4, 5, 3, 3, 4)), conv(), "filter cannot be i8"),
    (K.DENSE, with_(u8(1, 65794), i8(3, 65794)), DenseOptions(), "the sums of its integers do not fit an int32"),
    (K.DENSE, with_(u8(1, 2**24), bit(3, 2**24)), DenseOptions(), "the sums of its integers do not fit an int32"),
    (K.DENSE, with_(bit(1, 2**24), i8(3, 2**24)), DenseOptions(), "the sums of its integers do not fit an int32"),
    (K.QUANTIZE, [XB], QuantizeOptions(I8), "x must be f32, is bit"),
    (K.QUANTIZE, [X], QuantizeOptions(F32), "cannot give f32, gives i8 or u8"),
    (K.QUANTIZE, [X], QuantizeOptions(I8, 0.0), "scale 0.0 is no number above 0"),
    (K.QUANTIZE, [X], QuantizeOptions(I8, math.nan), "scale nan is no number above 0"),
    (K.QUANTIZE, [X], QuantizeOptions(I8, math.inf), "scale inf is no number above 0"),
    (K.QUANTIZE, [X], QuantizeOptions(U8, 1.0, -1), "zero_point -1 is no u8"),
    (K.DEQUANTIZE, [X], QuantizeOptions(F32), "x must be i8 or u8 or i32, is f32"),
    (K.DEQUANTIZE, [XU], QuantizeOptions(I8), "cannot give i8, gives f32"),
    (K.DEQUANTIZE, [XU], QuantizeOptions(F32, -1.0), "scale -1.0 is no number above 0"),
    (K.DEQUANTIZE, [XI], QuantizeOptions(F32, 1.0, 128), "zero_point 128 is no i8"),
    (K.DEQUANTIZE, [i(1, 3)], QuantizeOptions(F32, 1.0, 1), "i32 has a zero point of 0"),
    (K.MAX_POOL_2D, [XU, bit(4)], pool(), "flip is for bits only"),
    (K.PAD, [u8(1, 4)], PadOptions((0, 0, 1, 2), -1.0), "the padding value -1.0 is no u8"),
    (K.PAD, [i8(1, 4)], PadOptions((0, 0, 1, 2), 0.5), "the padding value 0.5 is no i8"),
    (K.CONCATENATE, [u8(1, 4), i8(1, 3)], ConcatenateOptions(), "inputs differ in dtype"),
]


@pytest.mark.parametrize(("kind", "inputs", "options", "rule"), REFUSES)
def test_what_an_op_refuses(kind: OpKind, inputs: list, options, rule: str) -> None:
    with pytest.raises(ContractError) as error:
        infer(kind, inputs, options)
    assert rule in str(error.value)


@pytest.mark.parametrize("x", [I8, U8, BIT])
@pytest.mark.parametrize("numbers", [(1, 0), (1, 5), (2, 255), (64, -3)])
def test_the_bound_is_the_largest_sum(x: DType, numbers: tuple[int, int]) -> None:
    """Of elements and weights at the ends of their ranges."""
    options = DenseOptions() if x is BIT else DenseOptions(F32, RELU, 1, *numbers)
    ends = (-1, 1) if x is BIT else tuple(numbers[0] * q - numbers[1] for q in RANGES[x])
    for kernel, weights in ((i8(3, 7), RANGES[I8]), (bit(3, 7), (-1, 1))):
        largest = 7 * max(abs(a * b) for a in ends for b in weights)
        assert accumulator_bound(K.DENSE, kernel, options, x) == largest


def test_bytes_are_reshaped_in_place() -> None:
    assert inplace_inputs(K.RESHAPE, [u8(1, 6)], [u8(1, 2, 3)]) == (0,)
    assert inplace_inputs(K.DEQUANTIZE, [i(1, 6)], [f(1, 6)]) == ()


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point", "problem"),
    [
        (U8, 0.5, 255, ""),
        (I8, 0.5, -128, ""),
        (I32, 1e-9, 0, ""),
        (U8, 0.5, 256, "its zero point 256 is no u8"),
        (I8, 0.5, 128, "its zero point 128 is no i8"),
        (U8, -0.5, 0, "its scale -0.5 is no number above 0"),
        (U8, math.nan, 0, "its scale nan is no number above 0"),
        (U8, 0.0, 1, "its scale 0.0 is no number above 0"),
        (F32, 0.5, 0, "f32 elements stand for themselves"),
        (BIT, 0.5, 0, "bit elements stand for themselves"),
    ],
)
def test_what_integers_stand_for(dtype: DType, scale: float, zero_point: int, problem: str) -> None:
    b = Builder()
    x = b.input(1, 6, dtype=dtype)
    y = b.op(K.RESHAPE, [x], ReshapeOptions((2, 3)))
    model = b.model([y])
    model.tensors[x].scale, model.tensors[x].zero_point = scale, zero_point
    if problem:
        with pytest.raises(VerifyError, match=f"^tensor 0 'input': {problem}"):
            verify(model)
    else:
        verify(model)


def test_every_kind_of_this_version_is_in_the_tables() -> None:
    new = {kind for kind in OpKind if kind > K.EMBEDDING}
    assert new <= {case[0] for case in GIVES}
    assert new <= {case[0] for case in REFUSES}
