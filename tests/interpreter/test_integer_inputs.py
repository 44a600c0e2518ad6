"""Models whose inputs are bytes, and integer ops against the formula in int64."""

from __future__ import annotations

import numpy as np
import pytest

from tests.interpreter.networks import BIT, F32, I8, I32, U8, Builder
from xlite.interpreter import Interpreter
from xlite.interpreter.backends import available_backends
from xlite.schema.errors import InputError
from xlite.schema.types import RANGES, Conv2DOptions, DenseOptions, OpKind, Preprocessing

BACKENDS = available_backends()


def network(dtype, raw=None):
    """Bytes to bits to scores."""
    b = Builder(3)
    x = b.input((6, 5, 3), dtype, name="image")
    filters, threshold = b.bytes(33, 3, 3, 3), b.const(np.arange(-16, 17, dtype=np.int32) * 900)
    options = Conv2DOptions(output_dtype=BIT, pad_top=1, input_zero_point=7)
    x = b.op(OpKind.CONV_2D, (x, filters, None, None, threshold, None), options)
    x = b.op(OpKind.CONV_2D, (x, b.bytes(4, 5, 3, 33)), Conv2DOptions(output_dtype=F32))
    model = b.model([x])
    model.metadata.preprocessing = raw
    return model


@pytest.mark.parametrize("dtype", [U8, I8], ids=["u8", "i8"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_bytes_are_taken_as_they_are(backend, dtype):
    """Any batch, through set_tensor or the call, whatever the file says about raw input."""
    low, high = RANGES[dtype]
    x = np.random.default_rng(0).integers(low, high + 1, (7, 6, 5, 3)).astype(dtype.numpy)
    expected = Interpreter(network(dtype), backend="numpy")(x)
    interpreter = Interpreter(network(dtype, Preprocessing(1 / 255, -1.0)), backend=backend)
    np.testing.assert_array_equal(interpreter(x), expected)
    np.testing.assert_array_equal(interpreter(x.astype(np.int64)), expected)
    detail = interpreter.get_input_details()[0]
    assert (detail["dtype"], detail["quantization"]) == (dtype.numpy.type, (0.0, 0))
    interpreter.resize_tensor_input(detail["index"], x.shape)
    interpreter.set_tensor(detail["index"], x)
    interpreter.invoke()
    np.testing.assert_array_equal(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), expected)


def test_other_numbers_are_refused():
    interpreter = Interpreter(network(U8))
    x = np.zeros((1, 6, 5, 3))
    with pytest.raises(InputError, match="input 'image' takes uint8, was given float64, which does not convert"):
        interpreter(x)
    with pytest.raises(InputError, match="outside its range"):
        interpreter(np.full(x.shape, 256))
    with pytest.raises(InputError, match="outside its range"):
        interpreter(np.full(x.shape, -1, np.int8))
    with pytest.raises(InputError, match=r"takes uint8, was given int8: convert it with \.astype\('uint8'\)"):
        interpreter.set_tensor(0, x.astype(np.int8))


def single(kind, x, kernel, options):
    """The int32 sums of one op; x and kernel with their dtypes."""
    b = Builder()
    given = b.input(x.shape[1:], U8 if x.dtype == np.uint8 else I8)
    weights = b.bytes(*kernel.shape)
    b.tensors[weights].data[...] = kernel
    return b.model([b.op(kind, (given, weights), options)])


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("backend", BACKENDS)
def test_sums_at_the_ends_of_int32(backend, dtype):
    """All elements and weights at their largest: one element more, and the verifier would refuse the op."""
    low, high = (0, 255) if dtype is np.uint8 else (-128, 127)
    for multiplier, zero_point, features in ((1, 0, 65_793), (1, low, 65_793), (2, low, 32_896), (64, -64, 1000)):
        ends = [multiplier * q - zero_point for q in (low, high)]
        features = min(features, (2**31 - 1) // (128 * max(map(abs, ends))))
        x = np.array([[low] * features, [high] * features], dtype)
        kernel = np.array([[-128] * features, [127] * features], np.int8)
        options = DenseOptions(I32, input_multiplier=multiplier, input_zero_point=zero_point)
        found = Interpreter(single(OpKind.DENSE, x, kernel, options), backend=backend)(x)
        numbers = x.astype(np.int64) * multiplier - zero_point
        np.testing.assert_array_equal(found, numbers @ kernel.astype(np.int64).T)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_convolution_is_its_formula(backend):
    """In int64 and plain loops over the window, zeros around the image."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (2, 7, 6, 5)).astype(np.uint8)
    kernel = rng.integers(-128, 128, (9, 3, 2, 5)).astype(np.int8)
    options = Conv2DOptions(
        stride_h=2,
        dilation_w=2,
        pad_top=1,
        pad_right=3,
        output_dtype=I32,
        input_multiplier=2,
        input_zero_point=255,
    )
    found = Interpreter(single(OpKind.CONV_2D, x, kernel, options), backend=backend)(x)
    padded = np.pad(2 * x.astype(np.int64) - 255, ((0, 0), (1, 0), (0, 3), (0, 0)))
    expected = np.zeros(found.shape, np.int64)
    for i in range(3):
        for j in range(2):
            seen = padded[:, i : i + 2 * found.shape[1] - 1 : 2, 2 * j : 2 * j + found.shape[2]]
            expected += np.einsum("nhwc,oc->nhwo", seen, kernel[:, i, j].astype(np.int64))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_bits_of_a_threshold_are_those_of_the_sums(backend):
    model = network(U8)
    x = np.random.default_rng(2).integers(0, 256, (3, 6, 5, 3)).astype(np.uint8)
    interpreter = Interpreter(model, backend=backend, preserve_all_tensors=True)
    interpreter(x)
    bits = interpreter.get_tensor(model.ops[0].outputs[0])
    kernel = model.tensors[model.ops[0].inputs[1]].data.astype(np.int64)
    threshold = model.tensors[model.ops[0].inputs[4]].data
    padded = np.pad(x.astype(np.int64) - 7, ((0, 0), (1, 0), (0, 0), (0, 0)))
    sums = sum(
        np.einsum("nhwc,oc->nhwo", padded[:, i : i + 5, j : j + 3], kernel[:, i, j])
        for i in range(3)
        for j in range(3)
    )
    np.testing.assert_array_equal(bits, np.where(sums < threshold, -1, 1))
