"""Sliding windows, a tap at a time. What a tap sees of an image is a strided slice; where it looks outside,
nothing is read, so padding takes no memory and its value is the caller's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Union

from xlite.interpreter.kernels.reference.slicing import slices
from xlite.schema.types import Conv2DOptions, Conv3DOptions, Pool2DOptions, Pool3DOptions

Span = tuple[int, int]  # start and stop
Tile = tuple[Span, ...]  # a part of the output: a span an axis
ConvOptions = Union[Conv2DOptions, Conv3DOptions]
PoolOptions = Union[Pool2DOptions, Pool3DOptions]


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
    """One tap of the window over a tile: ``outputs`` of the tile see ``inputs`` of the image, a slice an axis."""

    index: tuple[int, ...]
    outputs: tuple[slice, ...]
    inputs: tuple[slice, ...]

    @property
    def place(self) -> tuple[Union[slice, int], ...]:
        """Where what it sees goes in windows of shape (*tile, *window, ...)."""
        return (*self.outputs, *self.index)


@dataclass(frozen=True)
class Geometry:
    """A window over images of any number of axes (without batch and channels)."""

    axes: tuple[Axis, ...]

    @property
    def window(self) -> tuple[int, ...]:
        return tuple(axis.kernel for axis in self.axes)

    @property
    def taps(self) -> int:
        return math.prod(self.window)

    def sees_padding(self) -> bool:
        return any(axis.sees_padding() for axis in self.axes)

    def tiles(self, bytes_a_pixel: int) -> Iterator[Tile]:
        """All of the output, in tiles whose temporaries fit the budget."""
        return tiles([axis.output for axis in self.axes], bytes_a_pixel)

    def visible_taps(self, tile: Tile) -> Iterator[Tap]:
        """The taps that see some of the image from some pixel of a tile."""
        found = [list(axis.visible(outputs)) for axis, outputs in zip(self.axes, tile)]
        for taps in product(*found):
            index, reaches = zip(*taps) if taps else ((), ())
            yield Tap(index, tuple(r[0] for r in reaches), tuple(r[1] for r in reaches))


def tiles(extents: Sequence[int], bytes_each: int) -> Iterator[Tile]:
    """Splits these extents into tiles whose temporaries, ``bytes_each`` an element, fit the budget."""
    if not extents:
        yield ()
        return
    for span in slices(extents[0], math.prod(extents[1:]) * bytes_each):
        for rest in tiles(extents[1:], (span[1] - span[0]) * bytes_each):
            yield (span, *rest)


def extents_of(tile: Tile) -> tuple[int, ...]:
    return tuple(stop - start for start, stop in tile)


def inside(tile: Tile) -> tuple[slice, ...]:
    """Where a tile lies in the output."""
    return tuple(slice(start, stop) for start, stop in tile)


# -- from options --------------------------------------------------------------------------------------------


def conv_geometry(
    options: ConvOptions, window: Sequence[int], image: Sequence[int], output: Sequence[int]
) -> Geometry:
    """window, image, output: (height, width) or (depth, height, width)."""
    o = options
    steps = [
        (o.stride_h, o.dilation_h, o.pad_top),
        (o.stride_w, o.dilation_w, o.pad_left),
    ]
    if isinstance(o, Conv3DOptions):
        steps.insert(0, (o.stride_d, o.dilation_d, o.pad_front))
    sizes = zip(image, window, steps, output)
    return Geometry(tuple(Axis(size, taps, *step, out) for size, taps, step, out in sizes))


def pool_geometry(options: PoolOptions, image: Sequence[int], output: Sequence[int]) -> Geometry:
    """image, output: (height, width) or (depth, height, width)."""
    o = options
    steps = [(o.window_h, o.stride_h, 1, o.pad_top), (o.window_w, o.stride_w, 1, o.pad_left)]
    if isinstance(o, Pool3DOptions):
        steps.insert(0, (o.window_d, o.stride_d, 1, o.pad_front))
    return Geometry(tuple(Axis(size, *step, out) for size, step, out in zip(image, steps, output)))
