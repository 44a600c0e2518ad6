"""Windows sliding over images: sizes from a configuration, padding as TensorFlow places it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context

Pads = tuple  # ((top, bottom), (left, right))


def pair(value: Any) -> tuple[int, int]:
    """A size that is given once for both axes, or as two."""
    if isinstance(value, (list, tuple)):
        first, second = value
        return int(first), int(second)
    return int(value), int(value)


def spans(kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, int]:
    """How far a dilated window reaches in each axis."""
    return (kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1


def padding(ctx: Context, x: Value, window: Sequence[int], strides: Sequence[int]) -> Pads:
    """The zeros around ``x`` [N, H, W, C] that the layer's ``padding`` asks for.

    ``same`` gives ceil(size / stride) outputs; what that needs is split evenly, the odd element going behind.
    """
    if len(x.type.shape) != 4:
        raise ctx.error(
            f"has an input of {len(x.type.shape)} axes", "give it images of (batch, height, width, channels)"
        )
    kind = ctx.config.get("padding", "valid")
    if kind == "valid":
        return (0, 0), (0, 0)
    if kind != "same":
        raise ctx.unsupported(f"has padding='{kind}'", "use 'same' or 'valid'")
    height, width = x.type.shape[1:3]
    return _same(height, window[0], strides[0]), _same(width, window[1], strides[1])


def _same(size: int, window: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2
