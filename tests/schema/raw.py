"""Damage: places in a file's bytes by field name, and flatbuffers that no writer would make."""

from __future__ import annotations

import struct
from typing import Any

import flatbuffers

from xlite.schema import Error, Model, read_model, verify
from xlite.schema.generated import xlite_generated as fb
from xlite.schema.layout import MODEL, Table
from xlite.schema.types import FILE_IDENTIFIER

TENSORS, BUFFERS, OPS = 2, 3, 4  # slots of the Model table


def survives(data: bytes) -> Model | None:
    """The verified model, or None where an xlite error with a message refused the bytes. Nothing else may come."""
    try:
        model = read_model(data)
        verify(model)
    except Error as error:
        if not str(error).strip():
            raise RuntimeError("an error without a message") from error
        return None
    return model


def slot_of(table: Table, name: str) -> int:
    slot = 0
    for field in table.fields:
        slot += field.kind == "union"
        if field.name == name:
            return slot
        slot += 1
    raise KeyError(name)


def table_of(data: bytes, *path: Any) -> Any:
    """The flatbuffers table (with ``Bytes`` and ``Pos``) at ``path``, for example ("ops", 3)."""
    thing = fb.Model.GetRootAs(data)
    parts = list(path)
    while parts:
        method = "".join(p.capitalize() for p in parts.pop(0).split("_"))
        thing = getattr(thing, method)(*([parts.pop(0)] if parts and isinstance(parts[0], int) else []))
    return thing._tab


def place(data: bytes, table: Table, field: str, *path: Any) -> int:
    """The byte at which ``field`` of the table at ``path`` stands (a scalar, or an offset to follow)."""
    tab = table_of(data, *path)
    offset = tab.Offset(4 + 2 * slot_of(table, field))
    assert offset, f"{field} is absent"
    return tab.Pos + offset


def target(data: bytes, where: int) -> int:
    """The byte that the offset at ``where`` points at."""
    return where + struct.unpack_from("<I", data, where)[0]


def patched(data: bytes, where: int, code: str, *values: Any) -> bytes:
    out = bytearray(data)
    struct.pack_into(code, out, where, *values)
    return bytes(out)


class Raw:
    """A flatbuffer put together slot by slot; offsets may point anywhere."""

    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1024)

    def table(self, **slots: tuple[str, Any]) -> int:
        """Slots as ``s<number>=(kind, value)``: u8, u16, i32 or a reference, ``ref``."""
        b = self.builder
        b.StartObject(max((int(k[1:]) for k in slots), default=-1) + 1)
        for key, (kind, value) in slots.items():
            slot = int(key[1:])
            if kind == "ref":
                b.PrependUOffsetTRelativeSlot(slot, value, 0)
            else:
                getattr(b, f"Prepend{_KINDS[kind]}Slot")(slot, value, None)
        return b.EndObject()

    def offsets(self, *offsets: int) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return self.builder.EndVector()

    def ints(self, *values: int) -> int:
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependInt32(value)
        return self.builder.EndVector()

    def string(self, text: str) -> int:
        return self.builder.CreateString(text)

    def model(self, *, major: int = 1, minor: int = 0, **slots: tuple[str, Any]) -> bytes:
        root = self.table(s0=("u16", major), s1=("u16", minor), **slots)
        self.builder.Finish(root, FILE_IDENTIFIER)
        return bytes(self.builder.Output())


_KINDS = {"u8": "Uint8", "u16": "Uint16", "i32": "Int32", "f32": "Float32"}
ROOT = MODEL
