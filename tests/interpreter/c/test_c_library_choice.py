"""Which of the two libraries in the wheel for ARMv6 is loaded."""

from __future__ import annotations

import struct

import pytest

from xlite.interpreter.kernels.c import library

AT_PAGESZ, AT_HWCAP, AT_HWCAP2 = 6, 16, 26
NEON, VFP = 1 << 12, 1 << 6


def vector(*pairs: tuple[int, int]) -> bytes:
    """As Linux shows it to a process of this machine's word size."""
    return b"".join(struct.pack("@LL", *pair) for pair in (*pairs, (0, 0)))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (vector((AT_PAGESZ, 4096), (AT_HWCAP, NEON | VFP)), True),
        (vector((AT_HWCAP, VFP)), False),
        (vector((AT_PAGESZ, NEON), (AT_HWCAP2, NEON), (AT_HWCAP, VFP)), False),  # other entries' bits
        (vector((AT_PAGESZ, AT_HWCAP), (NEON, 0)), False),  # a value is no key
        (b"", False),
    ],
)
def test_neon_is_a_bit_of_hwcap(monkeypatch, tmp_path, content, expected):
    path = tmp_path / "auxv"
    path.write_bytes(content)
    monkeypatch.setattr(library, "AUXILIARY_VECTOR", path)
    assert library.has_neon() is expected


def test_without_proc_the_library_that_every_machine_takes(monkeypatch, tmp_path):
    monkeypatch.setattr(library, "AUXILIARY_VECTOR", tmp_path / "nothing")
    (tmp_path / library.ARMV7_LIBRARY_NAME).touch()
    assert library.own_library(tmp_path) == tmp_path / library.LIBRARY_NAME


@pytest.mark.parametrize("neon", [True, False])
@pytest.mark.parametrize("both", [True, False])
def test_the_second_library_is_for_neon(monkeypatch, tmp_path, neon, both):
    monkeypatch.setattr(library, "has_neon", lambda: neon)
    if both:
        (tmp_path / library.ARMV7_LIBRARY_NAME).touch()
    expected = library.ARMV7_LIBRARY_NAME if both and neon else library.LIBRARY_NAME
    assert library.own_library(tmp_path).name == expected
