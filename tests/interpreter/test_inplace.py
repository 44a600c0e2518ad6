"""Sharing memory must not change a value: random networks with residual adds, with and without it, and the same
numbers from every backend."""

from __future__ import annotations

import numpy as np
import pytest

from tests.interpreter.networks import random_network, residual_network
from xlite.interpreter import Interpreter, backends
from xlite.interpreter.planner import plan
from xlite.schema.types import DType

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
        for op in model.ops:
            (t,) = op.outputs
            expected, actual = reference.get_tensor(t), other.get_tensor(t)
            if model.tensors[t].type.dtype is DType.FLOAT32:
                scale = float(np.abs(expected).max()) or 1.0
                np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4 * scale, err_msg=f"{seed}: {op}")
            else:
                differing = float(np.mean(actual != expected))
                near_zero = _sign_of_float(model, t)
                assert differing <= (0.01 if near_zero else 0), f"{seed}: {op}"
                if differing:
                    break  # a sign of a near-zero float: what follows has other inputs


def _sign_of_float(model, tensor: int) -> bool:
    """Whether a tensor is computed from a float (by SIGN), where the last digit can decide a bit."""
    writer = next(op for op in model.ops if tensor in op.outputs)
    return model.tensors[writer.inputs[0]].type.dtype is DType.FLOAT32


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_does_not_depend_on_its_batch(name):
    model = residual_network()
    x = random_inputs(model, 5, 3)[0]
    interpreter = Interpreter(model, backend=name)
    together = interpreter(x)
    for i in range(len(x)):
        for whole, single in zip(together, interpreter(x[i])):
            np.testing.assert_allclose(whole[i : i + 1], single, rtol=1e-5, atol=1e-5)
