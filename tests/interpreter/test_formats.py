"""Files with every op of format 1.1 and 1.2, run as a whole: each op gives what the oracle makes of the inputs it
saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.oracle import evaluate, tolerance
from xlite.interpreter import Interpreter, Resolver, backends
from xlite.schema.bits import unpack_signs
from xlite.schema.contracts import with_optional_inputs
from xlite.schema.types import RANGES, DType, OpKind

FOLDER = Path(__file__).parents[1] / "schema" / "data"


def calibrate(inputs, data):
    x, table = inputs
    return x + table


def values_of(type_, batch, rng):
    shape = (batch, *type_.shape[1:])
    if type_.dtype in RANGES:
        low, high = RANGES[type_.dtype]
        return rng.integers(low, high + 1, size=shape).astype(type_.dtype.numpy)
    return rng.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", backends.available_backends())
@pytest.mark.parametrize(("version", "last"), [("1_1", OpKind.EMBEDDING), ("1_2", max(OpKind))])
def test_every_op_of_the_file(version, last, name, batch):
    resolver = Resolver()
    resolver.register_custom("Custom>Calibrate", calibrate)
    interpreter = Interpreter(
        FOLDER / f"v{version}.xlite", backend=name, resolver=resolver, preserve_all_tensors=True
    )
    model, rng = interpreter.model, np.random.default_rng(batch)
    interpreter(*(values_of(model.tensors[t].type, batch, rng) for t in model.inputs))

    def value(index):
        """A tensor's logical array, None where it is absent."""
        if index < 0:
            return None
        tensor = model.tensors[index]
        if not tensor.is_constant:
            return interpreter.get_tensor(index)
        packed = tensor.type.dtype is DType.BIT
        return unpack_signs(tensor.data, tensor.type.shape, tensor.type.packed_axes) if packed else tensor.data

    checked = set()
    for op in model.ops:
        if op.kind is OpKind.CUSTOM:
            continue
        inputs = [value(index) for index in with_optional_inputs(op.kind, op.inputs)]
        expected, actual = evaluate(op, inputs), value(op.outputs[0])
        assert actual.shape == expected.shape == (batch, *model.tensors[op.outputs[0]].type.shape[1:])
        if model.tensors[op.outputs[0]].type.dtype is not DType.FLOAT32:
            np.testing.assert_array_equal(actual, expected, op.name)
        else:
            allowed = tolerance(op, inputs) + 1e-30
            assert (np.abs(actual - expected) <= allowed).all(), op.name
        checked.add(op.kind)
    assert checked == {kind for kind in OpKind if kind <= last} - {OpKind.CUSTOM}
