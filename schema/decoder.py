"""Reads the tables of a flatbuffer that nobody has vouched for.

The flatbuffers runtime for Python follows offsets without looking. Here every offset, vtable, length, alignment
and string is checked before it is used, and what is decoded is counted: a table, vector or string costs its
bytes each time it is reached, and a file may be charged ``BUDGET_FACTOR`` times its size at most. So many
offsets that point at one large table cost an attacker as many bytes as they cost us. Tables nest as ``layout``
says, which holds no cycle, so there is no recursion to bound.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from xlite.schema.errors import VerifyError
from xlite.schema.layout import SCALARS, Field, Table
from xlite.schema.records import TYPE_CHECKING, record

if TYPE_CHECKING:
    from typing import Any, NoReturn

    # Where in the model a value stands: (path of what holds it, field name or index), None for the root table.
    # Text is made of it only when something is wrong.
    Path = Any

BUDGET_FACTOR = 2
BUDGET_FLOOR = 4096
MAX_SHAPES = 1024  # vtables remembered; a writer shares them, so honest files have a few dozen

_READ = {kind: struct.Struct(code) for kind, code in SCALARS.items()}
_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")
_VTABLE_HEAD = struct.Struct("<HH")
_OFFSET_WIDTH = 4


def path_text(path: Path) -> str:
    """For example ``ops[3].options.activation``."""
    labels = []
    while path is not None:
        path, label = path
        labels.append(f"[{label}]" if isinstance(label, int) else f".{label}")
    return "".join(reversed(labels)).lstrip(".") or "the root table"


class Span:
    """A vector that is left where it is: its first element's byte and its number of elements."""

    __slots__ = ("length", "path", "start")

    def __init__(self, start: int, length: int, path: Path) -> None:
        self.start, self.length, self.path = start, length, path


class TableVector:
    """A vector of offsets to tables, decoded one by one with :meth:`Decoder.tables`."""

    __slots__ = ("span", "table")

    def __init__(self, span: Span, table: Table) -> None:
        self.span, self.table = span, table


@record(frozen=True)
class _Shape:
    """One vtable seen through a table's description: how to read an instance without looking again."""

    size: int
    absent: dict[str, Any]
    scalars: list[tuple[str, struct.Struct, int, int]]  # name, reader, offset, width - 1
    references: list[tuple[Field, int, int]]  # field, offset, offset of the union's type (0: none)


class Decoder:
    """Decodes tables from ``data`` (bytes of the whole file). Every failure is a VerifyError that names the
    field and the byte."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.size = len(data)
        self._left = BUDGET_FACTOR * self.size + BUDGET_FLOOR
        self._shapes: dict[tuple[int, str], _Shape] = {}

    def root(self, table: Table) -> dict[str, Any]:
        """The root table; its offset stands in the first four bytes."""
        if self.size < _OFFSET_WIDTH:
            self._fail(None, f"the file ends at byte {self.size}, before the root offset")
        return self.table(self._follow(0, None), table, None)

    def table(self, start: int, table: Table, path: Path) -> dict[str, Any]:
        """Every field by name. Absent fields have their default, absent tables None, absent vectors of tables
        and of bytes an empty one. A union is (type, None or the member's fields)."""
        shape = self._shape(start, table, path)
        values = shape.absent.copy()
        for name, reader, offset, mask in shape.scalars:
            where = start + offset
            if where & mask:
                self._fail((path, name), f"the value at byte {where} is not aligned to {mask + 1} bytes")
            values[name] = reader.unpack_from(self.data, where)[0]
        for field, offset, type_offset in shape.references:
            where = start + offset if offset else 0
            type_where = start + type_offset if type_offset else 0
            values[field.name] = self._reference(field, where, type_where, (path, field.name))
        return values

    def tables(self, vector: TableVector) -> Iterator[tuple[Path, dict[str, Any]]]:
        """The tables of a vector one after the other, each with its path."""
        span = vector.span
        for index in range(span.length):
            item = (span.path, index)
            yield item, self.table(self._follow(span.start + _OFFSET_WIDTH * index, item), vector.table, item)

    def bytes_of(self, span: Span) -> memoryview:
        return self.data[span.start : span.start + span.length]

    # -- tables ----------------------------------------------------------------------------------------------

    def _shape(self, start: int, table: Table, path: Path) -> _Shape:
        """The checked vtable of the table at ``start`` (which :meth:`_follow` has aligned and bounded)."""
        vtable = start - _I32.unpack_from(self.data, start)[0]
        shape = self._shapes.get((vtable, table.name))
        if shape is None:
            shape = self._read_vtable(vtable, start, table, path)
            if len(self._shapes) < MAX_SHAPES:
                self._shapes[vtable, table.name] = shape
        if start + shape.size > self.size:
            self._past_end(path, f"table of {shape.size} bytes", start)
        self._spend(shape.size, path)
        return shape

    def _read_vtable(self, vtable: int, start: int, table: Table, path: Path) -> _Shape:
        if not 0 <= vtable <= self.size - 4:
            self._fail(path, f"the table at byte {start} has its vtable at byte {vtable}, outside the file")
        if vtable % 2:
            self._fail(path, f"the vtable at byte {vtable} is not aligned to 2 bytes")
        length, size = _VTABLE_HEAD.unpack_from(self.data, vtable)
        if length < 4 or length % 2 or size < 4:
            self._fail(path, f"the vtable at byte {vtable} has impossible sizes ({length} and {size} bytes)")
        if vtable + length > self.size:
            self._past_end(path, f"vtable of {length} bytes", vtable)
        shape = _Shape(size, {}, [], [])
        slot = 0
        for field in table.fields:
            type_offset = 0
            if field.kind == "union":
                type_offset = self._slot(vtable, length, size, slot, 1, (path, field.name))
                slot += 1
            reader = _READ.get(field.kind)
            width = _OFFSET_WIDTH if reader is None else reader.size
            offset = self._slot(vtable, length, size, slot, width, (path, field.name))
            slot += 1
            if not offset and not type_offset:
                shape.absent[field.name] = _absent(field, path)
            elif reader is None:
                shape.references.append((field, offset, type_offset))
            else:
                shape.scalars.append((field.name, reader, offset, width - 1))
        return shape

    def _slot(self, vtable: int, length: int, size: int, slot: int, width: int, path: Path) -> int:
        """Offset of a field within its table, 0 where the vtable has none."""
        position = 4 + 2 * slot
        if position >= length:
            return 0
        offset = _U16.unpack_from(self.data, vtable + position)[0]
        if offset and (offset < 4 or offset + width > size):
            self._fail(path, f"the vtable at byte {vtable} puts it at {offset}, outside its table of {size} bytes")
        return offset

    # -- what offsets point at -------------------------------------------------------------------------------

    def _follow(self, where: int, path: Path) -> int:
        """The target of the offset that stands at byte ``where``: aligned, with four bytes of room."""
        if where % _OFFSET_WIDTH:
            self._fail(path, f"the offset at byte {where} is not aligned to 4 bytes")
        target = where + _U32.unpack_from(self.data, where)[0]
        if target == where:
            self._fail(path, f"the offset at byte {where} is null")
        if target > self.size - 4:
            self._fail(
                path, f"the offset at byte {where} points at byte {target}, past the end ({self.size} bytes)"
            )
        if target % 4:
            self._fail(path, f"the offset at byte {where} points at byte {target}, which is not aligned")
        return target

    def _reference(self, field: Field, where: int, type_where: int, path: Path) -> Any:
        kind = field.kind
        if kind == "union":
            return self._union(field, where, type_where, path)
        target = self._follow(where, path)
        if kind == "table":
            return self.table(target, field.of, path)
        if kind == "string":
            return self._string(target, path)
        element = kind[1:-1]
        reader = _READ.get(element)
        width = _OFFSET_WIDTH if reader is None else reader.size
        span = self._vector(target, width, field, path)
        if element == "u8":
            return span
        if element == "table":
            return TableVector(span, field.of)
        if element == "string":
            return self._strings(span)
        return struct.unpack_from(f"<{span.length}{SCALARS[element][1]}", self.data, span.start)

    def _union(self, field: Field, where: int, type_where: int, path: Path) -> tuple[int, Any]:
        number = self.data[type_where] if type_where else 0
        if not number or not where:
            if number or where:
                self._fail(path, "has a type without a value" if number else "has a value without a type")
            return 0, None
        if number > len(field.of):
            return number, None  # of a newer version; the caller says so
        return number, self.table(self._follow(where, path), field.of[number - 1], path)

    def _vector(self, target: int, width: int, field: Field, path: Path) -> Span:
        count = _U32.unpack_from(self.data, target)[0]
        align = field.align or width
        start = target + 4
        if start + count * width > self.size:
            self._past_end(path, f"vector of {count} elements", target)
        if field.limit is not None and count > field.limit:
            self._fail(path, f"vector of {count} elements at byte {target}, the limit is {field.limit}")
        if start % align and count:
            self._fail(path, f"the vector's first element at byte {start} is not aligned to {align} bytes")
        self._spend(4 + count * width, path)
        return Span(start, count, path)

    def _strings(self, span: Span) -> list[str]:
        strings = []
        for index in range(span.length):
            path = (span.path, index)
            strings.append(self._string(self._follow(span.start + _OFFSET_WIDTH * index, path), path))
        return strings

    def _string(self, target: int, path: Path) -> str:
        length = _U32.unpack_from(self.data, target)[0]
        start, end = target + 4, target + 4 + length
        if end >= self.size:
            self._past_end(path, f"string of {length} bytes", target)
        if self.data[end]:
            self._fail(path, f"the string at byte {target} does not end in a zero byte")
        self._spend(5 + length, path)
        try:
            return str(self.data[start:end], "utf-8")
        except UnicodeDecodeError as error:
            self._fail(path, f"the string at byte {target} is not UTF-8 (byte {start + error.start})")

    # -- refusals --------------------------------------------------------------------------------------------

    def _spend(self, cost: int, path: Path) -> None:
        self._left -= cost
        if self._left < 0:
            self._fail(
                path, f"offsets reach more than {BUDGET_FACTOR} times the file's size, its bytes over and over"
            )

    def _past_end(self, path: Path, what: str, start: int) -> NoReturn:
        self._fail(path, f"{what} at byte {start} runs past the end of the file ({self.size} bytes)")

    def _fail(self, path: Path, problem: str) -> NoReturn:
        raise VerifyError(f"{path_text(path)}: {problem}")


def _absent(field: Field, path: Path) -> Any:
    if field.kind == "union":
        return 0, None
    if field.kind == "[u8]":
        return Span(0, 0, path)
    if field.kind == "[table]":
        return TableVector(Span(0, 0, path), field.of)
    return field.default
