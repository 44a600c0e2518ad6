"""A group convolution that a model spells out, as a split of the channels, a convolution of each part and a
concatenation, becomes one convolution with groups.

before: %1 = slice(%0) {channels 0 to 8}; %3 = conv_2d(%1, f32[4,3,3,8], -, bias)
        %2 = slice(%0) {channels 8 to 16}; %4 = conv_2d(%2, f32[4,3,3,8], -, bias); %5 = concatenate(%3, %4)
after:  %5 = conv_2d(%0, f32[8,3,3,8], -, bias) {groups=2}

Keras 2 cannot train ``groups=`` on a CPU, so networks (MeliusNet's stem, arXiv 2001.05936) are written this way.
The parts are copied neither out nor in then, and what follows the concatenation can be fused into the convolution.

The slices cover the last axis of one tensor in order, without gap or overlap. Between slice and concatenation
every branch has the same ops with the same options and types, at least one of them a convolution; the others work
on each element or channel (sign, unpack, activation, batch norm, padding, reshape ...) and become one op as well.
Their constants are joined along the channels. A depthwise convolution needs no groups for it.

Nothing else may read anything between, and a filter that several ops share is left to them: a file keeps it once.
Binary products of groups that fill no whole words stay apart too: where they are looked up instead of counted,
several times faster (ARMv6), groups are read by words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xlite.converter.graph import Graph, Node, Value
from xlite.converter.passes.chains import Readers, is_link
from xlite.converter.passes.pack_weights import CHANNEL_AXIS
from xlite.schema.bits import pack_signs, unpack_signs
from xlite.schema.contracts import FILTERED, ContractError, infer
from xlite.schema.types import (
    WORD_BITS,
    ConcatenateOptions,
    Conv2DOptions,
    Conv3DOptions,
    DType,
    OpKind,
    Options,
    PlanesOptions,
    ReshapeOptions,
    SliceOptions,
    TensorType,
)

GROUPED = frozenset({OpKind.CONV_2D, OpKind.CONV_3D, OpKind.CONV_3D_TRANSPOSE})
CONVOLUTIONS = GROUPED | {OpKind.DEPTHWISE_CONV_2D}
BY_ELEMENT = frozenset(
    {
        OpKind.SIGN,
        OpKind.UNPACK,
        OpKind.ACTIVATION,
        OpKind.BIT_PLANES,
        OpKind.FROM_PLANES,
        OpKind.QUANTIZE,
        OpKind.DEQUANTIZE,
    }
)


@dataclass(frozen=True)
class Branches:
    """``steps`` has one entry an op of a branch, in running order: that op of every branch."""

    source: Value
    slices: list[Node]
    steps: list[list[Node]]


@dataclass(frozen=True)
class Merged:
    """What a step becomes, but for its first input."""

    nodes: list[Node]
    constants: list[Value | None]
    options: Options | None


def run(graph: Graph) -> bool:
    joins = [node for node in graph.nodes if node.kind is OpKind.CONCATENATE]
    if not joins:
        return False
    readers = Readers(graph)
    kernels = Counter(node.inputs[1].name for node in graph.nodes if node.kind in FILTERED and node.inputs[1])
    for join in joins:
        branches = find_branches(join, readers)
        if branches is None or not _have_filters_of_their_own(branches, kernels):
            continue
        merged = [_merged(nodes) for nodes in branches.steps]
        if _output_type(branches.source.type, merged) == join.output.type:
            _write(graph, join, branches, merged)
            return True
    return False


# -- finding them --------------------------------------------------------------------------------------------


def find_branches(join: Node, readers: Readers) -> Branches | None:
    """The equal branches that end in a concatenation of channels and begin at the slices of one tensor."""
    assert isinstance(join.options, ConcatenateOptions)
    if join.options.axis not in (-1, len(join.output.type.shape) - 1) or len(join.inputs) < 2:
        return None
    steps: list[list[Node]] = []
    values = join.inputs
    while True:
        nodes = _producers(values, readers)
        if nodes is None:
            return None
        if nodes[0].kind is OpKind.SLICE:
            break
        if not _alike(nodes):
            return None
        steps.insert(0, nodes)
        values = [node.inputs[0] for node in nodes]
    source = _split_tensor(nodes)
    if source is None or not any(step[0].kind in CONVOLUTIONS for step in steps) or not _keep_planes(steps):
        return None
    return Branches(source, nodes, steps)


def _producers(values: Sequence[Value | None], readers: Readers) -> list[Node] | None:
    """The nodes that compute the values; None where one has none or something else reads it too."""
    nodes = []
    for value in values:
        node = readers.producers.get(value) if value is not None else None
        if value is None or node is None or readers.only_reader(value) is None:
            return None
        nodes.append(node)
    return nodes


def _alike(nodes: Sequence[Node]) -> bool:
    """Whether these are one op on different channels, and one that keeps to its channels."""
    first = nodes[0]
    same = all(
        node.kind is first.kind and node.options == first.options and _types(node) == _types(first)
        for node in nodes
    )
    constant = all(value is None or value.is_constant for node in nodes for value in node.inputs[1:])
    return same and constant and _by_channel(first) and not _would_be_ragged(first)


def _types(node: Node) -> list[TensorType | None]:
    return [None if value is None else value.type for value in (*node.inputs, *node.outputs)]


def _by_channel(node: Node) -> bool:
    if node.kind in CONVOLUTIONS or node.kind in BY_ELEMENT:
        return True
    x, channels = node.inputs[0], node.output.type.shape[-1]
    if x is None or x.type.shape[-1] != channels:
        return False
    if node.kind is OpKind.PRELU:
        slope = node.inputs[1]
        return slope is not None and is_link(node) and slope.type.shape[-1] == channels
    return node.kind in (OpKind.BATCH_NORM, OpKind.RESHAPE, OpKind.PAD)


def _would_be_ragged(node: Node) -> bool:
    """Whether a binary convolution can be looked up now and could not as a group."""
    x, kernel, options = node.inputs[0], node.inputs[1] if node.kind is OpKind.CONV_2D else None, node.options
    if x is None or kernel is None or not isinstance(options, Conv2DOptions):
        return False
    binary = x.type.dtype is kernel.type.dtype is DType.BIT and node.inputs[5] is None and options.planes == 1
    return binary and options.groups == 1 and x.type.shape[-1] % WORD_BITS != 0


def _split_tensor(nodes: Sequence[Node]) -> Value | None:
    """The tensor whose channels the slices are, one after the other and all of them; None if they are not."""
    source, at = nodes[0].inputs[0], 0
    assert source is not None
    for node in nodes:
        options = node.options
        if not isinstance(options, SliceOptions) or node.inputs[0] is not source:
            return None
        whole = node.output.type.shape[:-1] == source.type.shape[:-1]
        if not whole or options.begin[-1] != at or options.stride[-1] != 1:
            return None
        at += node.output.type.shape[-1]
    even = all(node.output.type == nodes[0].output.type for node in nodes)
    return source if even and at == source.type.shape[-1] else None


def _keep_planes(steps: Sequence[Sequence[Node]]) -> bool:
    """Whether bit planes are made and read within a branch: a slice of planes is none of the channels."""
    planes = 1
    for nodes in steps:
        options = nodes[0].options
        if nodes[0].kind is OpKind.BIT_PLANES and isinstance(options, PlanesOptions):
            planes *= options.planes
        elif isinstance(options, (PlanesOptions, Conv2DOptions, Conv3DOptions)):
            if options.planes != planes:
                return False
            planes = 1
    return planes == 1


def _have_filters_of_their_own(branches: Branches, kernels: Counter[str]) -> bool:
    filtered = [node for nodes in branches.steps for node in nodes if node.kind in CONVOLUTIONS]
    return all(kernels[node.inputs[1].name] == 1 for node in filtered if node.inputs[1] is not None)


# -- merging them --------------------------------------------------------------------------------------------


def _merged(nodes: list[Node]) -> Merged:
    first = nodes[0]
    slots = range(1, len(first.inputs))
    constants = [_joined([node.inputs[i] for node in nodes], _channel_axis(first.kind, i)) for i in slots]
    return Merged(nodes, constants, _options(first, len(nodes)))


def _channel_axis(kind: OpKind, slot: int) -> int:
    """The axis of the output channels: filters and their masks have it elsewhere than vectors."""
    return CHANNEL_AXIS[kind] if kind in CONVOLUTIONS and slot in (1, 5) else -1


def _joined(values: Sequence[Value | None], axis: int) -> Value | None:
    """The constants of all branches as one, named after the first."""
    first = values[0]
    if first is None:
        return None
    parts = [value.data for value in values if value is not None and value.data is not None]
    bits = first.type.dtype is DType.BIT
    if bits:
        parts = [unpack_signs(part, first.type.shape, first.type.packed_axes) for part in parts]
    data = np.concatenate(parts, axis=axis)
    shape = replace(first.type, shape=data.shape)
    return Value(first.name, shape, pack_signs(data, first.type.packed_axes) if bits else data)


def _options(node: Node, count: int) -> Options | None:
    options = node.options
    if node.kind in GROUPED and isinstance(options, (Conv2DOptions, Conv3DOptions)):
        return replace(options, groups=options.groups * count)
    if isinstance(options, ReshapeOptions):
        return replace(options, shape=(*options.shape[:-1], options.shape[-1] * count))
    return options


def _output_type(x: TensorType, merged: Sequence[Merged]) -> TensorType | None:
    """The type that the merged ops end in; None where the contract of one refuses it."""
    for step in merged:
        types = [None if value is None else value.type for value in step.constants]
        try:
            found = infer(step.nodes[0].kind, [x, *types], step.options)
        except ContractError:
            return None
        assert found is not None
        (x,) = found
    return x


def _write(graph: Graph, join: Node, branches: Branches, merged: Sequence[Merged]) -> None:
    value, around = branches.source, [*branches.slices, join]
    for step in merged:
        first, names = step.nodes[0], [name for node in step.nodes for name in node.layers[:1]]
        if first.kind in CONVOLUTIONS:
            _note_groups(graph, step)
            names += [name for node in around for name in node.layers]  # they are gone: the first op takes them
            around = []
        layers = dict.fromkeys((*names, *(name for node in step.nodes for name in node.layers)))
        value = graph.add(first.kind, [value, *step.constants], step.options, layers=layers, before=join)
        value.scale, value.zero_point = first.output.scale, first.output.zero_point
    value.name = join.output.name
    graph.replace(join.output, value)
    for node in (join, *(node for nodes in branches.steps for node in nodes), *branches.slices):
        graph.remove(node)


def _note_groups(graph: Graph, step: Merged) -> None:
    """Says for the report which layers' filters lie in the merged kernel."""
    kernel = step.constants[0]
    assert kernel is not None
    found: list[str] = []
    for node in step.nodes:
        own = node.inputs[1]
        assert own is not None
        found += graph.group_layers.pop(own.name, node.layers[:1])
    if len(set(found)) == len(found):
        graph.group_layers[kernel.name] = tuple(found)
