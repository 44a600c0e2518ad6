"""Models of Keras 2 against what it computed: TensorFlow's functions as nodes, and layers that it saves in its own
way. Recorded by ``make_keras2.py``; neither Keras nor TensorFlow is needed here."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from tests.converter.evaluate import evaluate
from xlite.converter.frontend import read
from xlite.converter.frontend.model import Call, KerasLayer, KerasModel, Ref
from xlite.converter.lowering import lower, lowering
from xlite.schema.errors import UnsupportedLayerError
from xlite.schema.types import OpKind

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize(("name", "outputs"), [("keras2_functions", 85), ("keras2_layers", 23)])
def test_recorded(name, outputs, tmp_path):
    path = tmp_path / "model.h5"
    path.write_bytes(gzip.decompress((DATA / f"{name}.h5.gz").read_bytes()))
    with np.load(DATA / f"{name}.npz") as arrays:
        inputs = [arrays[f"x{i}"] for i in range(len([k for k in arrays if k[0] == "x"]))]
        wanted = [arrays[f"y{i}"] for i in range(len(arrays) - len(inputs))]
    model = read(path)
    got = evaluate(lower(model), *inputs)
    assert len(got) == len(wanted) == len(model.outputs) == outputs
    for ref, mine, theirs in zip(model.outputs, got, wanted):
        assert mine.shape == theirs.shape, ref.layer
        scale = max(1.0, np.abs(theirs).max())
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5 * scale, err_msg=ref.layer)


def one(function: str, extents: tuple[int, ...] = (2, 4), **kwargs) -> KerasModel:
    """A model of one node, as the frontend reads it."""
    source = KerasLayer("x", "InputLayer", "InputLayer", {"batch_input_shape": [None, *extents]}, [Call()])
    call = Call([Ref("x")], kwargs)
    node = KerasLayer(f"tf.{function}", "TFOpLambda", "TFOpLambda", {"function": function}, [call])
    order = [("x", 0), (node.name, 0)]
    return KerasModel("model", [source, node], order, [Ref("x")], [Ref(node.name)], keras_version="2.15.0")


def test_an_unknown_function_is_named_with_how_to_register_it():
    named = re.escape("'tf.math.bessel_i0' is the operation tf.math.bessel_i0")
    with pytest.raises(UnsupportedLayerError, match=named) as error:
        lower(one("math.bessel_i0", name=None))
    assert '@xlite.converter.lowering("tf.math.bessel_i0")' in str(error.value)


def test_a_function_of_the_user():
    @lowering("tf.math.triple")
    def triple(ctx, x, times=3.0):
        return ctx.add(OpKind.MULTIPLY, [x, ctx.literal(np.full((1, 1, 1), times))])

    x = np.ones((2, 2, 4))
    np.testing.assert_array_equal(evaluate(lower(one("math.triple", name=None)), x)[0], 3 * x)
    np.testing.assert_array_equal(evaluate(lower(one("math.triple", times=5.0)), x)[0], 5 * x)


@pytest.mark.parametrize(
    ("function", "kwargs", "message"),
    [
        ("reshape", {"shape": [8]}, "batch"),
        ("reshape", {"shape": [4, -1]}, "batch"),
        ("math.reduce_mean", {"axis": 0}, "batch"),
        ("math.reduce_mean", {}, "batch"),
        ("cast", {"dtype": "int32"}, "int32"),
        ("pad", {"paddings": [[0, 0], [1, 1], [0, 0]], "mode": "EDGE"}, "mode 'edge'"),
        ("math.pow", {"y": 1.5}, "power"),
        ("matmul", {"b": [[1.0] * 4] * 4, "adjoint_b": True}, "adjoint_b"),
        ("matmul", {"b": [[1.0] * 4] * 4, "transpose_a": True}, "transpose before"),
        ("image.resize", {"size": [4, 4], "antialias": True}, "antialias"),
        ("math.add", {"y": [[[1.0] * 4] * 2] * 2}, "whole batch"),
        ("clip_by_value", {"clip_value_min": 1.0, "clip_value_max": -1.0}, "empty"),
    ],
)
def test_what_is_refused(function, kwargs, message):
    with pytest.raises(UnsupportedLayerError, match=message):
        lower(one(function, **kwargs))


def test_matmul_of_two_tensors_transposed():
    x = np.random.default_rng(0).normal(size=(3, 2, 4)).astype(np.float32)
    of_rows = evaluate(lower(one("matmul", b=Ref("x"), transpose_b=True)), x)[0]
    np.testing.assert_allclose(of_rows, x @ x.transpose(0, 2, 1), rtol=1e-5, atol=1e-6)
    of_columns = evaluate(lower(one("matmul", b=Ref("x"), transpose_a=True)), x)[0]
    np.testing.assert_allclose(of_columns, x.transpose(0, 2, 1) @ x, rtol=1e-5, atol=1e-6)
