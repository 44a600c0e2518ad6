"""Windows sliding over images: sizes from a configuration, padding as TensorFlow places it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context

Pads = tuple  # ((top, bottom), (left, right))

_IMAGES = {
    1: "sequences of (batch, steps, channels)",
    2: "images of (batch, height, width, channels)",
    3: "volumes of (batch, depth, height, width, channels)",
}


def sizes(value: Any, axes: int) -> tuple[int, ...]:
    """A size that is given once for all axes, or once for each."""
    if not isinstance(value, (list, tuple)):
        return (int(value),) * axes
    if len(value) != axes:
        raise ValueError(f"{value} is not one size, and not {axes}")
    return tuple(int(v) for v in value)


def pair(value: Any) -> tuple[int, int]:
    """A size that is given once for both axes, or as two."""
    first, second = sizes(value, 2)
    return first, second


def spans(kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """How far a dilated window reaches in each axis."""
    return tuple((taps - 1) * step + 1 for taps, step in zip(kernel, dilation))


def image_extents(ctx: Context, x: Value, axes: int) -> tuple[int, ...]:
    """The extents of ``x`` [N, ..., C] over its ``axes`` image axes; raises where it has another rank, or where
    the layer wants channels first."""
    ctx.channels_last()
    if len(x.type.shape) != axes + 2:
        raise ctx.error(f"has an input of {len(x.type.shape)} axes", f"give it {_IMAGES[axes]}")
    return x.type.shape[1:-1]


def padding(ctx: Context, x: Value, window: Sequence[int], strides: Sequence[int]) -> Pads:
    """The zeros (before, after) each axis of ``x`` [N, ..., C] that the layer's ``padding`` asks for.

    ``same`` gives ceil(size / stride) outputs; what that needs is split evenly, the odd element going behind.
    ``causal``, in 1D, puts all before, so that no output sees what comes later.
    """
    extents = image_extents(ctx, x, len(window))
    kind = str(ctx.config.get("padding", "valid")).lower()
    if kind == "valid":
        return ((0, 0),) * len(window)
    if kind == "causal" and len(window) == 1:
        return ((window[0] - 1, 0),)
    if kind != "same":
        raise ctx.unsupported(f"has padding='{kind}'", "use 'same' or 'valid'")
    return tuple(same_padding(*axis) for axis in zip(extents, window, strides))


def window_fields(names: str, sizes: Sequence[int]) -> dict[str, Any]:
    """Sizes as an op's options name them: window_fields("stride_d stride_h stride_w", strides)."""
    return dict(zip(names.split(), sizes))


def same_padding(size: int, window: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2
