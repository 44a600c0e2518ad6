"""Takes what nothing needs to run out of a shared library: symbols of functions that nobody outside calls, and
debugging data. What is left keeps its bytes and its place: sections that are not loaded come last in the file, so
that it ends earlier and has a shorter table of sections.

``zig cc -s`` would do, but compiles its own part of the library anew for it: what a test disassembles with symbols
has to be what is shipped without.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

# From here on: offsets of fields in the header of the file, by its class, and how they and a section's header are
# written. "ELF-64 Object File Format" and "System V ABI", chapter 4.
_CLASSES = {1: (0x20, "<I", 0x2E, "<10I"), 2: (0x28, "<Q", 0x3A, "<IIQQQQIIQQ")}
_ALLOCATED = 2
_STRING_TABLE, _NOBITS = 3, 8
_KEPT = (b".ARM.attributes",)


@dataclass(frozen=True)
class _Section:
    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry_size: int

    def values(self) -> tuple[int, ...]:
        return tuple(self.__dict__.values())


def strip(content: bytes) -> bytes:
    """``content`` of a little-endian ELF file without symbols and debugging data. Raises ValueError if it is none,
    or if what is loaded does not come first."""
    if content[:4] != b"\x7fELF" or content[5] != 1:
        raise ValueError("this is no little-endian ELF file")
    table_at, offset_format, counts_at, format_ = _CLASSES[content[4]]
    (start,) = struct.unpack_from(offset_format, content, table_at)
    size, count, names_index = struct.unpack_from("<3H", content, counts_at)
    sections = [_Section(*struct.unpack_from(format_, content, start + size * index)) for index in range(count)]
    table = _bytes(content, sections[names_index])
    names = [table[section.name : table.index(b"\0", section.name)] for section in sections]
    kept = [0, *(i for i in range(1, count) if sections[i].flags & _ALLOCATED or names[i] in _KEPT)]
    loaded = [i for i in kept if sections[i].flags & _ALLOCATED]
    if loaded != list(range(1, len(loaded) + 1)):
        raise ValueError("sections that are not loaded lie between those that are")
    end = max(sections[i].offset + (0 if sections[i].type == _NOBITS else sections[i].size) for i in kept)
    return _write(content[:end], [(names[i], sections[i]) for i in kept], content[4])


def _bytes(content: bytes, section: _Section) -> bytes:
    return content[section.offset : section.offset + section.size]


def _write(content: bytes, kept: list[tuple[bytes, _Section]], class_: int) -> bytes:
    """``content`` with a table of the sections behind it."""
    table_at, offset_format, counts_at, format_ = _CLASSES[class_]
    own = b".shstrtab"
    names, places = b"\0", [0]
    for name in [*(name for name, _ in kept[1:]), own]:
        places.append(len(names))
        names += name + b"\0"
    sections = [replace(section, name=place) for (_, section), place in zip(kept, places)]
    sections.append(_Section(places[-1], _STRING_TABLE, 0, 0, len(content), len(names), 0, 0, 1, 0))
    out = bytearray(content + names)
    out += bytes(-len(out) % 8)
    struct.pack_into(offset_format, out, table_at, len(out))
    struct.pack_into("<HH", out, counts_at + 2, len(sections), len(sections) - 1)
    for section in sections:
        out += struct.pack(format_, *section.values())
    return bytes(out)
