"""Every kernel of the Python backends against the independent oracle, over random options of every op."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from tests.interpreter.cases import FAMILIES, make_case, run_kernel
from tests.interpreter.making import BIT, Maker, activation_of
from tests.oracle import evaluate, tolerance
from xlite.interpreter import backends
from xlite.schema.contracts import SLOTS, inplace_inputs
from xlite.schema.types import ActivationKind, ActivationOptions, DenseOptions, DType, OpKind

PYTHON_BACKENDS = [
    "numpy",
    pytest.param("numba", marks=pytest.mark.skipif(not backends.available("numba"), reason="numba not installed")),
]
SEEDS = 40
FILTERED = tuple(kind for kind, slots in SLOTS.items() if slots and slots[-1].name == "mask")


# What numba has kernels for: of these not every option (ternary masks, broadcasting, some activations) ...
NUMBA_PARTLY = ("conv_2d", "depthwise_conv_2d", "dense", "prelu", "activation", "add")
# ... and of these all.
NUMBA_WHOLLY = ("batch_norm", "sign", "unpack", "softmax", "max_pool_2d", "average_pool_2d")


def kernel_for(backend, case):
    kernels = backends.kernels_of(backend).get(case.op.kind, ())
    return next((kernel for kernel in kernels if kernel.supports(case.spec)), None)


def assert_same(actual, case):
    expected = evaluate(case.op, list(case.values))
    assert actual.shape == tuple(case.output.shape)
    if case.output.dtype is not DType.FLOAT32:
        np.testing.assert_array_equal(actual, expected)
        return
    with np.errstate(over="ignore"):
        expected, allowed = expected.astype(np.float32), tolerance(case.op, list(case.values))
    # where the last digit of a sum decides between a number and none, nothing is known; x itself has no such digit
    known = np.isfinite(allowed) if case.op.kind in FILTERED else np.ones(expected.shape, bool)
    special = known & ~np.isfinite(expected)
    np.testing.assert_array_equal(actual[special], expected[special], str(case.op))
    plain = known & np.isfinite(expected)
    error = np.abs(actual[plain].astype(np.float64) - expected[plain])
    assert (error <= allowed[plain] + 1e-30).all(), (case.op, np.max(error / (allowed[plain] + 1e-30)))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
@pytest.mark.parametrize("backend", PYTHON_BACKENDS)
def test_kernel_equals_oracle(backend, family):
    computed = 0
    for seed in range(SEEDS):
        case = make_case(family, seed)
        kernel = kernel_for(backend, case)
        if kernel is not None:
            assert_same(run_kernel(kernel, case), case)
            computed += 1
    if backend == "numba" and family.__name__ in NUMBA_PARTLY:
        assert 0 < computed < SEEDS
    else:
        everything = backend == "numpy" or family.__name__ in NUMBA_WHOLLY
        assert computed == (SEEDS if everything else 0)


EDGES = [np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -1.5, 1.0, -1.0, 3.0, -3.0, 6.0]
EDGES += [0.3, -0.3, 1e-30, -1e-30, 1e-4, -1e-4, 20.0, -20.0, 87.0, -87.0, 100.0, -100.0, 3e4, -3e4]


@pytest.mark.parametrize("kind", [kind for kind in ActivationKind if kind is not ActivationKind.NONE])
@pytest.mark.parametrize("backend", PYTHON_BACKENDS)
def test_activations_at_their_edges(backend, kind):
    x = np.array([EDGES], np.float32)
    pick = random.Random(0)
    for _ in range(4):
        maker = Maker(0)
        maker.give(x)
        case = maker.case(OpKind.ACTIVATION, ActivationOptions(activation_of(kind, pick)))
        kernel = kernel_for(backend, case) or kernel_for("numpy", case)
        assert_same(run_kernel(kernel, case), case)


@pytest.mark.parametrize("kind", ActivationKind)
@pytest.mark.parametrize("backend", PYTHON_BACKENDS)
def test_activations_after_a_filter(backend, kind):
    """The sums are exact, so that what decides at a step is known: the activation sees the oracle's number."""
    maker, pick = Maker(int(kind)), random.Random(int(kind))
    maker.add((3, 40), BIT)
    maker.add((33, 40), BIT)
    maker.give((maker.rng.integers(1, 5, size=33) / 8).astype(np.float32))
    maker.give((maker.rng.integers(-9, 9, size=33) / 16).astype(np.float32))
    case = maker.case(OpKind.DENSE, DenseOptions(activation=activation_of(kind, pick)))
    case = replace(case, types=(*case.types, None, None), values=(*case.values, None, None))
    actual = run_kernel(kernel_for(backend, case), case)
    plain = replace(case, op=replace(case.op, options=DenseOptions()))
    maker = Maker(0)
    maker.give(run_kernel(kernel_for("numpy", plain), plain))
    if kind is ActivationKind.NONE:
        np.testing.assert_array_equal(actual, maker.values[0])
    else:
        assert_same(actual, maker.case(OpKind.ACTIVATION, ActivationOptions(case.op.options.activation)))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
@pytest.mark.parametrize("backend", PYTHON_BACKENDS)
def test_kernel_may_write_over_its_input(backend, family):
    for seed in range(10):
        case = make_case(family, seed)
        kernel = kernel_for(backend, case)
        for slot in inplace_inputs(case.op.kind, case.types, [case.output]):
            if kernel is not None:
                np.testing.assert_array_equal(run_kernel(kernel, case, alias=slot), run_kernel(kernel, case))


def test_reference_has_a_kernel_for_every_op():
    kinds = set(backends.kernels_of("numpy"))
    assert kinds == set(OpKind) - {OpKind.CUSTOM}


def test_popcount_without_numpy_2(monkeypatch):
    from xlite.interpreter.kernels.reference import popcount

    words = np.random.default_rng(0).integers(0, 2**32, size=(7, 5), dtype=np.uint32)
    expected = [[bin(word).count("1") for word in row] for row in words]
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    np.testing.assert_array_equal(popcount.popcount_rows(words), np.sum(expected, axis=1))
