"""Split, convolutions and concatenation against one convolution with groups: text, values on every backend and the
report."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.converter.evaluate import evaluate
from tests.converter.passes.groups import KERNELS, SHAPES, Groups, kinds, plain, relu_inside
from xlite.converter import passes
from xlite.converter.emit import emit
from xlite.converter.graph import Graph, Layer, Node, Value
from xlite.converter.passes import merge_groups, run_passes
from xlite.converter.report import build_report
from xlite.interpreter import Interpreter
from xlite.interpreter.backends import available_backends
from xlite.schema.types import (
    Activation,
    ActivationKind,
    DType,
    OpKind,
    PadOptions,
    PlanesKind,
    PlanesOptions,
    QuantizeOptions,
    ReshapeOptions,
)
from xlite.schema.writer import write_model


def text(expected: str) -> str:
    return textwrap.dedent(expected).strip()


def exhaust(graph: Graph) -> str:
    while merge_groups.run(graph):
        assert graph.nodes
    return graph.text()


def outputs(graph: Graph, x: np.ndarray, backend: str) -> list[np.ndarray]:
    net = Interpreter(write_model(emit(graph)), backend=backend)
    net.resize_tensor_input(0, x.shape)
    net.allocate_tensors()
    net.set_tensor(0, x)
    net.invoke()
    return [net.get_tensor(i) for i in range(len(graph.outputs))]


# -- what is merged ------------------------------------------------------------------------------------------


def test_before_and_after():
    b, _, outs = plain(3, bias=True)
    graph = b.done(b.join(*outs))
    assert exhaust(graph) == text(
        """
        %0 = input f32[1,6,5,9]
        %1 = conv_2d(%0, f32[12,3,2,3], -, f32[12]) {stride_w=2, pad_top=1, pad_bottom=1, groups=3}\
 -> f32[1,6,2,12]
        return %1
        """
    )
    (node,) = graph.nodes
    assert node.layers == ("conv0", "conv1", "conv2", "split", "join")
    assert node.output.name == "join/concatenate"


def test_batch_norm_and_activation_behind_it_are_fused():
    b, _, outs = plain()
    y = b.activation(b.norm(b.join(*outs), b.halves(8), b.halves(8)))
    graph = b.done(y)
    run_passes(graph)
    assert graph.text() == text(
        """
        %0 = input f32[1,6,5,6]
        %1 = conv_2d(%0, f32[8,3,2,3], f32[8], f32[8]) {stride_w=2, pad_top=1, pad_bottom=1, groups=2,\
 activation=relu} -> f32[1,6,2,8]
        return %1
        """
    )


def test_the_tensor_that_is_split_may_be_read_elsewhere():
    b, x, outs = plain()
    graph = b.done(b.join(*outs), b.activation(x))
    exhaust(graph)
    assert kinds(graph) == [OpKind.ACTIVATION, OpKind.CONV_2D] or kinds(graph) == [
        OpKind.CONV_2D,
        OpKind.ACTIVATION,
    ]


def test_convolutions_with_groups_have_more_of_them():
    b = Groups()
    parts = b.split(b.input(6, 5, 12), 2)
    outs = [b.filtered(p, i, b.halves(6, 3, 2, 2), groups=3) for i, p in enumerate(parts)]
    graph = b.done(b.join(*outs))
    exhaust(graph)
    assert [node.options.groups for node in graph.nodes] == [6]


def test_a_split_of_splits_becomes_one():
    b = Groups()
    joined = []
    for half, part in enumerate(b.split(b.input(6, 5, 8), 2)):
        quarters = [b.filtered(p, 2 * half + i, b.halves(3, 3, 2, 2)) for i, p in enumerate(b.split(part, 2))]
        joined.append(b.join(*quarters))
    graph = b.done(b.join(*joined))
    exhaust(graph)
    assert [node.options.groups for node in graph.nodes] == [4]
    assert graph.group_layers == {"conv0/kernel": ("conv0", "conv1", "conv2", "conv3")}


def test_binary_branches_read_one_sign_and_give_one_comparison():
    b = Groups()
    outs = []
    for i, part in enumerate(b.split(b.input(6, 5, 128), 4)):
        bits = b.quantized(part)
        padded = b.op(OpKind.PAD, bits, options=PadOptions((0, 0, 1, 1, 1, 1, 0, 0), 1.0))
        outs.append(b.filtered(padded, i, b.rng.choice([-1.0, 1.0], (5, 3, 2, 32)), pad_top=0, pad_bottom=0))
    y = b.norm(b.join(*outs), b.rng.choice([-1.0, 1.0], 20), b.halves(20))
    graph = b.done(b.op(OpKind.SIGN, y))
    run_passes(graph)
    assert graph.text() == text(
        """
        %0 = input f32[1,6,5,128]
        %1 = sign(%0) -> bit[1,6,5,128]
        %2 = conv_2d(%1, bit[20,3,2,32], -, -, i32[20]) {stride_w=2, pad_top=1, pad_bottom=1, pad_left=1,\
 pad_right=1, pad_value=1, groups=4, output_dtype=BIT} -> bit[1,6,3,20]
        return %2
        """
    )
    assert graph.group_layers == {"conv0/kernel": ("conv0", "conv1", "conv2", "conv3")}


def test_one_dimension_and_a_bottleneck_of_two_convolutions():
    """Reshapes there and back, and more than one convolution a branch."""
    b = Groups()
    outs = []
    for i, part in enumerate(b.split(b.input(6, 8), 2)):
        y = b.op(OpKind.RESHAPE, part, options=ReshapeOptions((1, 6, 4)))
        y = b.filtered(y, 2 * i, b.halves(3, 1, 2, 4), stride_w=1, pad_top=0, pad_bottom=0)
        y = b.filtered(b.activation(y), 2 * i + 1, b.halves(5, 1, 2, 3), stride_w=1, pad_top=0, pad_bottom=0)
        outs.append(b.op(OpKind.RESHAPE, y, options=ReshapeOptions((4, 5))))
    graph = b.done(b.join(*outs))
    assert exhaust(graph) == text(
        """
        %0 = input f32[1,6,8]
        %1 = reshape(%0) {shape=(1, 6, 8)} -> f32[1,1,6,8]
        %2 = conv_2d(%1, f32[6,1,2,4]) {groups=2} -> f32[1,1,5,6]
        %3 = activation(%2) {activation=relu} -> f32[1,1,5,6]
        %4 = conv_2d(%3, f32[10,1,2,3]) {groups=2} -> f32[1,1,4,10]
        %5 = reshape(%4) {shape=(4, 10)} -> f32[1,4,10]
        return %5
        """
    )
    assert graph.group_layers == {"conv0/kernel": ("conv0", "conv2"), "conv1/kernel": ("conv1", "conv3")}


@dataclass(frozen=True)
class Network:
    kind: OpKind
    count: int
    channels: int
    filters: int
    head: str
    kernel: str
    tail: str
    bias: bool
    seed: int


@st.composite
def networks(draw) -> Network:
    kind = draw(st.sampled_from(list(KERNELS)))
    heads = ["none", "sign"]
    heads += [] if kind is OpKind.CONV_3D_TRANSPOSE else ["pad", "planes"]
    heads += ["int8"] if kind in (OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D) else []
    return Network(
        kind,
        draw(st.integers(2, 4)),
        draw(st.sampled_from([1, 2, 5, 8, 32, 33])),
        draw(st.sampled_from([1, 2, 4, 9])),
        draw(st.sampled_from(heads)),
        draw(st.sampled_from(["float", "binary", "ternary", "scaled"])),
        draw(st.sampled_from(["none", "norm", "relu", "prelu", "sign", "norm sign"])),
        draw(st.booleans()),
        draw(st.integers(0, 2**16)),
    )


def built(net: Network) -> Graph:
    b = Groups(net.seed)
    shape = SHAPES[len(KERNELS[net.kind](1, 1)) if net.kind is not OpKind.DEPTHWISE_CONV_2D else 4]
    x = b.input(*shape, net.count * net.channels)
    outs = []
    for i, part in enumerate(b.split(x, net.count)):
        kernel = WEIGHTS[net.kernel](b, KERNELS[net.kind](net.channels, net.filters))
        y = b.filtered(HEADS[net.head](b, part), i, kernel, net.kind, bias=net.bias)
        for step in net.tail.split():
            y = TAILS[step](b, y)
        outs.append(y)
    return b.done(b.join(*outs))


HEADS: dict[str, Callable[[Groups, Value], Value]] = {
    "none": lambda b, x: x,
    "sign": lambda b, x: b.quantized(x),
    "pad": lambda b, x: b.op(OpKind.PAD, x, options=PadOptions((0, 0, 1, 0) + (0,) * (2 * len(x.type.shape) - 4))),
    "planes": lambda b, x: through(
        b, x, OpKind.BIT_PLANES, OpKind.FROM_PLANES, PlanesOptions(PlanesKind.DOREFA, 2)
    ),
    "int8": lambda b, x: through(b, x, OpKind.QUANTIZE, OpKind.DEQUANTIZE, QuantizeOptions(DType.INT8, 0.5, 1)),
}
WEIGHTS: dict[str, Callable[[Groups, tuple[int, ...]], np.ndarray]] = {
    "float": lambda b, shape: b.halves(*shape),
    "binary": lambda b, shape: b.rng.choice([-1.0, 1.0], shape),
    "ternary": lambda b, shape: b.rng.choice([-1.0, 0.0, 1.0], shape),
    "scaled": lambda b, shape: b.rng.choice([-0.5, 0.5], shape),
}
TAILS: dict[str, Callable[[Groups, Value], Value]] = {
    "none": lambda b, y: y,
    "norm": lambda b, y: b.norm(y, *(b.halves(y.type.shape[-1]) for _ in range(2))),
    "relu": lambda b, y: b.activation(y),
    "prelu": lambda b, y: b.prelu(y, b.rng.integers(0, 3, y.type.shape[-1]) / 4),
    "sign": lambda b, y: b.op(OpKind.SIGN, y),
}


def through(b: Groups, x: Value, there: OpKind, back: OpKind, options) -> Value:
    """What an input quantizer leaves: made of fewer bits, and floats again."""
    floats = replace(options, output_dtype=DType.FLOAT32) if isinstance(options, QuantizeOptions) else options
    return b.op(back, b.op(there, x, options=options), options=floats)


def packing(node: Node) -> tuple:
    """How a filter was packed: small ones of floats may happen to have two levels."""
    return tuple(None if value is None else value.type for value in node.inputs[1:])


def ragged(node: Node) -> bool:
    """Whether it multiplies bits with bits that fill no whole words."""
    x, kernel, mask = node.inputs[0], node.inputs[1], node.inputs[5]
    binary = x.type.dtype is DType.BIT and kernel.type.dtype is DType.BIT and mask is None
    return binary and node.kind is OpKind.CONV_2D and node.options.planes == 1 and x.type.shape[-1] % 32 != 0


def without_merging() -> tuple:
    return tuple(tuple(one for one in stage if one[0] != "merge_groups") for stage in passes.STAGES)


@settings(max_examples=60, deadline=None)
@given(net=networks())
def test_values_are_those_of_the_branches_bit_for_bit(net):
    """Every number on the way is a small multiple of a power of two, planes are summed as integers: any order of
    the sums is exact."""
    graph, branches = built(net), built(net)
    given_ = Groups(net.seed + 1).halves(2, *graph.inputs[0].type.shape[1:]).astype(np.float32)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passes, "STAGES", without_merging())
        run_passes(branches)
    run_passes(graph)
    assert OpKind.CONCATENATE in kinds(branches)
    convolutions = [node for node in branches.nodes if node.kind is net.kind]
    if len({packing(node) for node in convolutions}) == 1 and not ragged(convolutions[0]):  # else they stay apart
        assert OpKind.CONCATENATE not in kinds(graph)
        assert kinds(graph).count(net.kind) == 1
    for backend in available_backends():
        (wanted,), (got,) = outputs(branches, given_, backend), outputs(graph, given_, backend)
        np.testing.assert_array_equal(got, wanted)


@settings(max_examples=30, deadline=None)
@given(net=networks())
def test_the_pass_alone_leaves_a_program_of_the_same_values(net):
    graph = built(net)
    given_ = Groups(net.seed + 1).halves(2, *graph.inputs[0].type.shape[1:])
    (wanted,) = evaluate(graph, given_)
    name = graph.outputs[0].name
    exhaust(graph)
    assert OpKind.SLICE not in kinds(graph)
    np.testing.assert_array_equal(evaluate(graph, given_)[0], wanted)
    assert graph.outputs[0].name == name


def test_equal_activations_inside_stay_inside():
    graph = relu_inside(0.25, 0.25)
    exhaust(graph)
    (node,) = graph.nodes
    assert node.options.activation == Activation(ActivationKind.RELU, alpha=0.25)
    assert node.options.groups == 2


# -- the report ----------------------------------------------------------------------------------------------


def test_every_layer_that_was_merged_keeps_its_row():
    b, _, outs = plain(2, channels=8, filters=16)
    graph = b.done(b.norm(b.join(*outs), b.halves(32), b.halves(32)))
    each = math.prod((16, 3, 2, 8))
    graph.layers = [Layer("split", "Split"), *(Layer(f"conv{i}", "Conv2D", each) for i in range(2))]
    graph.layers += [Layer("join", "Concatenate"), Layer("norm", "BatchNormalization", 4 * 32)]
    run_passes(graph)
    report = build_report(graph, emit(graph), 0, "model.h5")
    rows = {row.name: row for row in report.layers}
    for number in range(2):
        row = rows[f"conv{number}"]
        assert (row.status, row.precision, row.parameters) == ("float", "f32xf32 -> f32", each)
        assert "more than three have no packed form" in row.reason
        assert row.bytes_before == 4 * each
        assert row.bytes_after == 4 * each + 2 * 4 * 16, "its part of the scale and bias as well"
    assert rows["conv0"].ops == ["conv_2d"]
    assert rows["conv1"].ops == ["conv_2d of conv0"]
    for name in ("split", "join", "norm"):
        assert (rows[name].status, rows[name].reason) == ("fused", "into conv0")
    assert sum(row.bytes_after for row in report.layers) == report.constant_bytes


def test_packed_groups_are_packed_in_every_row_and_marks_count_by_layer():
    b = Groups()
    outs = []
    for i, part in enumerate(b.split(b.input(6, 5, 64), 2)):
        signs = b.op(OpKind.UNPACK, b.op(OpKind.SIGN, part, layer=f"conv{i}"), layer=f"conv{i}")
        outs.append(b.filtered(signs, i, b.rng.choice([-1.0, 1.0], (8, 3, 2, 32))))
    graph = b.done(b.op(OpKind.SIGN, b.join(*outs), layer="next"))
    each = math.prod((8, 3, 2, 32))
    graph.layers = [Layer(f"conv{i}", "QuantConv2D", each, {"kernel_quantizer": "ste_sign"}) for i in range(2)]
    run_passes(graph)
    report = build_report(graph, emit(graph), 0, "model.h5")
    assert [row.status for row in report.layers] == ["packed", "packed"]
    assert [row.bytes_after for row in report.layers] == [each // 8 + 4 * 8] * 2
    assert [row.ops for row in report.layers] == [["sign", "conv_2d"], ["conv_2d of conv0"]]
    assert not any(row.broken_mark for row in report.layers)
