"""Bit planes through the passes, before and after."""

from __future__ import annotations

import numpy as np
import pytest

from tests.converter.evaluate import evaluate
from xlite.converter.graph import Graph, Value, constant
from xlite.converter.passes import pack_weights, sink_planes
from xlite.schema.types import (
    Conv2DOptions,
    DType,
    OpKind,
    PadOptions,
    PlanesKind,
    PlanesOptions,
    ReshapeOptions,
    TensorType,
)

DOREFA = PlanesOptions(PlanesKind.DOREFA, 2)


def graph_of(kind, options, planes=DOREFA, shape=(1, 4, 5)):
    graph = Graph()
    x = Value("x", TensorType(shape, DType.FLOAT32))
    graph.inputs = [x]
    bits = graph.add(OpKind.BIT_PLANES, [x], planes)
    floats = graph.add(OpKind.FROM_PLANES, [bits], planes)
    graph.outputs = [graph.add(kind, [floats], options, name="moved")]
    return graph


def passed(graph):
    """Runs the pass; the outputs stay what they were."""
    x = np.random.default_rng(0).normal(0.5, 0.6, (2, *graph.inputs[0].type.shape[1:]))
    before = evaluate(graph, x)
    changed = sink_planes.run(graph)
    graph.nodes = [node for node in graph.nodes if node.output in graph.uses() or node.output in graph.outputs]
    for old, new in zip(before, evaluate(graph, x)):
        np.testing.assert_array_equal(old, new)
    return changed


def test_reshape():
    graph = graph_of(OpKind.RESHAPE, ReshapeOptions((2, 2, 5)))
    assert passed(graph)
    assert (
        graph.text()
        == """\
%0 = input f32[1,4,5]
%1 = bit_planes(%0) {planes=2} -> bit[1,4,10]
%2 = reshape(%1) {shape=(2, 2, 10)} -> bit[1,2,2,10]
%3 = from_planes(%2) {planes=2} -> f32[1,2,2,5]
return %3"""
    )
    assert graph.outputs[0].name == "moved"


@pytest.mark.parametrize(("value", "bits"), [(0.0, -1.0), (1.0, 1.0)])
@pytest.mark.parametrize("planes", [DOREFA, PlanesOptions(PlanesKind.HEAVISIDE, 1)], ids=["dorefa", "heaviside"])
def test_pad(value, bits, planes):
    graph = graph_of(OpKind.PAD, PadOptions((0, 0, 1, 2, 0, 0), value), planes)
    assert passed(graph)
    assert [node.kind for node in graph.nodes] == [OpKind.BIT_PLANES, OpKind.PAD, OpKind.FROM_PLANES]
    assert graph.nodes[1].options == PadOptions((0, 0, 1, 2, 0, 0), bits)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (OpKind.RESHAPE, ReshapeOptions((20,))),  # would mix the planes
        (OpKind.PAD, PadOptions((0, 0, 0, 0, 0, 1), 0.0)),  # would pad between them
        (OpKind.PAD, PadOptions((0, 0, 1, 1, 0, 0), -1.0)),  # is no integer's value
    ],
)
def test_others_stay(kind, options):
    graph = graph_of(kind, options)
    before = graph.text()
    assert not passed(graph)
    assert graph.text() == before


def test_filters_of_every_pixel_cannot_read_planes():
    """Their sums of weights differ from pixel to pixel, and a bias does not."""
    graph = graph_of(OpKind.RESHAPE, ReshapeOptions((2, 2, 5)))
    kernel = constant("kernel", np.sign(np.random.default_rng(0).normal(size=(2, 2, 3, 1, 1, 5))))
    out = graph.add(OpKind.LOCALLY_CONNECTED_2D, [graph.outputs[0], kernel], Conv2DOptions())
    graph.outputs = [out]
    sink_planes.run(graph)
    pack_weights.run(graph)
    conv = graph.nodes[-1]
    assert [value.type.dtype for value in conv.inputs[:2]] == [DType.FLOAT32, DType.BIT]
