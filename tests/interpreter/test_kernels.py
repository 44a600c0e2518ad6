"""Every kernel of the Python backends against the independent oracle, over random options of every op."""

from __future__ import annotations

import numpy as np
import pytest

from tests.interpreter.cases import FAMILIES, make_case, run_kernel
from tests.oracle import evaluate, tolerance
from xlite.interpreter import backends
from xlite.schema.contracts import SLOTS, inplace_inputs
from xlite.schema.types import DType, OpKind

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
