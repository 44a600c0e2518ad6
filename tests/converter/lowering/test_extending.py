"""Layers, quantizers and activations of one's own, and the names by which those of xlite and Larq are found."""

from __future__ import annotations

import numpy as np
import pytest

import xlite.converter
from tests.converter.evaluate import evaluate
from tests.converter.lowering.build import conv, layer, model
from xlite.converter import lowering
from xlite.converter.lowering import (
    activation,
    activations,
    input_quantizer,
    kernel_quantizer,
    lower,
    quantizers,
    registry,
)
from xlite.schema.types import CustomOptions, DType, OpKind, TensorType


@pytest.fixture
def registries(monkeypatch):
    """What a test registers is gone after it."""
    monkeypatch.setattr(registry, "_LOWERINGS", dict(registry._LOWERINGS))
    monkeypatch.setattr(quantizers, "_KERNEL", dict(quantizers._KERNEL))
    monkeypatch.setattr(quantizers, "_INPUT", dict(quantizers._INPUT))
    monkeypatch.setattr(activations, "_ACTIVATIONS", dict(activations._ACTIVATIONS))


X = np.random.default_rng(0).normal(size=(2, 4, 4, 2))


@pytest.mark.usefixtures("registries")
def test_a_layer_of_ones_own():
    @xlite.converter.lowering("MyPkg>Scale")
    def scale(ctx, x):
        (factor,) = ctx.weights("factor")
        zero = np.zeros_like(factor)
        return ctx.add(OpKind.BATCH_NORM, [x, ctx.constant("factor", factor), ctx.constant("zero", zero)])

    own = layer("Scale", {}, [[2.0, -3.0]], registered_name="MyPkg>Scale", module="their.code")
    graph = lower(model(own))
    np.testing.assert_allclose(evaluate(graph, X)[0], X * [2, -3])
    assert graph.nodes[0].layers == ("layer",)
    assert graph.outputs[0].name == "layer"
    assert [(row.name, row.class_name, row.parameters) for row in graph.layers][1] == ("layer", "Scale", 2)


@pytest.mark.usefixtures("registries")
def test_a_layer_that_becomes_a_custom_op_with_two_outputs():
    @lowering.lowering("MyPkg>Split")
    def split(ctx, x):
        half = TensorType((*x.type.shape[:-1], 1), DType.FLOAT32)
        options = [CustomOptions("half", bytes([i])) for i in range(2)]
        return [ctx.add(OpKind.CUSTOM, [x], o, output_type=half) for o in options]

    graph = lower(model(layer("Split", registered_name="MyPkg>Split")))
    assert [node.output.name for node in graph.nodes] == ["layer", "layer[1]"]


@pytest.mark.usefixtures("registries")
def test_replacing_a_lowering_of_xlites():
    @lowering("Dense")
    def mine(ctx, x):
        return x

    graph = lower(model(layer("Dense", {}, module="anything.at.all")))
    assert [node.kind for node in graph.nodes] == [OpKind.RESHAPE]  # the input, copied to be an output


@pytest.mark.usefixtures("registries")
def test_quantizers_of_ones_own():
    @kernel_quantizer("MyPkg>Ternary", binary=False)
    def ternary(kernel, config):
        return np.sign(kernel) * (np.abs(kernel) > config["threshold"])

    @input_quantizer("MyPkg>Heaviside", binary=True)
    def heaviside(ctx, x, config):
        signs = quantizers.sign_op(ctx, x)
        half = ctx.constant("half", np.full(x.type.shape[-1], 0.5))
        return ctx.add(OpKind.BATCH_NORM, [signs, half, half])

    q = {"class_name": "Ternary", "config": {"threshold": 0.8}, "registered_name": "MyPkg>Ternary"}
    graph = lower(model(conv(kernel_quantizer=q, input_quantizer="MyPkg>Heaviside")))
    kernel = graph.nodes[-1].constant(1)
    assert set(np.unique(kernel)) == {-1.0, 0.0, 1.0}
    assert graph.layers[1].marked == {"input_quantizer": "MyPkg>Heaviside"}

    @kernel_quantizer("MyPkg>Wrong")
    def wrong(kernel, config):
        return kernel[0]

    with pytest.raises(xlite.Error, match=r"'MyPkg>Wrong' that gives \(3, 2, 3\) for a kernel of \(3, 3, 2, 3\)"):
        lower(model(conv(kernel_quantizer="MyPkg>Wrong")))


@pytest.mark.usefixtures("registries")
def test_activations_of_ones_own():
    @activation("MyPkg>halved")
    def halved(ctx, x):
        half = np.full(x.type.shape[-1], 0.5)
        return ctx.add(OpKind.BATCH_NORM, [x, ctx.constant("half", half), ctx.constant("none", 0 * half)])

    function = {
        "module": "their.code",
        "class_name": "function",
        "config": "halved",
        "registered_name": "MyPkg>halved",
    }
    graph = lower(model(layer("Activation", {"activation": function})))
    np.testing.assert_allclose(evaluate(graph, X)[0], X / 2)


SIGNS = [
    "ste_sign",
    "SteSign",
    "xlite>SteSign",
    "Larq>ste_sign",
    {"class_name": "SteSign", "config": {"clip_value": 1.25}},
    {"class_name": "Larq>SteSign", "config": {"name": "ste_sign", "clip_value": 1.25}},
    {"module": "larq.quantizers", "class_name": "SteSign", "config": {"name": "q"}, "registered_name": "SteSign"},
    {"module": "xlite.quantizers", "class_name": "SteSign", "config": {}, "registered_name": "xlite>SteSign"},
    {"module": "x", "class_name": "function", "config": "ste_sign", "registered_name": "xlite>ste_sign"},
    {"module": "builtins", "class_name": "function", "config": "approx_sign", "registered_name": "function"},
    {"class_name": "ApproxSign", "config": {}, "registered_name": None},
    "swish_sign",
]


@pytest.mark.parametrize("spec", SIGNS, ids=str)
@pytest.mark.parametrize("class_name", ["QuantConv2D", "xlite>QuantConv2D", "Larq>QuantConv2D"])
def test_signs_by_every_name(spec, class_name):
    quant = conv(class_name=class_name, input_quantizer=spec, kernel_quantizer=spec)
    graph = lower(model(quant))
    assert [node.kind for node in graph.nodes] == [OpKind.SIGN, OpKind.UNPACK, OpKind.CONV_2D]
    original = quant.weights[0].transpose(3, 0, 1, 2)
    np.testing.assert_array_equal(graph.nodes[-1].constant(1), np.where(original < 0, -1, 1))
    assert set(graph.layers[1].marked) == {"input_quantizer", "kernel_quantizer"}


def test_signs_of_both_zeros_are_plus_one():
    dense = layer("QuantDense", {"units": 2, "use_bias": False, "kernel_quantizer": "ste_sign"}, [[[0.0, -0.0]]])
    graph = lower(model(dense, shape=(1,)))
    np.testing.assert_array_equal(graph.nodes[0].constant(1), [[1], [1]])


@pytest.mark.parametrize("shape", [(5, 3), (3, 3, 2, 3), (3, 3, 2, 1)])
def test_magnitude_aware_sign(shape):
    """One alpha for each entry of the last axis, the mean magnitude of the rest, as float32 sums round it."""
    kernel = np.random.default_rng(4).normal(size=shape).astype(np.float32)
    got = quantizers._KERNEL["magnitude_aware_sign"].function(kernel, {})
    for last in range(shape[-1]):
        (alpha,) = np.unique(np.abs(got[..., last]))
        np.testing.assert_allclose(alpha, np.abs(kernel[..., last]).astype(np.float64).mean(), rtol=3e-7)
    np.testing.assert_array_equal(got < 0, kernel < 0)
    assert got.dtype == np.float32


def test_no_op_changes_nothing_and_declares_nothing():
    quant = conv(input_quantizer="no_op", kernel_quantizer={"class_name": "NoOp", "config": {"precision": 1}})
    graph = lower(model(quant))
    assert [node.kind for node in graph.nodes] == [OpKind.CONV_2D]
    np.testing.assert_array_equal(graph.nodes[0].constant(1), quant.weights[0].transpose(3, 0, 1, 2))
    assert graph.layers[1].marked == {}


@pytest.mark.parametrize("spec", ["ste_sign", SIGNS[7]], ids=str)
def test_a_quantizer_as_an_activation(spec):
    graph = lower(model(layer("Activation", {"activation": spec})))
    assert [node.kind for node in graph.nodes] == [OpKind.SIGN, OpKind.UNPACK]
    np.testing.assert_array_equal(evaluate(graph, X)[0], np.where(X < 0, -1, 1))


@pytest.mark.parametrize("name", ["hard_tanh", "Larq>hard_tanh"])
def test_hard_tanh_by_larqs_name(name):
    graph = lower(model(layer("Activation", {"activation": name})))
    np.testing.assert_array_equal(evaluate(graph, X * 2)[0], np.clip(X * 2, -1, 1))


def test_pad_values_stand_behind_the_quantizer():
    quant = conv(class_name="QuantConv2D", input_quantizer="ste_sign", padding="same", pad_values=-1.0)
    graph = lower(model(quant))
    assert [node.kind for node in graph.nodes] == [OpKind.SIGN, OpKind.UNPACK, OpKind.PAD, OpKind.CONV_2D]
    assert graph.nodes[2].options.value == -1.0
    assert graph.nodes[3].output.type.shape == (1, 4, 4, 3)
