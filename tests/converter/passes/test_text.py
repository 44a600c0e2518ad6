"""Before and after of every pass, as text."""

from __future__ import annotations

import sys
import textwrap

import numpy as np
import pytest

from tests.converter.passes.build import Builder
from xlite.converter.passes import (
    STAGES,
    cancel_sign_unpack,
    dead_code,
    fold_thresholds,
    fuse_activation,
    fuse_batch_norm,
    fuse_padding,
    hoist_sign,
    merge_duplicates,
    merge_reshapes,
    merge_transposes,
    pack_weights,
    pool_after_sign,
    sink_unpack,
)
from xlite.schema.types import ConcatenateOptions, DType, OpKind, PlanesKind, PlanesOptions, TransposeOptions


def exhaust(run, graph) -> str:
    while run(graph):
        assert graph.nodes
    return graph.text()


def text(expected: str) -> str:
    return textwrap.dedent(expected).strip()


def test_cancel_sign_unpack():
    b = Builder()
    x = b.input(4, dtype=DType.BIT)
    graph = b.done(b.op(OpKind.SIGN, b.op(OpKind.UNPACK, x)), b.op(OpKind.UNPACK, x))
    assert exhaust(cancel_sign_unpack.run, graph) == text(
        """
        %0 = input bit[1,4]
        %1 = unpack(%0) -> f32[1,4]
        %2 = unpack(%0) -> f32[1,4]
        return %0, %2
        """
    )


def test_dead_code():
    b = Builder()
    x = b.input(4)
    b.activation(x)
    graph = b.done(b.op(OpKind.SIGN, x))
    assert exhaust(dead_code.run, graph) == text(
        """
        %0 = input f32[1,4]
        %1 = sign(%0) -> bit[1,4]
        return %1
        """
    )


def test_merge_duplicates():
    b = Builder()
    x = b.input(2, 2, 3)
    graph = b.done(b.op(OpKind.CONCATENATE, b.quantized(x), b.quantized(x), options=ConcatenateOptions()))
    assert exhaust(merge_duplicates.run, graph) == text(
        """
        %0 = input f32[1,2,2,3]
        %1 = sign(%0) -> bit[1,2,2,3]
        %2 = unpack(%1) -> f32[1,2,2,3]
        %3 = concatenate(%2, %2) -> f32[1,2,2,6]
        return %3
        """
    )


def test_merge_reshapes():
    b = Builder()
    x = b.activation(b.input(2, 6))
    graph = b.done(b.reshape(b.reshape(b.reshape(x, 12), 3, 4), 2, 6))
    exhaust(merge_reshapes.run, graph)
    assert exhaust(dead_code.run, graph) == text(
        """
        %0 = input f32[1,2,6]
        %1 = activation(%0) {activation=relu} -> f32[1,2,6]
        return %1
        """
    )


def test_a_reshape_between_input_and_output_stays():
    b = Builder()
    graph = b.done(b.reshape(b.input(2, 6), 2, 6))
    assert not merge_reshapes.run(graph)


def test_fuse_padding_of_zeros():
    b = Builder()
    x = b.pad(b.input(4, 4, 2), 0.0)
    graph = b.done(b.conv(x, 5, pad_top=1))
    exhaust(fuse_padding.run, graph)
    assert exhaust(dead_code.run, graph) == text(
        """
        %0 = input f32[1,4,4,2]
        %1 = conv_2d(%0, f32[5,3,3,2]) {pad_top=2, pad_bottom=1, pad_left=1, pad_right=1} -> f32[1,5,4,5]
        return %1
        """
    )


def test_fuse_padding_keeps_floats_padded_with_one():
    b = Builder()
    assert not fuse_padding.run(b.done(b.conv(b.pad(b.input(4, 4, 2), 1.0), 5)))


def test_fuse_padding_keeps_two_padding_values_apart():
    b = Builder()
    x = b.pad(b.quantized(b.input(4, 4, 32)), 1.0)
    graph = b.done(b.conv(x, 5, pad_top=1))  # zeros outside, ones inside
    exhaust(sink_unpack.run, graph)
    exhaust(pack_weights.run, graph)
    assert not fuse_padding.run(graph)


def test_padding_with_one_ends_in_the_packed_convolution():
    b = Builder()
    x = b.pad(b.quantized(b.input(4, 4, 32)), 1.0)
    graph = b.done(b.conv(x, 5))
    exhaust(sink_unpack.run, graph)
    exhaust(pack_weights.run, graph)
    exhaust(fuse_padding.run, graph)
    assert exhaust(dead_code.run, graph) == text(
        """
        %0 = input f32[1,4,4,32]
        %1 = sign(%0) -> bit[1,4,4,32]
        %2 = conv_2d(%1, bit[5,3,3,32]) {pad_top=1, pad_bottom=1, pad_left=1, pad_right=1, pad_value=1}"""
        """ -> f32[1,4,4,5]
        return %2
        """
    )


def test_sink_unpack():
    b = Builder()
    x = b.op(OpKind.UNPACK, b.input(4, 4, 3, dtype=DType.BIT))
    graph = b.done(b.reshape(b.pool(x), 12))
    exhaust(sink_unpack.run, graph)
    assert exhaust(dead_code.run, graph) == text(
        """
        %0 = input bit[1,4,4,3]
        %1 = max_pool_2d(%0) {window_h=2, window_w=2, stride_h=2, stride_w=2} -> bit[1,2,2,3]
        %2 = reshape(%1) {shape=(12,)} -> bit[1,12]
        %3 = unpack(%2) -> f32[1,12]
        return %3
        """
    )


def test_sink_unpack_leaves_zero_padding_and_mixed_concatenation():
    b = Builder()
    bits, floats = b.input(4, 4, 3, dtype=DType.BIT), b.input(4, 4, 3)
    x = b.op(OpKind.UNPACK, bits)
    joined = b.op(OpKind.CONCATENATE, x, floats, options=ConcatenateOptions())
    assert not sink_unpack.run(b.done(b.pad(x, 0.0), joined))


def test_hoist_sign():
    b = Builder()
    x = b.input(4, 4, 3)
    graph = b.done(b.op(OpKind.SIGN, b.pool(b.pad(x, -0.5, 2))))
    assert exhaust(hoist_sign.run, graph) == text(
        """
        %0 = input f32[1,4,4,3]
        %1 = sign(%0) -> bit[1,4,4,3]
        %2 = pad(%1) {paddings=(0, 0, 2, 2, 2, 2, 0, 0), value=-1.0} -> bit[1,8,8,3]
        %3 = max_pool_2d(%2) {window_h=2, window_w=2, stride_h=2, stride_w=2} -> bit[1,4,4,3]
        return %3
        """
    )


def test_hoist_sign_stays_where_the_float_is_read_too():
    b = Builder()
    pooled = b.pool(b.input(4, 4, 3))
    assert not hoist_sign.run(b.done(b.op(OpKind.SIGN, pooled), pooled))


def test_pack_weights_full_and_weights_only():
    b = Builder()
    x = b.input(5, 5, 32)
    packed = b.conv(b.quantized(x), 4, alpha=[0.5, 1, 2, 3], bias=True)
    weights_only = b.conv(x, 4)
    graph = b.done(packed, weights_only)
    exhaust(pack_weights.run, graph)
    assert exhaust(dead_code.run, graph) == text(
        """
        %0 = input f32[1,5,5,32]
        %1 = sign(%0) -> bit[1,5,5,32]
        %2 = conv_2d(%1, bit[4,3,3,32], f32[4], f32[4]) -> f32[1,3,3,4]
        %3 = conv_2d(%0, bit[4,3,3,32]) -> f32[1,3,3,4]
        return %2, %3
        """
    )


@pytest.mark.parametrize("spoil", ["third level", "nan"])
def test_pack_weights_refuses_other_levels(spoil):
    b = Builder()
    weights = b.rng.choice([-1.0, 1.0], (4, 3, 3, 8))
    weights[2, 1, 1, 5] = {"third level": 0.5, "nan": np.nan}[spoil]
    assert not pack_weights.run(b.done(b.conv(b.quantized(b.input(5, 5, 8)), 4, weights=weights)))


def test_pack_weights_of_three_levels():
    b = Builder()
    weights = b.rng.choice([-0.5, 0.0, 0.5], (4, 3, 3, 8))
    graph = b.done(b.conv(b.quantized(b.input(5, 5, 8)), 4, weights=weights))
    exhaust(pack_weights.run, graph)
    assert exhaust(dead_code.run, graph) == text(
        """
        %0 = input f32[1,5,5,8]
        %1 = sign(%0) -> bit[1,5,5,8]
        %2 = conv_2d(%1, bit[4,3,3,8], f32[4], -, -, bit[4,3,3,8]) -> f32[1,3,3,4]
        return %2
        """
    )


def test_pack_weights_over_planes():
    """x = q / 3 of two planes, weights +-1: scale 1 / 6 and bias sum(w) / 2; zeros are padded with -1."""
    b = Builder()
    options = PlanesOptions(PlanesKind.DOREFA, 2)
    planes = b.op(OpKind.FROM_PLANES, b.op(OpKind.BIT_PLANES, b.input(5, 5, 8), options=options), options=options)
    conv = b.conv(planes, 4, pad_top=1)
    weights = b.graph.nodes[-1].constant(1)
    graph = b.done(conv)
    exhaust(pack_weights.run, graph)
    assert exhaust(dead_code.run, graph) == text(
        """
        %0 = input f32[1,5,5,8]
        %1 = bit_planes(%0) {planes=2} -> bit[1,5,5,16]
        %2 = conv_2d(%1, bit[4,3,3,8], f32[4], f32[4]) {pad_top=1, pad_value=-1, planes=2} -> f32[1,4,3,4]
        return %2
        """
    )
    packed = graph.nodes[-1]
    np.testing.assert_array_equal(packed.constant(2), np.full(4, 1 / 6, np.float32))
    np.testing.assert_array_equal(packed.constant(3), weights.sum(axis=(1, 2, 3)) / 2)


def test_merge_transposes():
    b = Builder()
    x = b.input(2, 3, 4)
    there = b.op(OpKind.TRANSPOSE, x, options=TransposeOptions((0, 3, 1, 2)))
    graph = b.done(b.op(OpKind.TRANSPOSE, there, options=TransposeOptions((0, 2, 1, 3))))
    exhaust(merge_transposes.run, graph)
    assert exhaust(dead_code.run, graph) == text(
        """
        %0 = input f32[1,2,3,4]
        %1 = transpose(%0) {permutation=(0, 1, 3, 2)} -> f32[1,2,4,3]
        return %1
        """
    )


def test_a_transpose_of_axes_of_one_is_a_reshape():
    b = Builder()
    x = b.activation(b.input(2, 1, 4))
    graph = b.done(b.op(OpKind.TRANSPOSE, x, options=TransposeOptions((0, 2, 1, 3))))
    assert exhaust(merge_transposes.run, graph) == text(
        """
        %0 = input f32[1,2,1,4]
        %1 = activation(%0) {activation=relu} -> f32[1,2,1,4]
        %2 = reshape(%1) {shape=(1, 2, 4)} -> f32[1,1,2,4]
        return %2
        """
    )


def test_pack_weights_only_where_smaller():
    b = Builder()
    graph = b.done(b.dense(b.input(1), 6, weights=np.full((6, 1), 0.25)))
    assert not pack_weights.run(graph)  # one weight a unit: the scale alone is as large


def test_pool_after_sign_marks_falling_channels():
    b = Builder()
    conv = b.conv(b.op(OpKind.UNPACK, b.input(4, 4, 8, dtype=DType.BIT)), 3, pad_top=1, pad_left=1)
    graph = b.done(b.op(OpKind.SIGN, b.norm(b.pool(conv), [1, -1, 0], [0, 1, 2])))
    exhaust(pack_weights.run, graph)
    exhaust(pool_after_sign.run, graph)
    exhaust(dead_code.run, graph)
    assert graph.text() == text(
        """
        %0 = input bit[1,4,4,8]
        %1 = conv_2d(%0, bit[3,3,3,8]) {pad_top=1, pad_left=1} -> f32[1,3,3,3]
        %2 = batch_norm(%1, f32[3], f32[3]) -> f32[1,3,3,3]
        %3 = sign(%2) -> bit[1,3,3,3]
        %4 = max_pool_2d(%3, bit[3]) {window_h=2, window_w=2, stride_h=2, stride_w=2} -> bit[1,1,1,3]
        return %4
        """
    )
    assert graph.nodes[-1].constant(1).tolist() == [0b010]


def test_pool_stays_before_a_channel_that_rises_and_falls():
    b = Builder()
    conv = b.conv(b.op(OpKind.UNPACK, b.input(4, 4, 8, dtype=DType.BIT)), 3)
    graph = b.done(b.op(OpKind.SIGN, b.prelu(b.pool(conv), -0.5)))
    exhaust(pack_weights.run, graph)
    assert not pool_after_sign.run(graph)


def test_fold_thresholds():
    b = Builder()
    conv = b.conv(b.op(OpKind.UNPACK, b.input(5, 5, 40, dtype=DType.BIT)), 3, alpha=[1, 2, 3], bias=True)
    graph = b.done(b.op(OpKind.SIGN, b.norm(b.activation(conv), [1, -1, 2], [-3, 2, -50])))
    exhaust(pack_weights.run, graph)
    exhaust(fold_thresholds.run, graph)
    assert exhaust(dead_code.run, graph) == text(
        """
        %0 = input bit[1,5,5,40]
        %1 = conv_2d(%0, bit[3,3,3,40], -, -, i32[3]) {output_dtype=BIT} -> bit[1,3,3,3]
        return %1
        """
    )
    assert graph.nodes[0].layers == ("conv", "activation", "norm", "sign")


def test_fold_thresholds_stays_where_the_float_is_read_too():
    b = Builder()
    conv = b.conv(b.op(OpKind.UNPACK, b.input(5, 5, 40, dtype=DType.BIT)), 3)
    graph = b.done(b.op(OpKind.SIGN, conv), conv)
    exhaust(pack_weights.run, graph)
    assert not fold_thresholds.run(graph)


def test_fuse_batch_norm_only_where_rounding_stays():
    b = Builder()
    x = b.op(OpKind.UNPACK, b.input(5, 5, 40, dtype=DType.BIT))
    plain = b.norm(b.conv(x, 3), 2, 1)
    scaled = b.norm(b.conv(x, 3, alpha=[0.5, 1, 2]), 2, 1)
    graph = b.done(plain, scaled)
    exhaust(pack_weights.run, graph)
    exhaust(fuse_batch_norm.run, graph)
    assert exhaust(dead_code.run, graph) == text(
        """
        %0 = input bit[1,5,5,40]
        %1 = conv_2d(%0, bit[3,3,3,40], f32[3], f32[3]) -> f32[1,3,3,3]
        %2 = conv_2d(%0, bit[3,3,3,40], f32[3]) -> f32[1,3,3,3]
        %3 = batch_norm(%2, f32[3], f32[3]) -> f32[1,3,3,3]
        return %1, %3
        """
    )


def test_fuse_activation():
    b = Builder()
    graph = b.done(b.activation(b.conv(b.input(5, 5, 3), 4), alpha=0.25))
    assert exhaust(fuse_activation.run, graph) == text(
        """
        %0 = input f32[1,5,5,3]
        %1 = conv_2d(%0, f32[4,3,3,3]) {activation=relu alpha=0.25} -> f32[1,3,3,4]
        return %1
        """
    )


def test_every_pass_shows_a_program_before_and_after():
    for stage in STAGES:
        for name, run in stage:
            text = sys.modules[run.__module__].__doc__
            assert "\nbefore: " in text, name
            assert "\nafter:  " in text, name


def test_every_pass_is_in_the_list_once_a_stage():
    for stage in STAGES:
        names = [name for name, _ in stage]
        assert len(names) == len(set(names))
