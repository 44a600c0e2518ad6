"""Every C kernel against the oracle: a grid of shapes and dtypes, random options, and the values at the edges."""

from __future__ import annotations

import os
import random

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
    kernels_for,
    make_case,
)
from tests.interpreter.cases import FAMILIES, run_kernel
from tests.interpreter.cases import make_case as random_case
from tests.interpreter.making import activation_of
from tests.oracle import evaluate, tolerance
from xlite.schema.contracts import SLOTS, inplace_inputs
from xlite.schema.types import (
    Activation,
    ActivationKind,
    ActivationOptions,
    Conv2DOptions,
    DenseOptions,
    OpKind,
    Pool2DOptions,
    ReduceKind,
    ReduceOptions,
)

FILTERED = (OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D, OpKind.DENSE)
DTYPES_OF_BITS = (BIT, BIT, F32, F32, I32, BIT)
WITH_A_FILTER = tuple(kind for kind, slots in SLOTS.items() if slots and slots[-1].name == "mask")


def check(case) -> None:
    """Integers and bits are equal; floats within 1e-5 of what was added up to get them."""
    expected = evaluate(case.op, case.values)
    for kernel in kernels_for(case.spec):
        check_result(case, run_kernel(kernel, case), expected)


def check_result(case, actual, expected) -> None:
    assert actual.shape == case.output.shape
    if case.output.dtype is not F32:
        np.testing.assert_array_equal(actual, expected, str(case.op))
        return
    with np.errstate(over="ignore"):
        expected, allowed = expected.astype(np.float32), tolerance(case.op, case.values)
    # where the last digit of a sum decides between a number and none (a root of nearly 0), nothing is known
    known = np.isfinite(allowed) if case.op.kind in WITH_A_FILTER else np.ones(expected.shape, bool)
    special = known & ~np.isfinite(expected)
    np.testing.assert_array_equal(actual[special], expected[special], str(case.op))
    plain = known & np.isfinite(expected)
    error = np.abs(actual[plain].astype(np.float64) - expected[plain])
    assert (error <= allowed[plain] + 1e-30).all(), (np.max(error - allowed[plain]), case.op)


@pytest.mark.parametrize("dtypes", DTYPES, ids=lambda d: "_".join(t.short for t in d))
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("kind", FILTERED, ids=lambda kind: kind.name.lower())
def test_dot_products_over_the_grid(kind, channels, dtypes, pytestconfig):
    seeds = (1,) if pytestconfig.getoption("--quick") and EXACT not in os.environ else (1, 2)
    cases = [c for kernel in KERNELS for seed in seeds for c in filtered(kind, channels, kernel, dtypes, seed)]
    assert len(cases) >= 5
    for case in cases:
        check(case)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_random_options(family):
    for seed in range(10 if EXACT in os.environ else 100):
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
        x, filters, scale, bias, _, mask = case.values
        activation = Activation(ActivationKind.RELU, alpha=0.3, max_value=20.0, threshold=0.5)
        options = _with(case.op.options, activation=activation)
        case = make_case(kind, case.values, DTYPES_OF_BITS, options, _packing(case))
        values = (x, filters, None, None, None, mask)
        integers = make_case(kind, values, DTYPES_OF_BITS, _with(options, I32), _packing(case))
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
    return tuple((slot, case.types[1].packed_axes) for slot in (1, 5))


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
def test_sign_compares(channels):
    odd = np.array([0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 1e-45, -1e-45, 1.0, -1.0], np.float32)
    x = np.resize(odd, (2, channels)).astype(np.float32)
    case = make_case(OpKind.SIGN, (x,), (F32,))
    np.testing.assert_array_equal(run_kernel(kernel_for(case.spec), case), np.where(x < 0, -1, 1))


# As in Keras, which compares and else takes a constant.
STOPS_NAN = {ActivationKind.THRESHOLD, ActivationKind.SOFT_SHRINK, ActivationKind.HARD_SHRINK}


def test_nan_passes_through():
    """A NaN is never taken for a number: not by an activation, not by a maximum, not by a softmax."""
    x = np.ones((1, 4, 4, 9), np.float32)
    x[0, 1, 2, 5] = np.nan
    for kind in sorted({*ActivationKind} - STOPS_NAN - {ActivationKind.CELU}):  # CELU wants an alpha
        options = Conv2DOptions(activation=Activation(kind))
        values = (x, np.eye(9, dtype=np.float32).reshape(9, 1, 1, 9), None, None, None)
        got = run_kernel(kernel_for((c := make_case(OpKind.CONV_2D, values, (F32, F32), options)).spec), c)
        np.testing.assert_array_equal(np.isnan(got[0, 1, 2]), np.ones(9))  # 0 * NaN in the other channels
        assert np.isnan(got).sum() == 9
    pooled = make_case(OpKind.MAX_POOL_2D, (x, None), (F32,), Pool2DOptions(2, 2, 2, 2))
    got = run_kernel(kernel_for(pooled.spec), pooled)
    assert np.isnan(got[0, 0, 1, 5])
    assert np.isnan(got).sum() == 1
    for kind in (ReduceKind.MAX, ReduceKind.MIN, ReduceKind.SUM):
        for axes in ((1,), (3,), (1, 2)):
            reduced = make_case(OpKind.REDUCE, (x,), (F32,), ReduceOptions(kind, axes))
            got = run_kernel(kernel_for(reduced.spec), reduced)
            np.testing.assert_array_equal(np.isnan(got), np.isnan(x).any(axis=axes))
    for kind in (OpKind.MAXIMUM, OpKind.MINIMUM):
        for values in ((x, np.ones_like(x)), (np.ones_like(x), x)):
            pair = make_case(kind, values, (F32, F32))
            np.testing.assert_array_equal(np.isnan(run_kernel(kernel_for(pair.spec), pair)), np.isnan(x))
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


EDGES = [0.5, 1.5, 2.5, 0.49999997, 8388607.5, 8388608.0, 4194303.5, 16777217.0, 1e30, np.inf, 0.0, 1e-30, 88.0]


@pytest.mark.parametrize(
    "kind", [ActivationKind.ROUND, ActivationKind.FLOOR, ActivationKind.SIGN, ActivationKind.ABS]
)
def test_rounding_at_the_edges_is_exact(kind):
    x = np.array([EDGES, np.negative(EDGES)], np.float32)
    case = make_case(OpKind.ACTIVATION, (x,), (F32,), ActivationOptions(Activation(kind)))
    np.testing.assert_array_equal(run_kernel(kernel_for(case.spec), case), evaluate(case.op, case.values))


@pytest.mark.parametrize("kind", [kind for kind in ActivationKind if kind is not ActivationKind.NONE])
def test_activations_of_every_size(kind):
    """From far below to far above, through zero; no square of these overflows."""
    sizes = np.logspace(-8, 3, 400)
    x = np.concatenate([-sizes[::-1], [0.0], sizes]).astype(np.float32)[None]
    for seed in range(4):
        options = ActivationOptions(activation_of(kind, random.Random(seed)))
        check(make_case(OpKind.ACTIVATION, (x,), (F32,), options))


def test_long_sums_keep_their_digits():
    x = np.random.default_rng(0).uniform(1, 2, size=(1, 50_000, 3)).astype(np.float32)
    for axes, kind in (((1,), ReduceKind.MEAN), ((1, 2), ReduceKind.SUM)):
        check(make_case(OpKind.REDUCE, (x,), (F32,), ReduceOptions(kind, axes, keepdims=True)))
    check(make_case(OpKind.REDUCE, (x.reshape(1, 3, -1),), (F32,), ReduceOptions(ReduceKind.SUM, (2,))))
