"""Compiles the C library into one shared library with the system's C compiler.

``python -m xlite.interpreter.c.build`` builds it where the C backend looks for it; ``setup.py`` does the same
during an install. This module needs the standard library alone, since it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

ROOT = Path(__file__).resolve().parent
INCLUDE = ROOT / "include"
FOLDERS = tuple(ROOT / name for name in ("kernels", "tiled", "arch", "runtime", "host"))
LIBRARY_NAME = "_xlite" + {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
LIBRARY_FOLDER = ROOT.parent / "kernels" / "c"  # beside the modules that load it

# -ffp-contract=off: products and sums are rounded one by one, so that all backends agree. -fno-trapping-math:
# loops that choose between two values vectorise; nobody asks for floating-point exceptions.
FLAGS = ("-std=c99", "-O3", "-ffp-contract=off", "-fno-trapping-math")
_CHECKS = ("all", "extra", "pedantic", "conversion", "shadow", "undef", "strict-prototypes", "error")
STRICT = tuple(f"-W{check}" for check in _CHECKS)  # what the sources compile without a warning under
_SHARED = ("-shared", "-fvisibility=hidden", "-DXL_SHARED")


class BuildError(Exception):
    """The library could not be built. The message says why and what to do about it."""


def sources() -> list[Path]:
    """Every .c file of the shared library."""
    return sorted(path for folder in FOLDERS for path in folder.glob("*.c"))


def include_flags() -> list[str]:
    """Where the sources find each other's headers. Users of the library need only the first."""
    return [f"-I{folder}" for folder in (INCLUDE, *FOLDERS)]


def find_compiler() -> Optional[list[str]]:
    """The C compiler's command: ``$CC``, which may hold options, else the first of cc, gcc, clang on the path.
    None if there is none."""
    chosen = shlex.split(os.environ.get("CC", ""))
    for command in [chosen] if chosen else [["cc"], ["gcc"], ["clang"]]:
        if shutil.which(command[0]):
            return command
    return None


def build(folder: Path, flags: Sequence[str] = (), compiler: Optional[Sequence[str]] = None) -> Path:
    """Builds the library in ``folder`` and returns its path.

    flags: added to the usual ones. The file appears whole or not at all: it is compiled under another name and
    renamed. Raises BuildError if there is no compiler or if it fails.
    """
    command = list(compiler or find_compiler() or [])
    if not command:
        wanted = os.environ.get("CC", "").strip()
        missing = f"$CC is '{wanted}', which is not there" if wanted else "there is none of cc, gcc, clang"
        raise BuildError(f"no C compiler was found ({missing}): install one, for example with 'apt install gcc'")
    target = folder / LIBRARY_NAME
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=folder) as scratch:
        made = Path(scratch) / LIBRARY_NAME
        _run(
            [
                *command,
                *FLAGS,
                *_platform_flags(),
                *_SHARED,
                *flags,
                *_inputs(),
                "-o",
                str(made),
                "-lm",
                *_threads(),
            ]
        )
        os.replace(made, target)
    return target


def is_current(library: Path) -> bool:
    """True if ``library`` is there and no source or header is newer."""
    inputs = [*sources(), *ROOT.rglob("*.h"), Path(__file__)]
    return library.is_file() and library.stat().st_mtime >= max(path.stat().st_mtime for path in inputs)


def _inputs() -> list[str]:
    return [*include_flags(), *map(str, sources())]


def _platform_flags() -> list[str]:
    flags = [] if sys.platform == "win32" else ["-fPIC"]
    if sys.maxsize < 2**32 and platform.machine() in ("i386", "i486", "i586", "i686", "x86_64"):
        flags += ["-msse2", "-mfpmath=sse"]  # the x87 unit rounds to more digits than float has
    return flags


def _threads() -> list[str]:
    return [] if sys.platform == "win32" else ["-pthread"]


def _run(command: Sequence[str]) -> None:
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except OSError as error:
        raise BuildError(f"the C compiler '{command[0]}' cannot be run: {error}") from error
    if result.returncode:
        raise BuildError(f"'{shlex.join(command)}' failed:\n{result.stdout.strip()}")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    summary = "Compiles the C library into one shared library with the system's C compiler."
    parser = argparse.ArgumentParser(prog="python -m xlite.interpreter.c.build", description=summary)
    parser.add_argument("folder", nargs="?", type=Path, default=LIBRARY_FOLDER, help="where to put it")
    parser.add_argument("--flags", default="", help="more options for the compiler, as one string")
    parser.add_argument("--if-stale", action="store_true", help="do nothing if it is newer than every source")
    options = parser.parse_args(arguments)
    if options.if_stale and is_current(options.folder / LIBRARY_NAME):
        return 0
    try:
        print(build(options.folder, shlex.split(options.flags)))
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
