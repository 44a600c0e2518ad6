"""Pooling windows."""

from __future__ import annotations

from collections.abc import Sequence

from xlite.schema.contracts import rules
from xlite.schema.contracts.rules import require
from xlite.schema.records import TYPE_CHECKING
from xlite.schema.types import DType, OpKind, TensorType

if TYPE_CHECKING:
    from typing import Any, Callable

    Checked = Sequence[Any]  # types, None in optional slots only

F32, I8, U8, BIT = DType.FLOAT32, DType.INT8, DType.UINT8, DType.BIT


def _max_pool_2d(inputs: Checked, options) -> TensorType:
    x, flip = inputs
    rules.check_dtype(x, (F32, I8, U8, BIT), "x")
    if flip is not None:
        require(x.dtype is BIT, "flip is for bits only")
        rules.check_channel_vector(flip, x.shape[-1], BIT, "flip")
    return _pool(x, options)


def _average_pool_2d(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (F32,), "x")
    return _pool(x, options)


def _pool(x: TensorType, options) -> TensorType:
    rules.check_rank(x, 4, "x")
    out_h, out_w = rules.pool_output(x, options)
    return TensorType((x.shape[0], out_h, out_w, x.shape[3]), x.dtype)


def _pool_3d(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (F32,), "x")
    rules.check_rank(x, 5, "x")
    axes = (
        (options.window_d, options.stride_d, options.pad_front, options.pad_back),
        (options.window_h, options.stride_h, options.pad_top, options.pad_bottom),
        (options.window_w, options.stride_w, options.pad_left, options.pad_right),
    )
    extents = []
    for size, (window, stride, before, after) in zip(x.shape[1:4], axes):
        rules.check_window_size(window)
        require(max(before, after) < window, "the padding is as large as the window")
        extents.append(rules.slide(size, window, stride, before, after))
    return TensorType((x.shape[0], *extents, x.shape[4]), F32)


RULES: dict[OpKind, Callable[..., TensorType]] = {
    OpKind.MAX_POOL_2D: _max_pool_2d,
    OpKind.AVERAGE_POOL_2D: _average_pool_2d,
    OpKind.MAX_POOL_3D: _pool_3d,
    OpKind.AVERAGE_POOL_3D: _pool_3d,
}
