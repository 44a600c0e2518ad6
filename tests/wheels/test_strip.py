"""Stripping leaves all that is loaded as it was, and what is left is a well-formed file."""

from __future__ import annotations

import io

import pytest

pytest.importorskip("ziglang", reason="the extra 'wheels' is not installed")
pytest.importorskip("elftools", reason="the extra 'wheels' is not installed")

from elftools.elf.elffile import ELFFile

from tests.wheels import building
from tools.wheels.strip import strip
from tools.wheels.targets import AARCH64, ARMV6L, Library

BITS = [ARMV6L, AARCH64]


def loaded(elf: ELFFile) -> list[tuple]:
    return [
        (section.name, dict(section.header, sh_name=0), section.data())
        for section in elf.iter_sections()
        if section["sh_flags"] & 2 or section.name == ".ARM.attributes"
    ]


@pytest.mark.parametrize("library", BITS, ids=lambda library: library.name)
def test_what_is_loaded_stays(library: Library):
    content = building.library_with_symbols(library).read_bytes()
    before, after = ELFFile(io.BytesIO(content)), ELFFile(io.BytesIO(strip(content)))
    assert loaded(after) == loaded(before)
    assert [segment.header for segment in after.iter_segments()] == [s.header for s in before.iter_segments()]
    for segment in after.iter_segments():
        start, end = segment["p_offset"], segment["p_offset"] + segment["p_filesz"]
        assert strip(content)[64:][max(start - 64, 0) : max(end - 64, 0)] == content[max(start, 64) : max(end, 64)]


@pytest.mark.parametrize("library", BITS, ids=lambda library: library.name)
def test_symbols_and_debugging_data_go(library: Library):
    content = building.library_with_symbols(library).read_bytes()
    names = [section.name for section in ELFFile(io.BytesIO(strip(content))).iter_sections()]
    assert ".symtab" in [section.name for section in ELFFile(io.BytesIO(content)).iter_sections()]
    assert ".dynsym" in names
    assert not [name for name in names if name in (".symtab", ".strtab") or name.startswith(".debug")]
    assert len(strip(content)) < len(content)
    assert strip(strip(content)) == strip(content)


@pytest.mark.parametrize("content", [b"", b"MZ" + bytes(64), b"\x7fELF\x01\x02" + bytes(64)])
def test_other_files_are_refused(content):
    with pytest.raises(ValueError, match="no little-endian ELF file"):
        strip(content)
