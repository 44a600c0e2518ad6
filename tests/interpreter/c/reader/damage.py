"""Damaged .xlite files: where the fields of a file stand, and what to put there."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from xlite.schema.layout import MODEL, SCALARS, Table


@dataclass(frozen=True)
class Place:
    """A number in a file: ``code`` is its struct format, ``what`` the name of its field."""

    at: int
    code: str
    what: str


def places(data: bytes) -> list[Place]:
    """Every number that is no weight: fields, elements and lengths of vectors, offsets, vtables. Each once, though
    several offsets may lead there."""
    found = {place.at: place for place in _table(data, _target(data, 0), MODEL, "model")}
    return [Place(0, "<I", "root"), *found.values()]


def changed(data: bytes, place: Place, value: int) -> bytes:
    """The file with another number at one place; too large ones are cut to what fits there."""
    damaged = bytearray(data)
    size = struct.calcsize(place.code)
    damaged[place.at : place.at + size] = (value % (1 << 8 * size)).to_bytes(size, "little")
    return bytes(damaged)


# Values at the edges of rules: of ranges, of int32, of floats (0, -0, 1, -1, infinities, NaN, large, tiny).
EDGES = (
    *range(-2, 10), 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 65537,
    1 << 24, (1 << 24) + 1, (1 << 31) - 1, 1 << 31, 0x3F800000, 0xBF800000, 0x7F800000, 0xFF800000, 0x7FC00000,
    0x7F7FFFFF, 0x80000001, 0x43000000, 0x43800000, 1 << 40, (1 << 40) + 1, 1 << 62, (1 << 64) - 16,
)  # fmt: skip


def with_fields_at_edges(data: bytes, pick: random.Random, each: int) -> Iterator[bytes]:
    """Files with one number replaced: at every place, ``each`` values."""
    for place in places(data):
        (now,) = struct.unpack_from(place.code.replace("f", "I").replace("?", "B"), data, place.at)
        for value in [now + pick.choice((-4, -1, 1, 4)), *pick.sample(EDGES, each - 1)]:
            yield changed(data, place, value)


def with_fields_swapped(data: bytes, pick: random.Random, count: int) -> Iterator[bytes]:
    """Files with two to four numbers that come from other places of the same width."""
    found = places(data)
    for _ in range(count):
        damaged = data
        for _ in range(pick.randint(2, 4)):
            a, b = pick.choice(found), pick.choice(found)
            size = struct.calcsize(b.code)
            damaged = changed(damaged, a, int.from_bytes(data[b.at : b.at + size], "little"))
        yield damaged


def with_bytes_changed(data: bytes, pick: random.Random, count: int) -> Iterator[bytes]:
    """Files with one to three bytes replaced, bytes left out, doubled or moved."""
    for _ in range(count):
        damaged = bytearray(data)
        for _ in range(pick.randint(1, 3)):
            damaged[pick.randrange(len(damaged))] = pick.choice(
                (0, 1, 2, 4, 16, 127, 128, 255, pick.randrange(256))
            )
        how, at, size = pick.randrange(8), pick.randrange(len(data)), 4 * pick.randint(1, 8)
        if how == 0:
            del damaged[at : at + size]
        elif how == 1:
            damaged[at:at] = damaged[at : at + size]
        yield bytes(damaged)


def _target(data: bytes, at: int) -> int:
    return int(at + struct.unpack_from("<I", data, at)[0])


def _table(data: bytes, start: int, table: Table, name: str) -> Iterator[Place]:
    vtable = start - struct.unpack_from("<i", data, start)[0]
    length = struct.unpack_from("<H", data, vtable)[0]
    yield Place(start, "<i", f"{name}, offset of the vtable")
    for at in range(vtable, vtable + length, 2):
        yield Place(at, "<H", f"{name}, vtable")
    slot = 0
    number = 0
    for field in table.fields:
        if field.kind == "union":
            at = _field(data, start, vtable, length, slot)
            number = data[at] if at else 0
            if at:
                yield Place(at, "<B", f"{name}.{field.name}, type")
            slot += 1
        at = _field(data, start, vtable, length, slot)
        slot += 1
        if not at:
            continue
        what = f"{name}.{field.name}"
        if field.kind in SCALARS:
            yield Place(at, SCALARS[field.kind], what)
            continue
        yield Place(at, "<I", f"{what}, offset")
        of = field.of[number - 1] if field.kind == "union" else field.of
        yield from _reference(data, _target(data, at), field.kind, of, what)


def _field(data: bytes, start: int, vtable: int, length: int, slot: int) -> int:
    offset = struct.unpack_from("<H", data, vtable + 4 + 2 * slot)[0] if 4 + 2 * slot < length else 0
    return int(start + offset) if offset else 0


def _reference(data: bytes, at: int, kind: str, of: Table, what: str) -> Iterator[Place]:
    if kind in ("table", "union"):
        yield from _table(data, at, of, what)
        return
    yield Place(at, "<I", f"{what}, length")
    count = struct.unpack_from("<I", data, at)[0]
    if kind in ("string", "[u8]"):
        return
    element = kind[1:-1]
    for i in range(count):
        if element in SCALARS:
            code = SCALARS[element]
            yield Place(at + 4 + i * struct.calcsize(code), code, f"{what}[]")
            continue
        where = at + 4 + 4 * i
        yield Place(where, "<I", f"{what}[], offset")
        yield from _reference(data, _target(data, where), element, of, f"{what}[]")
