"""What looks like the branches of a group convolution and is none: the graph stays as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.converter.passes.groups import OPTIONS, Groups, plain, relu_inside
from xlite.converter import passes
from xlite.converter.graph import Graph, constant
from xlite.converter.passes import merge_groups
from xlite.schema.types import (
    ActivationKind,
    ConcatenateOptions,
    DType,
    OpKind,
    PadOptions,
    PlanesOptions,
    ReshapeOptions,
    SliceOptions,
)


def slice_read_twice() -> Graph:
    b, _, outs = plain()
    return b.done(b.join(*outs), b.activation(b.graph.nodes[0].output))


def slice_that_is_an_output() -> Graph:
    b, _, outs = plain()
    return b.done(b.join(*outs), b.graph.nodes[0].output)


def result_read_twice() -> Graph:
    b, _, outs = plain()
    return b.done(b.join(*outs), b.activation(outs[1]))


def result_that_is_an_output() -> Graph:
    b, _, outs = plain()
    return b.done(outs[0], b.join(*outs))


def result_joined_twice() -> Graph:
    b, _, outs = plain()
    return b.done(b.join(*outs, outs[0]))


def another_order() -> Graph:
    b, _, outs = plain()
    return b.done(b.join(*reversed(outs)))


def a_part_left_out() -> Graph:
    b, _, outs = plain(3)
    return b.done(b.join(*outs[:2]))


def parts_of(*ranges: tuple[int, int, int]) -> Graph:
    """Slices of (begin, size, stride) of 6 channels."""
    b = Groups()
    x = b.input(6, 5, 6)
    outs = []
    for i, (begin, size, stride) in enumerate(ranges):
        options = SliceOptions((0, 0, 0, begin), (1, 6, 5, size), (1, 1, 1, stride))
        part = b.op(OpKind.SLICE, x, options=options)
        outs.append(b.filtered(part, i, b.halves(4, 3, 2, size)))
    return b.done(b.join(*outs))


def parts_of_two_tensors() -> Graph:
    b = Groups()
    x, y = b.input(6, 5, 6), b.input(6, 5, 6)
    outs = [b.filtered(b.split(v, 2)[i], i, b.halves(4, 3, 2, 3)) for i, v in enumerate((x, y))]
    return b.done(b.join(*outs))


def parts_of_the_image() -> Graph:
    b = Groups()
    x = b.input(6, 5, 6)
    outs = []
    for i in range(2):
        part = b.op(OpKind.SLICE, x, options=SliceOptions((0, 0, i, 3 * i), (1, 6, 4, 3), (1, 1, 1, 1)))
        outs.append(b.filtered(part, i, b.halves(4, 3, 2, 3)))
    return b.done(b.join(*outs))


def joined_along_the_width() -> Graph:
    b, _, outs = plain()
    return b.done(b.op(OpKind.CONCATENATE, *outs, options=ConcatenateOptions(2)))


def without_a_convolution() -> Graph:
    b = Groups()
    return b.done(b.join(*map(b.activation, b.split(b.input(6, 5, 6), 2))))


def shared_filter() -> Graph:
    b = Groups()
    kernel = constant("shared/kernel", b.halves(4, 3, 2, 3))
    parts = b.split(b.input(6, 5, 6), 2)
    outs = [b.op(OpKind.CONV_2D, p, kernel, None, None, None, options=OPTIONS[OpKind.CONV_2D]) for p in parts]
    return b.done(b.join(*outs))


def different(**second) -> Graph:
    """Two branches, the second one with other options, a bias, a filter or an op of its own."""
    b = Groups()
    parts = b.split(b.input(6, 5, 6), 2)
    filters, bias = second.pop("filters", 4), second.pop("bias", False)
    kernels = [b.halves(4, 3, 2, 3), b.halves(filters, *second.pop("window", (3, 2)), 3)]
    outs = [b.filtered(parts[0], 0, kernels[0]), b.filtered(parts[1], 1, kernels[1], bias=bias, **second)]
    return b.done(b.join(*outs))


def binary(channels: int) -> Graph:
    """Two branches that multiply bits with bits."""
    b = Groups()
    kernels = [b.rng.choice([-1.0, 1.0], (4, 3, 2, channels)) for _ in range(2)]
    parts = [b.op(OpKind.UNPACK, part) for part in b.split(b.input(6, 5, 2 * channels, dtype=DType.BIT), 2)]
    graph = b.done(b.join(*(b.filtered(p, i, k) for i, (p, k) in enumerate(zip(parts, kernels)))))
    passes.pack_weights.run(graph)
    passes.dead_code.run(graph)
    return graph


def other_padding_of_bits() -> Graph:
    graph = binary(32)
    last = next(node for node in graph.nodes if node.layers == ("conv1",))
    last.options = replace(last.options, pad_value=1)
    return graph


def different_activations() -> Graph:
    b, _, outs = plain()
    return b.done(b.join(b.activation(outs[0]), b.activation(outs[1], ActivationKind.TANH)))


def one_activation() -> Graph:
    b, _, outs = plain()
    return b.done(b.join(b.activation(outs[0]), outs[1]))


def different_packing() -> Graph:
    """One branch of bits and one of floats, as the packing leaves them."""
    b = Groups()
    parts = b.split(b.input(6, 5, 16), 2)
    kernels = [b.rng.choice([-1.0, 1.0], (4, 3, 2, 8)), b.rng.normal(size=(4, 3, 2, 8))]
    graph = b.done(b.join(*(b.filtered(p, i, k) for i, (p, k) in enumerate(zip(parts, kernels)))))
    passes.pack_weights.run(graph)
    assert {node.inputs[1].type.dtype for node in graph.nodes if node.kind is OpKind.CONV_2D} == {
        DType.BIT,
        DType.FLOAT32,
    }
    return graph


def slices_of_planes() -> Graph:
    """Two planes of 4 channels lie one after the other: half of them is a plane, not both planes of a group."""
    b = Groups()
    planes = b.op(OpKind.BIT_PLANES, b.input(6, 5, 4), options=PlanesOptions(planes=2))
    outs = []
    for i, part in enumerate(b.split(planes, 2)):
        floats = b.op(OpKind.FROM_PLANES, part, options=PlanesOptions(planes=2))
        outs.append(b.filtered(floats, i, b.halves(4, 3, 2, 2)))
    return b.done(b.join(*outs))


def pixels_that_become_channels() -> Graph:
    b = Groups()
    outs = []
    for i, part in enumerate(b.split(b.input(6, 4, 6), 2)):
        moved = b.op(OpKind.RESHAPE, part, options=ReshapeOptions((6, 2, 6)))
        outs.append(b.filtered(moved, i, b.halves(4, 3, 2, 6)))
    return b.done(b.join(*outs))


def padded_channels() -> Graph:
    b = Groups()
    outs = []
    for i, part in enumerate(b.split(b.input(6, 5, 6), 2)):
        wider = b.op(OpKind.PAD, part, options=PadOptions((0, 0, 0, 0, 0, 0, 0, 1)))
        outs.append(b.filtered(wider, i, b.halves(4, 3, 2, 4)))
    return b.done(b.join(*outs))


def dense_layers() -> Graph:
    b = Groups()
    return b.done(b.join(*(b.dense(part, 4, b.halves(4, 3)) for part in b.split(b.input(6), 2))))


@pytest.mark.parametrize(
    "make",
    [
        slice_read_twice,
        slice_that_is_an_output,
        result_read_twice,
        result_that_is_an_output,
        result_joined_twice,
        another_order,
        a_part_left_out,
        pytest.param(lambda: parts_of((0, 3, 1), (2, 3, 1)), id="overlap"),
        pytest.param(lambda: parts_of((0, 2, 1), (3, 2, 1)), id="gap"),
        pytest.param(lambda: parts_of((0, 2, 1), (2, 4, 1)), id="different sizes"),
        pytest.param(lambda: parts_of((0, 3, 2), (1, 3, 2)), id="every second channel"),
        pytest.param(lambda: parts_of((0, 6, 1)), id="one part"),
        parts_of_two_tensors,
        parts_of_the_image,
        joined_along_the_width,
        without_a_convolution,
        shared_filter,
        pytest.param(lambda: different(stride_w=2, pad_top=0, pad_bottom=2), id="other padding"),
        pytest.param(lambda: different(dilation_h=2, pad_top=2, pad_bottom=2), id="other dilation"),
        other_padding_of_bits,
        pytest.param(lambda: binary(8), id="part of a word"),
        pytest.param(lambda: binary(48), id="a word and a half"),
        pytest.param(lambda: different(filters=5), id="other number of filters"),
        pytest.param(lambda: different(window=(1, 2), pad_top=0, pad_bottom=0), id="other window"),
        pytest.param(lambda: different(bias=True), id="a bias in one"),
        pytest.param(lambda: relu_inside(0.0, 0.25), id="another activation inside"),
        different_activations,
        one_activation,
        different_packing,
        slices_of_planes,
        pixels_that_become_channels,
        padded_channels,
        dense_layers,
    ],
)
def test_what_is_no_group_convolution_stays(make):
    graph = make()
    before, names = graph.text(), [value.name for value in graph.values()]
    assert not merge_groups.run(graph)
    assert graph.text() == before
    assert [value.name for value in graph.values()] == names
    assert graph.group_layers == {}


def test_what_the_contract_of_the_op_refuses_stays(monkeypatch):
    b, _, outs = plain()
    graph = b.done(b.join(*outs))

    def refuse(kind, types, options):
        raise merge_groups.ContractError("no more than one group")

    monkeypatch.setattr(merge_groups, "infer", refuse)
    before = graph.text()
    assert not merge_groups.run(graph)
    assert graph.text() == before


@pytest.mark.parametrize("make", [different, lambda: parts_of((0, 3, 1), (3, 3, 1)), lambda: binary(64)])
def test_the_same_without_the_difference_is_merged(make):
    graph = make()
    assert merge_groups.run(graph)
    assert [node.kind for node in graph.nodes] == [OpKind.CONV_2D]
