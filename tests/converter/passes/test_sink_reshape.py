"""Per-channel ops before reshapes that keep the channels: before and after, and what it is for."""

from __future__ import annotations

import textwrap

import numpy as np

from tests.converter.evaluate import evaluate
from tests.converter.passes.build import Builder
from xlite.converter.graph import constant
from xlite.converter.passes import run_passes, sink_reshape
from xlite.schema.types import Activation, ActivationKind, ActivationOptions, DType, OpKind, ReshapeOptions


def text(expected: str) -> str:
    return textwrap.dedent(expected).strip()


def exhaust(graph) -> str:
    while sink_reshape.run(graph):
        assert graph.nodes
    return graph.text()


def chain(b: Builder, x, shape: tuple[int, ...]):
    """reshape, batch norm, PReLU and a clip, on 4 channels; names as layers give them."""
    x = b.op(OpKind.RESHAPE, x, options=ReshapeOptions(shape))
    parts = [constant(name, b.rng.normal(size=4)) for name in ("scale", "offset")]
    x = b.op(OpKind.BATCH_NORM, x, *parts)
    x = b.op(OpKind.PRELU, x, constant("slope", b.rng.uniform(0.1, 0.5, (1,) * (len(shape) - 1) + (4,))))
    clip = Activation(ActivationKind.CLIP, threshold=-2.0, max_value=1.5)
    return b.op(OpKind.ACTIVATION, x, options=ActivationOptions(clip))


def test_before_and_after():
    b = Builder()
    x = b.input(1, 9, 4)
    graph = b.done(chain(b, x, (9, 4)))
    last = graph.outputs[0].name
    given = np.random.default_rng(1).normal(size=(2, 1, 9, 4))
    (before,) = evaluate(graph, given)
    assert exhaust(graph) == text(
        """
        %0 = input f32[1,1,9,4]
        %1 = batch_norm(%0, f32[4], f32[4]) -> f32[1,1,9,4]
        %2 = prelu(%1, f32[1,1,4]) -> f32[1,1,9,4]
        %3 = activation(%2) {activation=clip max_value=1.5 threshold=-2} -> f32[1,1,9,4]
        %4 = reshape(%3) {shape=(9, 4)} -> f32[1,9,4]
        return %4
        """
    )
    np.testing.assert_array_equal(evaluate(graph, given)[0], before)
    assert graph.outputs[0].name == last


def test_a_reshape_that_moves_channels_stays():
    b = Builder()
    graph = b.done(chain(b, b.input(2, 18), (9, 4)))
    before = graph.text()
    assert exhaust(graph) == before


def test_a_tensor_that_others_read_stays():
    b = Builder()
    reshaped = b.op(OpKind.RESHAPE, b.input(1, 9, 4), options=ReshapeOptions((9, 4)))
    normal = b.op(OpKind.BATCH_NORM, reshaped, constant("scale", np.ones(4)), constant("offset", np.ones(4)))
    graph = b.done(normal, b.op(OpKind.ADD, reshaped, reshaped))
    before = graph.text()
    assert exhaust(graph) == before


def test_one_dimensional_convolutions_give_bits():
    b = Builder()
    x = b.op(OpKind.RESHAPE, b.quantized(b.input(6, 3)), options=ReshapeOptions((1, 6, 3)))
    y = chain(b, b.conv(x, 4, kernel=1), (6, 4))
    graph = b.done(b.op(OpKind.SIGN, y))
    run_passes(graph)
    convolution = next(node for node in graph.nodes if node.kind is OpKind.CONV_2D)
    assert convolution.output.type.dtype is DType.BIT
    assert [node.kind for node in graph.nodes] == [OpKind.SIGN, OpKind.RESHAPE, OpKind.CONV_2D, OpKind.RESHAPE]
