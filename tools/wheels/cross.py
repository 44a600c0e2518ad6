"""Compiles the library for other machines with ``zig cc``, from the sources and flags of the ordinary build."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from tools.wheels.lock import locked
from tools.wheels.strip import strip
from tools.wheels.targets import Library
from xlite.interpreter.c import build

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / "build" / "zig"  # zig compiles the system's libraries itself, once

# Nothing in the file says where or when it was made.
_PLAIN = ("-g0", "-Wl,--build-id=none")


def compiler(library: Library) -> list[str]:
    """The command of a C compiler for what ``library`` is made for."""
    target = ("-target", library.triple, f"-mcpu={library.cpu}", *library.options)
    return [sys.executable, "-m", "ziglang", "cc", *target]


def available() -> bool:
    """Whether the cross compiler is installed."""
    return importlib.util.find_spec("ziglang") is not None


def use_cache() -> None:
    """Has zig keep what it made in the project's folder build/, unless the environment names another place."""
    os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", str(CACHE / "global"))
    os.environ.setdefault("ZIG_LOCAL_CACHE_DIR", str(CACHE / "local"))


def build_library(library: Library, folder: Path) -> Path:
    """Compiles it into ``folder`` where a source is newer than what is there, and returns its path: _xlite.so, and
    beside it _xlite_symbols.so, the same with the symbols of all functions. Raises BuildError with the compiler's
    words if that fails."""
    with locked(folder / "lock"):
        return _build_library(library, folder)


def _build_library(library: Library, folder: Path) -> Path:
    made, symbols = folder / "_xlite.so", folder / "_xlite_symbols.so"
    if build.is_current(made) and made.stat().st_mtime >= max(path.stat().st_mtime for path in HERE.glob("*.py")):
        return made
    use_cache()
    own = {build.NEON_FILES: [f"-mcpu={library.neon_cpu}"]} if library.neon_cpu else {}
    build.build(folder, _PLAIN, compiler(library), own, symbols.name)
    part = folder / "_xlite.part"
    part.write_bytes(strip(symbols.read_bytes()))
    os.replace(part, made)
    return made
