"""What this process takes in memory, as the operating system counts it; and pages of a mapped file, which count
while they are in memory though they are only a copy of what is on disk."""

from __future__ import annotations

import mmap
from bisect import bisect_right
from collections.abc import Iterable, Sequence

import numpy as np

from xlite.schema.records import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Optional

Extent = tuple[int, int]  # an address and the one behind the last byte
PAGE = mmap.PAGESIZE


def resident() -> Optional[int]:
    """Bytes of this process that are in memory now; None where the system does not say (it is Linux that does)."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return None


def peak() -> Optional[int]:
    """The most bytes of this process that were in memory at a time so far; None where the system does not say."""
    try:
        with open("/proc/self/status", "rb") as file:
            for line in file:
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return None


def extent(array: np.ndarray) -> Extent:
    """The addresses of a contiguous array."""
    start: int = array.__array_interface__["data"][0]
    return start, start + array.nbytes


def union(extents: Iterable[Extent], grain: int = 1) -> list[Extent]:
    """The same bytes as disjoint extents in rising order, each widened to multiples of ``grain`` bytes."""
    joined: list[Extent] = []
    filled = (extent for extent in extents if extent[0] < extent[1])
    for start, stop in sorted((start // grain * grain, -(-stop // grain) * grain) for start, stop in filled):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((start, stop))
    return joined


def total(extents: Iterable[Extent]) -> int:
    """Bytes of disjoint extents."""
    return sum(stop - start for start, stop in extents)


def without(extents: Iterable[Extent], kept: Sequence[Extent]) -> list[Extent]:
    """The bytes of ``extents`` that are in none of ``kept``, which is disjoint and rising."""
    stops = [stop for _, stop in kept]
    left = []
    for start, stop in extents:
        for first, last in kept[bisect_right(stops, start) :]:
            if stop <= first:
                break
            if start < first:
                left.append((start, first))
            start = last
        if start < stop:
            left.append((start, stop))
    return left


def file_map(array: np.ndarray) -> Optional[mmap.mmap]:
    """The map of a file in which an array lies; None where it lies elsewhere."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    return base if isinstance(base, mmap.mmap) else None


def can_release() -> bool:
    """Whether :func:`release` does something here."""
    return hasattr(mmap.mmap, "madvise") and hasattr(mmap, "MADV_DONTNEED")


def whole_pages(extents: Iterable[Extent]) -> list[Extent]:
    """Of disjoint extents, the pages that lie wholly in one."""
    shrunk = ((-(-start // PAGE) * PAGE, stop // PAGE * PAGE) for start, stop in extents)
    return [(start, stop) for start, stop in shrunk if start < stop]


def release(map_: mmap.mmap, pages: Iterable[Extent]) -> None:
    """Lets the system take back these pages of a map. They are read from the file again, from its cache in memory
    as a rule, should anybody look at them."""
    if can_release():
        origin, _ = extent(np.frombuffer(map_, np.uint8))
        for start, stop in pages:
            map_.madvise(mmap.MADV_DONTNEED, start - origin, stop - start)
