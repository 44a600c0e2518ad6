"""Sharing memory must not change a value: random networks with residual adds, with and without it, and the same
numbers from every backend."""

from __future__ import annotations

import numpy as np
import pytest

from tests.interpreter.networks import residual_network
from tests.interpreter.random_networks import jumps, random_network
from xlite.interpreter import Interpreter, backends
from xlite.interpreter.planner import plan
from xlite.schema.types import DType, OpKind

NAMES = backends.available_backends()


def random_inputs(model, batch: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(batch, *model.tensors[t].type.shape[1:])).astype(np.float32) for t in model.inputs]


def run(model, inputs, **options) -> list[np.ndarray]:
    result = Interpreter(model, **options)(*inputs)
    return result if isinstance(result, list) else [result]


@pytest.mark.parametrize("name", NAMES)
def test_shared_memory_changes_nothing(name):
    reused = 0
    for seed in range(60):
        model = random_network(seed, ops=14)
        inputs = random_inputs(model, 1 + seed % 3, seed)
        planned = run(model, inputs, backend=name)
        apart = run(model, inputs, backend=name, preserve_all_tensors=True)
        for a, b in zip(planned, apart):
            assert np.isfinite(a).all(), "a NaN equals another one, whatever it should have been"
            np.testing.assert_array_equal(a, b)
        reused += plan(model).arena_bytes < plan(model, preserve_all=True).arena_bytes
    assert reused > 30, "most of these networks must share memory, or this test shows nothing"


@pytest.mark.parametrize("name", [n for n in NAMES if n != "numpy"])
def test_backends_agree_tensor_by_tensor(name):
    """Each op of a random network sees what the reference's op saw, up to the last digits: the first tensor
    that is off is where the two part."""
    for seed in range(60):
        model = random_network(seed, ops=14)
        inputs = random_inputs(model, 2, seed)
        reference = Interpreter(model, backend="numpy", preserve_all_tensors=True)
        other = Interpreter(model, backend=name, preserve_all_tensors=True)
        reference(*inputs)
        other(*inputs)
        types = [tensor.type for tensor in model.tensors]
        for op in model.ops:
            (t,) = op.outputs
            expected, actual = reference.get_tensor(t), other.get_tensor(t)
            assert np.isfinite(expected).all()
            if jumps(op, types) and np.any(actual != expected):
                near = np.abs(actual - expected) > 1e-4 * (np.abs(expected).max() or 1.0)
                assert near.mean() <= 0.01, f"{seed}: {op}"
                break  # the last digit of a float decided: what follows has other inputs
            if types[t].dtype is DType.FLOAT32:
                scale = float(np.abs(expected).max()) or 1.0
                np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4 * scale, err_msg=f"{seed}: {op}")
            else:
                np.testing.assert_array_equal(actual, expected, err_msg=f"{seed}: {op}")


def test_every_op_is_drawn():
    drawn = {op.kind for seed in range(60) for op in random_network(seed, ops=14).ops}
    assert drawn == {*OpKind} - {OpKind.CUSTOM}


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_does_not_depend_on_its_batch(name):
    model = residual_network()
    x = random_inputs(model, 5, 3)[0]
    interpreter = Interpreter(model, backend=name)
    together = interpreter(x)
    for i in range(len(x)):
        for whole, single in zip(together, interpreter(x[i])):
            np.testing.assert_allclose(whole[i : i + 1], single, rtol=1e-5, atol=1e-5)
