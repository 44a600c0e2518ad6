"""Every C kernel against the oracle: a grid of shapes and dtypes, random options, and the values at the edges."""

from __future__ import annotations

import os

import numpy as np
import pytest

from tests.interpreter.c.grid import (
    ALWAYS,
    BIT,
    CHANNELS,
    DTYPES,
    EXACT,
    F32,
    I32,
    KERNELS,
    NEVER,
    draw,
    filtered,
    kernel_for,
    make_case,
)
from tests.interpreter.cases import FAMILIES, run_kernel
from tests.interpreter.cases import make_case as random_case
from tests.oracle import evaluate, magnitude
from xlite.schema.contracts import inplace_inputs
from xlite.schema.types import (
    Activation,
    ActivationKind,
    Conv2DOptions,
    DenseOptions,
    OpKind,
    Pool2DOptions,
    ReshapeOptions,
)

FILTERED = (OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D, OpKind.DENSE)


def check(case) -> None:
    """Integers and bits are equal; floats within 1e-5 of themselves and of what was added up to get them."""
    actual = run_kernel(kernel_for(case.spec), case)
    expected = evaluate(case.op, case.values)
    assert actual.shape == case.output.shape
    if case.output.dtype is not F32:
        np.testing.assert_array_equal(actual, expected, str(case.op))
    elif case.op.kind in FILTERED:
        error = np.abs(actual - expected)
        bound = 1e-5 * (np.abs(expected) + magnitude(case.op, case.values))
        assert (error <= bound).all(), (error.max(), case.op)
    else:
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5, err_msg=str(case.op))


@pytest.mark.parametrize("dtypes", DTYPES, ids=lambda d: "_".join(t.short for t in d))
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("kind", FILTERED, ids=lambda kind: kind.name.lower())
def test_dot_products_over_the_grid(kind, channels, dtypes):
    seeds = (1,) if EXACT in os.environ else (1, 2)
    cases = [c for kernel in KERNELS for seed in seeds for c in filtered(kind, channels, kernel, dtypes, seed)]
    assert len(cases) > len(seeds)
    for case in cases:
        check(case)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_random_options(family):
    for seed in range(10 if EXACT in os.environ else 60):
        check(random_case(family, seed))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_output_may_take_over_an_input(family):
    for seed in range(5 if EXACT in os.environ else 15):
        case = random_case(family, seed)
        kernel = kernel_for(case.spec)
        for slot in inplace_inputs(case.op.kind, case.types, [case.output]):
            np.testing.assert_array_equal(run_kernel(kernel, case, alias=slot), run_kernel(kernel, case))


@pytest.mark.parametrize("kind", FILTERED, ids=lambda kind: kind.name.lower())
def test_float_output_of_bits_is_rounded_twice(kind):
    """Equal to the last bit: the exact sum to float32, times scale, rounded, plus bias, rounded."""
    for case in (c for seed in range(8) for c in filtered(kind, 33, 3, (BIT, BIT, F32), seed)):
        x, filters, scale, bias, _ = case.values
        activation = Activation(ActivationKind.RELU, alpha=0.3, max_value=20.0, threshold=0.5)
        options = _with(case.op.options, activation=activation)
        case = make_case(kind, case.values, (BIT, BIT, F32, F32, I32), options, _packing(case))
        integers = make_case(kind, (x, filters, None, None, None), (BIT, BIT), _with(options, I32), _packing(case))
        y = evaluate(integers.op, integers.values).astype(np.float32)
        y = y if scale is None else y * scale
        y = y if bias is None else y + bias
        below = np.float32(0.3) * (y - np.float32(0.5))
        y = np.where(y >= 20, np.float32(20), np.where(y >= 0.5, y, below))
        np.testing.assert_array_equal(run_kernel(kernel_for(case.spec), case), y)


def _with(options, output_dtype=F32, activation=None):
    changed = {**vars(options), "output_dtype": output_dtype, "activation": activation or Activation()}
    return type(options)(**changed)


def _packing(case):
    return ((1, case.types[1].packed_axes),)


@pytest.mark.parametrize("filters", [F32, BIT], ids=["f32", "bit"])
def test_a_float_pixel_does_not_depend_on_where_it_lies(filters):
    """Images of 1 to 20 equal pixels, so that strips of every length are used, whole and partial."""
    rng = np.random.default_rng(0)
    pixel, kernel = draw(rng, (1, 1, 1, 100), F32), draw(rng, (7, 1, 1, 100), filters)
    seen = []
    for width in range(1, 21):
        x = np.repeat(pixel, width, axis=2)
        packing = ((1, 3),) if filters is BIT else ()
        case = make_case(OpKind.CONV_2D, (x, kernel, None, None, None), (F32, filters), Conv2DOptions(), packing)
        seen.append(run_kernel(kernel_for(case.spec), case).reshape(width, 7))
    np.testing.assert_array_equal(np.concatenate(seen), np.broadcast_to(seen[0], (210, 7)))


def test_thresholds_at_the_ends_of_int32():
    x, kernel = np.ones((1, 40), np.int8), np.array([[1] * 40, [-1] * 40] * 20, np.int8)
    threshold = np.array([NEVER, NEVER, ALWAYS, ALWAYS, 40, -40, 41, -39] * 5, np.int32)
    case = make_case(
        OpKind.DENSE, (x, kernel, None, None, threshold), (BIT, BIT, F32, F32, I32), DenseOptions(BIT)
    )
    got = run_kernel(kernel_for(case.spec), case)[0]
    np.testing.assert_array_equal(got, [1, 1, -1, -1, 1, 1, -1, -1] * 5)


def test_long_windows_are_exact():
    """More words than any block of the popcount loops, and a count far above 16 bits."""
    rng = np.random.default_rng(1)
    for features in (8 * 64 * 3 + 17, 100_003):
        x, kernel = draw(rng, (2, features), BIT), draw(rng, (5, features), BIT)
        kernel[0], kernel[1] = x[0], -x[0]
        case = make_case(OpKind.DENSE, (x, kernel, None, None, None), (BIT, BIT), DenseOptions(I32))
        got = run_kernel(kernel_for(case.spec), case)
        np.testing.assert_array_equal(got, evaluate(case.op, case.values))
        np.testing.assert_array_equal(got[0, :2], [features, -features])


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("rows", [1, 2, 31, 33])
def test_bits_are_reshaped_across_rows(rows, channels):
    """Rows that are cut and joined anywhere: of the input's, of the output's, and the whole in one."""
    x = draw(np.random.default_rng(channels), (2, rows, channels), BIT)
    for shape in ((channels, rows), (rows * channels,), (rows * channels, 1), (1, rows, channels)):
        check(make_case(OpKind.RESHAPE, (x,), (BIT,), ReshapeOptions(shape)))


@pytest.mark.parametrize("channels", CHANNELS)
def test_sign_compares(channels):
    odd = np.array([0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 1e-45, -1e-45, 1.0, -1.0], np.float32)
    x = np.resize(odd, (2, channels)).astype(np.float32)
    case = make_case(OpKind.SIGN, (x,), (F32,))
    np.testing.assert_array_equal(run_kernel(kernel_for(case.spec), case), np.where(x < 0, -1, 1))


def test_nan_passes_through():
    """A NaN is never taken for a number: not by an activation, not by a maximum, not by a softmax."""
    x = np.ones((1, 4, 4, 9), np.float32)
    x[0, 1, 2, 5] = np.nan
    for kind in (ActivationKind.RELU, ActivationKind.SIGMOID, ActivationKind.TANH, ActivationKind.HARD_TANH):
        options = Conv2DOptions(activation=Activation(kind))
        values = (x, np.eye(9, dtype=np.float32).reshape(9, 1, 1, 9), None, None, None)
        got = run_kernel(kernel_for((c := make_case(OpKind.CONV_2D, values, (F32, F32), options)).spec), c)
        np.testing.assert_array_equal(np.isnan(got[0, 1, 2]), np.ones(9))  # 0 * NaN in the other channels
        assert np.isnan(got).sum() == 9
    pooled = make_case(OpKind.MAX_POOL_2D, (x, None), (F32,), Pool2DOptions(2, 2, 2, 2))
    got = run_kernel(kernel_for(pooled.spec), pooled)
    assert np.isnan(got[0, 0, 1, 5])
    assert np.isnan(got).sum() == 1
    softmax = make_case(OpKind.SOFTMAX, (x,), (F32,))
    got = run_kernel(kernel_for(softmax.spec), softmax)
    np.testing.assert_array_equal(np.isnan(got).any(axis=-1), np.isnan(x).any(axis=-1))


def test_softmax_and_sigmoid_of_large_numbers():
    x = np.array([[1000.0, 999.0, -1000.0], [-1e30, 0.0, 1e30]], np.float32)
    case = make_case(OpKind.SOFTMAX, (x,), (F32,))
    check(case)
    identity = np.eye(3, dtype=np.float32)
    options = DenseOptions(activation=Activation(ActivationKind.SIGMOID))
    check(make_case(OpKind.DENSE, (x, identity, None, None, None), (F32, F32), options))
