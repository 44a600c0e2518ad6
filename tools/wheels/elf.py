"""What a shared library asks of the machine and of the system that load it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

_GLIBC = re.compile(r"^GLIBC_(\d+)\.(\d+)")


@dataclass(frozen=True)
class Elf:
    """needed: the libraries it is linked to. glibc: the newest symbol version, as (2, 17); (0, 0) if it needs no
    glibc. exports: names of what others may call. attributes: Arm's build attributes by tag, empty elsewhere."""

    machine: str
    bits: int
    needed: tuple[str, ...]
    glibc: tuple[int, int]
    exports: frozenset[str]
    attributes: dict[str, Any]


def read_elf(path: Path) -> Elf:
    """Reads a shared library. Raises elftools' ELFError if it is none."""
    with open(path, "rb") as file:
        elf = ELFFile(file)
        dynamic = elf.get_section_by_name(".dynamic")
        needed = tuple(tag.needed for tag in dynamic.iter_tags() if tag.entry.d_tag == "DT_NEEDED")
        symbols = elf.get_section_by_name(".dynsym")
        exports = {
            symbol.name
            for symbol in symbols.iter_symbols()
            if symbol.name and symbol.entry.st_shndx != "SHN_UNDEF" and symbol.entry.st_info.bind == "STB_GLOBAL"
        }
        return Elf(elf.get_machine_arch(), elf.elfclass, needed, _glibc(elf), frozenset(exports), _attributes(elf))


def _glibc(elf: ELFFile) -> tuple[int, int]:
    found = [(0, 0)]
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for _, versions in section.iter_versions():
                matches = (_GLIBC.match(version.name) for version in versions)
                found += [(int(match[1]), int(match[2])) for match in matches if match]
    return max(found)


def _attributes(elf: ELFFile) -> dict[str, Any]:
    section = elf.get_section_by_name(".ARM.attributes")
    if section is None:
        return {}
    return {
        attribute.tag: attribute.value
        for vendor in section.iter_subsections()
        for scope in vendor.iter_subsubsections()
        for attribute in scope.iter_attributes()
    }
