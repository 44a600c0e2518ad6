"""Which of the two libraries in the wheel for ARMv6 is loaded, which is refused, and who says so."""

from __future__ import annotations

import struct
import warnings

import pytest

from tests.interpreter.networks import residual_network
from xlite.interpreter import Interpreter, Resolver, backends, resolver
from xlite.interpreter.kernels.c import library
from xlite.schema.errors import BackendError

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


# -- refused ---------------------------------------------------------------------------------------------------


@pytest.fixture
def own(monkeypatch, tmp_path):
    """Where the package's own library is looked for, as if nothing had been loaded yet."""
    path = tmp_path / library.LIBRARY_NAME
    monkeypatch.delenv(library.ENVIRONMENT, raising=False)
    monkeypatch.setattr(library, "own_library", lambda: path)
    monkeypatch.setattr(backends, "BACKENDS", ("c", "numpy"))
    caches = (library._load, resolver._fastest, backends.kernels_of)
    for cache in caches:
        cache.cache_clear()
    yield path
    for cache in caches:
        cache.cache_clear()


@pytest.mark.parametrize("backend", [None, ("c", "numpy")])
def test_one_that_is_there_and_cannot_be_loaded_is_not_passed_over_in_silence(own, backend):
    own.write_text("not a library")
    with pytest.warns(RuntimeWarning, match=r"without its C library.*cannot be loaded.*build it with"):
        assert Interpreter(residual_network(), backend=backend).backends == {"numpy": 22}


def test_that_there_is_none_is_no_fault(own):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Resolver().default_backend == "numpy"
    assert "is not there" in backends.unavailable_reason("c")


@pytest.mark.parametrize("there", [True, False])
def test_one_that_was_asked_for_must_be_usable(own, monkeypatch, tmp_path, there):
    path = tmp_path / "mine.so"
    if there:
        path.write_text("not a library")
    monkeypatch.setenv(library.ENVIRONMENT, str(path))
    for backend in (None, ("c", "numpy"), "c"):
        with pytest.raises(BackendError, match=r"mine.so.*unset XLITE_LIBRARY"):
            Interpreter(residual_network(), backend=backend)
    assert Interpreter(residual_network(), backend="numpy").backends == {"numpy": 22}


def elf(*attributes: bytes) -> bytes:
    """A library for 32-bit Arm with these build attributes, as far as anybody reads it before it is loaded."""
    file = b"".join(attributes)
    file = b"\x01" + struct.pack("<I", len(file) + 5) + file
    vendor = b"aeabi\0" + file
    section = b"A" + struct.pack("<I", len(vendor) + 4) + vendor
    header = b"\x7fELF\x01\x01\x01".ljust(32, b"\0") + struct.pack("<I", 52) + b"\0" * 10
    header += struct.pack("<HHH", 40, 2, 0)
    sections = b"\0" * 40 + struct.pack("<10I", 0, library._ATTRIBUTES, 0, 0, 132, len(section), 0, 0, 1, 0)
    return header + sections + section


NAMED, V6, V7 = b"\x43" + b"2.09\0" + b"\x05" + b"cortex-a8\0", b"\x06\x06", b"\x06\x0a"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (elf(V6), 6),
        (elf(NAMED, V7), 10),
        (elf(b"\x07\x41", V7), 10),  # another attribute first
        (elf(NAMED), 0),
        (elf(NAMED)[:-4], 0),
        (b"\x7fELF\x02\x01".ljust(64, b"\0"), 0),  # of 64 bits
        (b"", 0),
    ],
)
def test_what_a_library_was_built_for(tmp_path, content, expected):
    path = tmp_path / "lib.so"
    path.write_bytes(content)
    assert library.arm_architecture(path) == expected


@pytest.mark.parametrize(
    ("machine", "content", "refused"), [("armv6l", V7, True), ("armv6l", V6, False), ("armv7l", V7, False)]
)
def test_an_armv6_does_not_load_what_is_for_armv7(own, monkeypatch, machine, content, refused):
    """It would end there with ``Illegal instruction``; here loading such a file fails in any case."""
    own.write_bytes(elf(content))
    monkeypatch.setattr(library, "machine", lambda: machine)
    with pytest.warns(
        RuntimeWarning, match="this processor is an ARMv6" if refused else "cannot be loaded"
    ) as said:
        assert Resolver().default_backend != "c"
    assert ("pip install --force-reinstall" in str(said[0].message)) is refused
