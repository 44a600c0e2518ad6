"""Sliding windows over an image, with exact padding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlite.schema.types import Conv2DOptions, Pool2DOptions


@dataclass(frozen=True)
class Geometry:
    """How a window of ``kernel`` taps slides; pairs are (vertical, horizontal)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pad_before: tuple[int, int]
    output: tuple[int, int]

    @property
    def taps(self) -> int:
        return self.kernel[0] * self.kernel[1]

    def sees_padding(self, height: int, width: int) -> bool:
        """Whether some window reaches outside an image of this size."""
        return any(
            before > 0 or (out - 1) * stride - before + (kernel - 1) * dilation >= size
            for before, out, stride, kernel, dilation, size in zip(
                self.pad_before, self.output, self.stride, self.kernel, self.dilation, (height, width)
            )
        )


def conv_geometry(options: Conv2DOptions, kernel: tuple[int, int], output: tuple[int, int]) -> Geometry:
    o = options
    return Geometry(
        kernel, (o.stride_h, o.stride_w), (o.dilation_h, o.dilation_w), (o.pad_top, o.pad_left), output
    )


def pool_geometry(options: Pool2DOptions, output: tuple[int, int]) -> Geometry:
    o = options
    return Geometry((o.window_h, o.window_w), (o.stride_h, o.stride_w), (1, 1), (o.pad_top, o.pad_left), output)


def gather(image: np.ndarray, geometry: Geometry, rows: tuple[int, int], pad: float) -> np.ndarray:
    """Windows of the output rows ``rows[0]`` to ``rows[1]`` (exclusive).

    image: (H, W, C). Returns a view (rows, output width, kernel height, kernel width, C) into a copy of the
    image's rows that is padded with ``pad``.
    """
    height, width, channels = image.shape
    (kernel_h, kernel_w), (stride_h, stride_w) = geometry.kernel, geometry.stride
    (dilation_h, dilation_w), (top, left) = geometry.dilation, geometry.pad_before
    count, out_w = rows[1] - rows[0], geometry.output[1]
    first = rows[0] * stride_h - top
    tall = (count - 1) * stride_h + (kernel_h - 1) * dilation_h + 1
    wide = (out_w - 1) * stride_w + (kernel_w - 1) * dilation_w + 1
    slab = np.full((tall, wide, channels), pad, image.dtype)
    y0, y1 = max(first, 0), min(first + tall, height)
    x1 = min(wide - left, width)
    if y0 < y1 and x1 > 0:
        slab[y0 - first : y1 - first, left : left + x1] = image[y0:y1, :x1]
    by_row, by_column, by_channel = slab.strides
    return np.lib.stride_tricks.as_strided(
        slab,
        (count, out_w, kernel_h, kernel_w, channels),
        (stride_h * by_row, stride_w * by_column, dilation_h * by_row, dilation_w * by_column, by_channel),
        writeable=False,
    )
