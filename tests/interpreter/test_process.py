"""Memory of this process, extents of addresses, and pages of a mapped file that are given back."""

from __future__ import annotations

import mmap
import sys

import numpy as np
import pytest

from xlite.interpreter import process

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system does not say")


def members(extents):
    return {i for start, stop in extents for i in range(start, stop)}


@pytest.mark.parametrize("seed", range(30))
def test_sets_of_extents_against_sets_of_addresses(seed):
    rng = np.random.default_rng(seed)

    def some():
        return [(int(a), int(a + n)) for a, n in zip(rng.integers(0, 60, 5), rng.integers(0, 12, 5))]

    first, second = some(), some()
    joined = process.union(first)
    assert members(joined) == members(first)
    assert process.total(joined) == len(members(first))
    assert all(a[1] < b[0] for a, b in zip(joined, joined[1:]))
    left = process.without(joined, process.union(second))
    assert members(left) == members(first) - members(second)
    assert process.total(left) == len(members(left))
    widened = process.union(first, 8)
    assert members(widened) == {8 * (i // 8) + k for i in members(first) for k in range(8)}


def test_whole_pages_lie_inside():
    page = process.PAGE
    assert process.whole_pages([(1, page), (page - 1, 3 * page + 1)]) == [(page, 3 * page)]
    assert process.whole_pages([(0, 2 * page)]) == [(0, 2 * page)]


@LINUX
def test_resident_rises_with_what_is_touched():
    before = process.resident()
    block = mmap.mmap(-1, 8 << 20)  # pages of its own, where an array may get some that were there already
    block.write(b"1" * len(block))
    after = process.resident()
    assert before is not None
    assert after is not None
    assert after - before >= 7 << 20
    assert process.peak() >= after - (1 << 20)
    block.close()


def test_file_map_sees_through_views(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 16)
    with open(path, "rb") as file:
        map_ = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    array = np.frombuffer(memoryview(map_)[16:], np.uint8).reshape(-1, 8)[1:]
    assert process.file_map(array) is map_
    assert process.file_map(array.copy()) is None
    assert process.file_map(np.frombuffer(bytes(16), np.uint8)) is None


@LINUX
def test_released_pages_leave_memory_and_are_read_again(tmp_path):
    path = tmp_path / "file"
    content = np.random.default_rng(0).integers(0, 256, 8 << 20).astype(np.uint8)
    path.write_bytes(content.tobytes())
    with open(path, "rb") as file:
        map_ = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    array = np.frombuffer(map_, np.uint8)
    total = int(array.sum())
    before = process.resident()
    process.release(map_, process.whole_pages([process.extent(array)]))
    after = process.resident()
    assert before - after >= 7 << 20
    assert int(array.sum()) == total
