"""Finds and loads the shared library of the C backend, and refuses one that does not fit this package.

It is ``$XLITE_LIBRARY`` if that is set, else the file beside this module that the install or
``python -m xlite.interpreter.c.build`` puts there. The wheel for ARMv6 brings a second one, for ARMv7, which is
taken where there is NEON: a card that was set up in a Pi Zero is fast in a Pi 3, too.

A library that somebody asked for, or that lies there, and cannot be used is never passed over in silence:
:func:`check` says so. One for ARMv7 is not loaded by an ARMv6, which would end with ``Illegal instruction``.

``$XLITE_ISA`` names the instruction set that the library may use, or ``portable`` for none beyond what the
compiler took for granted; without it, it is the best that this machine has.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from functools import cache
from pathlib import Path

from xlite.interpreter.kernels.c.structs import ABI_VERSION, STRUCTS, StructSize
from xlite.interpreter.targets import machine
from xlite.schema.errors import BackendError
from xlite.schema.records import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Callable, Optional

ENVIRONMENT = "XLITE_LIBRARY"
ISA_ENVIRONMENT = "XLITE_ISA"
PORTABLE = "portable"
# Where interpreter/c/build.py puts it. A device loads this module at start, and importing that one would bring
# argparse and subprocess along: half of the time until a first interpreter stands. A test holds the two together.
LIBRARY_FOLDER = Path(__file__).resolve().parent
LIBRARY_NAME = "_xlite" + {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
ARMV7_LIBRARY_NAME = "_xlite_armv7.so"
AUXILIARY_VECTOR = Path("/proc/self/auxv")  # what Linux tells each process about the machine: pairs of longs
_AT_HWCAP, _HWCAP_NEON = 16, 1 << 12  # of 32-bit Arm
_REBUILD = "build it with 'python -m xlite.interpreter.c.build'"
_REINSTALL = "install the wheel for this board with 'pip install --force-reinstall --no-deps xlite'"
# ELF's section of Arm's build attributes, the attribute of the architecture and its value for ARMv7. What pip
# chose on a Pi 3 is for that alone, and goes into a Pi Zero with the card (docs/wheels.md).
_ATTRIBUTES, _CPU_ARCH, _ARMV7 = 0x70000003, 6, 10
_STRINGS = (4, 5, 67)  # attributes below 32, and that of the ABI's version, whose values are text


class Library:
    """A loaded library. ``run`` is ``xl_run``; functions are called with addresses as plain ints."""

    def __init__(self, path: Path) -> None:
        """Raises BackendError with the reason and the mend if there is no library at ``path`` or if it was built
        from other sources than this package's."""
        if not path.is_file():
            raise BackendError(f"the C library '{path}' is not there: {_REBUILD}")
        if machine().startswith("armv6") and arm_architecture(path) >= _ARMV7:
            raise BackendError(f"the C library '{path}' is for ARMv7, this processor is an ARMv6: {_REINSTALL}")
        try:
            self.cdll = ctypes.CDLL(str(path))
        except OSError as error:
            raise BackendError(f"the C library '{path}' cannot be loaded ({error}): {_REBUILD}") from error
        self.path = path
        mismatch = self._mismatch()
        if mismatch:
            raise BackendError(f"the C library '{path}' is of another version of xlite ({mismatch}): {_REBUILD}")
        self.run = self.cdll.xl_run
        self.run.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
        self.run.restype = None

    def isas(self) -> dict[str, int]:
        """The instruction sets with register tiles that this machine has, the fastest first, and the address of
        each."""
        every, name_of = self.cdll.xl_isas, self.cdll.xl_isa_name
        every.restype = ctypes.POINTER(ctypes.c_void_p)
        name_of.restype = ctypes.c_char_p
        table = every()
        found: dict[str, int] = {}
        while table[len(found)] is not None:
            address = table[len(found)]
            found[name_of(ctypes.c_void_p(address)).decode()] = address
        return found

    def address(self, name: str) -> int:
        """Where an exported function is."""
        return ctypes.cast(getattr(self.cdll, name), ctypes.c_void_p).value or 0

    def kernel(self, name: str) -> int:
        """Where a kernel is: as it was compiled for the instruction set in use, if it was."""
        found, isa_in_use = self.address(name), _choose_isa(self, os.environ.get(ISA_ENVIRONMENT))[1]
        if isa_in_use is None:
            return found
        own = self.cdll.xl_isa_kernel
        own.restype = ctypes.c_void_p
        return own(ctypes.c_void_p(isa_in_use), ctypes.c_void_p(found))

    def size_function(self, name: str) -> Callable[..., int]:
        """A function that gives a number of bytes."""
        function = getattr(self.cdll, name)
        function.restype = ctypes.c_uint64
        return function

    def workspace(self, name: str, params: ctypes.Structure) -> int:
        """Bytes that the ``_workspace`` function ``name`` asks for."""
        return self.size_function(name)(ctypes.byref(params))

    def _mismatch(self) -> str:
        """How the library differs from what this package was written for; empty if it does not."""
        try:
            version = self.cdll.xl_abi_version
            sizes = self.cdll.xl_struct_sizes
        except AttributeError as error:
            return str(error)
        version.restype = ctypes.c_uint32
        if version() != ABI_VERSION:
            return f"its ABI version is {version()}, not {ABI_VERSION}"
        sizes.restype = ctypes.POINTER(StructSize)
        table = sizes()
        found: dict[str, int] = {}
        while table[len(found)].name is not None:
            found[table[len(found)].name.decode()] = table[len(found)].bytes
        wanted = {name: ctypes.sizeof(struct) for name, struct in STRUCTS.items()}
        wrong = [name for name in {**wanted, **found} if wanted.get(name) != found.get(name)]
        return f"{wrong[0]} has {found.get(wrong[0])} bytes, not {wanted.get(wrong[0])}" if wrong else ""


def has_neon() -> bool:
    """Whether this is a process of 32-bit Arm with NEON. Means something on 32-bit Arm alone."""
    try:
        vector = AUXILIARY_VECTOR.read_bytes()
    except OSError:
        return False  # no /proc: what every machine takes is right as well
    size = ctypes.sizeof(ctypes.c_ulong)
    words = [int.from_bytes(vector[at : at + size], sys.byteorder) for at in range(0, len(vector), size)]
    return any(key == _AT_HWCAP and value & _HWCAP_NEON != 0 for key, value in zip(words[::2], words[1::2]))


def arm_architecture(path: Path) -> int:
    """``Tag_CPU_arch`` of a library for 32-bit Arm (6 is ARMv6, 10 ARMv7); 0 where the file does not say."""
    try:
        data = path.read_bytes()
        if data[:6] != b"\x7fELF\x01\x01":
            return 0
        (sections,) = struct.unpack_from("<I", data, 32)
        size, count = struct.unpack_from("<HH", data, 46)
        for at in range(sections, sections + size * count, size):
            kind, _, _, offset, length = struct.unpack_from("<5I", data, at + 4)
            if kind == _ATTRIBUTES:
                return _cpu_arch(data[offset : offset + length])
    except (OSError, struct.error, IndexError, ValueError):
        pass  # whoever loads it says what is wrong with it
    return 0


def _cpu_arch(section: bytes) -> int:
    """Out of ``A``, a length, the vendor's name, then of the whole file a tag, a length and pairs of attribute and
    value, the same way."""
    at = section.index(0, 5) + 6

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = section[at]
            value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
            if byte < 0x80:
                return value

    while True:
        attribute = number()
        if attribute in _STRINGS:
            at = section.index(0, at) + 1
            continue
        value = number()
        if attribute == _CPU_ARCH:
            return value


def own_library(folder: Path = LIBRARY_FOLDER) -> Path:
    """The library in ``folder`` for this machine, or where it would be."""
    better = folder / ARMV7_LIBRARY_NAME
    return better if better.is_file() and has_neon() else folder / LIBRARY_NAME


@cache
def _load(chosen: Optional[str]) -> tuple[Optional[Library], str]:
    """The library at ``chosen``, or else at its usual place; or None and the reason."""
    try:
        return Library(Path(chosen) if chosen else own_library()), ""
    except BackendError as error:
        return None, f"{error}, or unset {ENVIRONMENT}" if chosen else str(error)


def check() -> None:
    """For whoever is about to do without the library. Raises BackendError where ``$XLITE_LIBRARY`` asks for one
    that cannot be used; warns where the package's own is there and cannot. That there is none is no fault."""
    chosen = os.environ.get(ENVIRONMENT)
    library, reason = _load(chosen)
    if library is not None:
        return
    if chosen:
        raise BackendError(reason)
    if own_library().is_file():
        import warnings

        warnings.warn(f"xlite computes without its C library, much slower: {reason}", RuntimeWarning, stacklevel=2)


def load() -> Library:
    """The library, loaded once. Raises BackendError with the reason if it cannot be used."""
    library, reason = _load(os.environ.get(ENVIRONMENT))
    if library is None:
        raise BackendError(reason)
    return library


def available() -> bool:
    """Whether the library can be used here."""
    return _load(os.environ.get(ENVIRONMENT))[0] is not None


def unavailable_reason() -> str:
    """Why the library cannot be used here, and the mend; empty if it can."""
    return _load(os.environ.get(ENVIRONMENT))[1]


@cache
def _choose_isa(library: Library, chosen: Optional[str]) -> tuple[str, Optional[int]]:
    isas = library.isas()
    if not chosen:
        return next(iter(isas.items()), (PORTABLE, None))
    if chosen != PORTABLE and chosen not in isas:
        known = ", ".join([*isas, PORTABLE])
        raise BackendError(
            f"${ISA_ENVIRONMENT} is '{chosen}', which this machine or library does not have: {known}"
        )
    return chosen, isas.get(chosen)


def isa() -> tuple[str, Optional[int]]:
    """The instruction set in use, by name, and its address in the library; ``portable`` has none. Raises
    BackendError where ``$XLITE_ISA`` names one that is not there."""
    return _choose_isa(load(), os.environ.get(ISA_ENVIRONMENT))
