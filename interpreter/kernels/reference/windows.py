"""Sliding windows, a tap at a time. What a tap sees of an image is a strided slice; where it looks outside,
nothing is read, so padding takes no memory and its value is the caller's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xlite.interpreter.kernels.reference.slicing import slices
from xlite.schema.types import Conv2DOptions, Pool2DOptions

Span = tuple[int, int]  # start and stop


@dataclass(frozen=True)
class Axis:
    """How a window of ``kernel`` taps slides along one axis of ``size`` elements."""

    size: int
    kernel: int
    stride: int
    dilation: int
    before: int
    output: int

    def reach(self, tap: int, outputs: Span) -> tuple[slice, slice] | None:
        """For which of the ``outputs`` a tap lies inside the image, counted from the first of them, and the
        elements that it sees there; None where it sees none."""
        shift = tap * self.dilation - self.before  # output o sees element o * stride + shift
        first = max(outputs[0], -(shift // self.stride))  # ceil(-shift / stride)
        last = min(outputs[1] - 1, (self.size - 1 - shift) // self.stride)
        if first > last:
            return None
        start, stop = first * self.stride + shift, last * self.stride + shift + 1
        return slice(first - outputs[0], last + 1 - outputs[0]), slice(start, stop, self.stride)

    def visible(self, outputs: Span) -> Iterator[tuple[int, tuple[slice, slice]]]:
        """The taps that some of the ``outputs`` see inside the image, with their reach."""
        # tap t of output o sees element o * stride + t * dilation - before, which must be 0 to size - 1
        low = self.before - (outputs[1] - 1) * self.stride
        high = self.size - 1 + self.before - outputs[0] * self.stride
        for tap in range(max(0, -(-low // self.dilation)), min(self.kernel, high // self.dilation + 1)):
            found = self.reach(tap, outputs)
            if found is not None:
                yield tap, found

    def sees_padding(self) -> bool:
        furthest = (self.output - 1) * self.stride - self.before + (self.kernel - 1) * self.dilation
        return self.before > 0 or furthest >= self.size


@dataclass(frozen=True)
class Tap:
    """One tap of the window over a tile: ``outputs`` of the tile see ``inputs`` of the image (both index rows and
    columns)."""

    row: int
    column: int
    outputs: tuple[slice, slice]
    inputs: tuple[slice, slice]

    @property
    def place(self) -> tuple[slice, slice, int, int]:
        """Where what it sees goes in windows of shape (rows, columns, kernel height, kernel width, ...)."""
        return (*self.outputs, self.row, self.column)


@dataclass(frozen=True)
class Geometry:
    vertical: Axis
    horizontal: Axis

    @property
    def taps(self) -> int:
        return self.vertical.kernel * self.horizontal.kernel

    def sees_padding(self) -> bool:
        return self.vertical.sees_padding() or self.horizontal.sees_padding()

    def tiles(self, bytes_a_pixel: int) -> Iterator[tuple[Span, Span]]:
        """Rows and columns of the output, in tiles whose temporaries fit the budget."""
        out_h, out_w = self.vertical.output, self.horizontal.output
        for rows in slices(out_h, out_w * bytes_a_pixel):
            for columns in slices(out_w, (rows[1] - rows[0]) * bytes_a_pixel):
                yield rows, columns

    def visible_taps(self, rows: Span, columns: Span) -> Iterator[Tap]:
        """The taps that see some of the image from some pixel of a tile."""
        across = list(self.horizontal.visible(columns))
        for i, (out_rows, in_rows) in self.vertical.visible(rows):
            for j, (out_columns, in_columns) in across:
                yield Tap(i, j, (out_rows, out_columns), (in_rows, in_columns))


def conv_geometry(options: Conv2DOptions, kernel: Span, image: Span, output: Span) -> Geometry:
    """kernel, image, output: (height, width)."""
    o = options
    return Geometry(
        Axis(image[0], kernel[0], o.stride_h, o.dilation_h, o.pad_top, output[0]),
        Axis(image[1], kernel[1], o.stride_w, o.dilation_w, o.pad_left, output[1]),
    )


def pool_geometry(options: Pool2DOptions, image: Span, output: Span) -> Geometry:
    """image, output: (height, width)."""
    o = options
    return Geometry(
        Axis(image[0], o.window_h, o.stride_h, 1, o.pad_top, output[0]),
        Axis(image[1], o.window_w, o.stride_w, 1, o.pad_left, output[1]),
    )
