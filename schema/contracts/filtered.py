"""Convolutions and dense: ops with a filter."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xlite.schema.contracts import rules
from xlite.schema.contracts.rules import require
from xlite.schema.records import TYPE_CHECKING
from xlite.schema.types import RANGES, DType, OpKind, TensorType

if TYPE_CHECKING:
    from typing import Any, Callable

    Checked = Sequence[Any]  # types, None in optional slots only

F32, I32, BIT = DType.FLOAT32, DType.INT32, DType.BIT


def _conv_2d(inputs: Checked, options) -> TensorType:
    x, kernel = inputs[:2]
    rules.check_rank(x, 4, "x")
    rules.check_rank(kernel, 4, "filter")
    out_c, kernel_h, kernel_w, in_c = kernel.shape
    rules.check_filter(kernel, packed_axes=3, integers=True)
    _check_channels(x, in_c, out_c, options)
    out_h, out_w = rules.window_output(x, kernel_h, kernel_w, options)
    dtype = rules.filtered_output(inputs, options, out_c, integers=True)
    return TensorType((x.shape[0], out_h, out_w, out_c), dtype)


def _depthwise_conv_2d(inputs: Checked, options) -> TensorType:
    x, kernel = inputs[:2]
    rules.check_rank(x, 4, "x")
    rules.check_rank(kernel, 3, "filter")
    kernel_h, kernel_w, out_c = kernel.shape
    rules.check_filter(kernel, packed_axes=1, integers=True)
    require(options.groups == 1, "a depthwise convolution has no groups")
    channels = _plane_channels(x, options.planes)
    require(out_c % channels == 0, f"{out_c} filters are no multiple of {channels} channels")
    out_h, out_w = rules.window_output(x, kernel_h, kernel_w, options)
    dtype = rules.filtered_output(inputs, options, out_c, integers=True)
    return TensorType((x.shape[0], out_h, out_w, out_c), dtype)


def _dense(inputs: Checked, options) -> TensorType:
    x, kernel = inputs[:2]
    require(len(x.shape) >= 2, "x needs a batch axis and features")
    rules.check_rank(kernel, 2, "filter")
    rules.check_filter(kernel, packed_axes=1, integers=True)
    units, features = kernel.shape
    given = _plane_channels(x, options.planes)
    require(given == features, f"x has {given} features, the filter wants {features}")
    dtype = rules.filtered_output(inputs, options, units, integers=True)
    return TensorType((*x.shape[:-1], units), dtype)


def _conv_3d(inputs: Checked, options) -> TensorType:
    x, kernel = inputs[:2]
    _check_3d(x, kernel, options)
    require(
        options.output_d == options.output_h == options.output_w == 0,
        "the output's extents are given for CONV_3D_TRANSPOSE alone",
    )
    rules.check_pad_value(x, options.pad_value)
    extents = [
        rules.slide(size, rules.span(taps, dilation), stride, before, after)
        for size, taps, (stride, dilation, before, after) in zip(
            x.shape[1:4], kernel.shape[1:4], _axes_3d(options)
        )
    ]
    dtype = rules.filtered_output(inputs, options, kernel.shape[0])
    return TensorType((x.shape[0], *extents, kernel.shape[0]), dtype)


def _conv_3d_transpose(inputs: Checked, options) -> TensorType:
    """The full output has (size - 1) * stride + span elements an axis; the paddings are cut off its ends and
    ``output_*`` says what is left, which may reach beyond it by less than a stride."""
    x, kernel = inputs[:2]
    _check_3d(x, kernel, options)
    require(options.pad_value == 0, "a transposed convolution pads nothing")
    wanted = (options.output_d, options.output_h, options.output_w)
    axes = zip(x.shape[1:4], kernel.shape[1:4], _axes_3d(options), wanted)
    for size, taps, (stride, dilation, before, after), out in axes:
        rules.check_window(taps, dilation, stride, before, after)
        full = (size - 1) * stride + rules.span(taps, dilation)
        left = full - before - after
        require(1 <= out <= rules.MAX_IMAGE, f"an output extent {out} is out of range")
        require(left <= out < left + stride, f"an output extent {out} does not follow from the paddings")
    dtype = rules.filtered_output(inputs, options, kernel.shape[0])
    return TensorType((x.shape[0], *wanted, kernel.shape[0]), dtype)


def _locally_connected_2d(inputs: Checked, options) -> TensorType:
    x, kernel = inputs[:2]
    rules.check_rank(x, 4, "x")
    rules.check_rank(kernel, 6, "filter")
    rules.check_filter(kernel, packed_axes=3)
    require(options.groups == 1, "a locally connected layer has no groups")
    filter_h, filter_w, out_c, kernel_h, kernel_w, in_c = kernel.shape
    _check_channels(x, in_c, out_c, options)
    out = rules.window_output(x, kernel_h, kernel_w, options)
    require(
        out == (filter_h, filter_w), f"there are filters for {filter_h}x{filter_w} pixels, not {out[0]}x{out[1]}"
    )
    dtype = rules.filtered_output(inputs, options, out_c)
    return TensorType((x.shape[0], *out, out_c), dtype)


def _check_3d(x: TensorType, kernel: TensorType, options) -> None:
    rules.check_rank(x, 5, "x")
    rules.check_rank(kernel, 5, "filter")
    rules.check_filter(kernel, packed_axes=4)
    _check_channels(x, kernel.shape[4], kernel.shape[0], options)


def _check_channels(x: TensorType, in_c: int, out_c: int, options) -> None:
    groups = options.groups
    require(1 <= groups <= out_c, f"groups {groups} is out of range")
    require(out_c % groups == 0, f"groups {groups} does not divide the {out_c} filters")
    given = _plane_channels(x, options.planes)
    require(given == in_c * groups, f"x has {given} channels, the filter wants {in_c * groups}")


def _plane_channels(x: TensorType, planes: int) -> int:
    """Channels of one plane of x. Planes lie one after the other along the last axis."""
    require(1 <= planes <= rules.MAX_PLANES, f"planes {planes} is not 1 to {rules.MAX_PLANES}")
    require(planes == 1 or x.dtype is BIT, "planes are of bits")
    require(x.shape[-1] % planes == 0, f"{planes} planes do not divide the {x.shape[-1]} channels of x")
    return x.shape[-1] // planes


def _axes_3d(options) -> list[tuple[int, int, int, int]]:
    """(stride, dilation, padding before, padding after) of depth, height and width."""
    return [
        (options.stride_d, options.dilation_d, options.pad_front, options.pad_back),
        (options.stride_h, options.dilation_h, options.pad_top, options.pad_bottom),
        (options.stride_w, options.dilation_w, options.pad_left, options.pad_right),
    ]


def accumulator_bound(kind: OpKind, kernel: TensorType, options, x: DType = DType.BIT) -> int:
    """The largest magnitude that the dot product of integers can take: x is bits, int8 or uint8, the filter bits
    or int8."""
    shape = kernel.shape
    if kind is OpKind.DEPTHWISE_CONV_2D:
        taps = math.prod(shape[:-1])
    elif kind is OpKind.LOCALLY_CONNECTED_2D:
        taps = math.prod(shape[3:])
    else:
        taps = math.prod(shape[1:])
    weight = -RANGES[DType.INT8][0] if kernel.dtype is DType.INT8 else 1
    return taps * ((1 << options.planes) - 1) * rules.largest_number(x, options) * weight


RULES: dict[OpKind, Callable[..., TensorType]] = {
    OpKind.CONV_2D: _conv_2d,
    OpKind.DEPTHWISE_CONV_2D: _depthwise_conv_2d,
    OpKind.DENSE: _dense,
    OpKind.CONV_3D: _conv_3d,
    OpKind.CONV_3D_TRANSPOSE: _conv_3d_transpose,
    OpKind.LOCALLY_CONNECTED_2D: _locally_connected_2d,
}
