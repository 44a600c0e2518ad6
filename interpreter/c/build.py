"""Compiles the C library into one shared library with the system's C compiler.

``python -m xlite.interpreter.c.build`` builds it where the C backend looks for it; ``setup.py`` does the same
during an install, and ``make wheels`` for other machines with a cross compiler. This module needs the standard
library alone, since it runs before anything is installed.

A new folder of sources is one more name in FOLDERS; files that need another instruction set than the rest of the
library are one more line of ``own_flags``.
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
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Optional

ROOT = Path(__file__).resolve().parent
INCLUDE = ROOT / "include"
FOLDERS = tuple(
    ROOT / name for name in ("kernels", "lookup", "tiled", "arch", "runtime", "runtime/entries", "host")
)
LIBRARY_NAME = "_xlite" + {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
LIBRARY_FOLDER = ROOT.parent / "kernels" / "c"  # beside the modules that load it

# -ffp-contract=off: products and sums are rounded one by one, so that all backends agree. -fno-trapping-math:
# loops that choose between two values vectorise; nobody asks for floating-point exceptions.
FLAGS = ("-std=c99", "-O3", "-ffp-contract=off", "-fno-trapping-math")
_CHECKS = ("all", "extra", "pedantic", "conversion", "shadow", "undef", "strict-prototypes", "error")
STRICT = tuple(f"-W{check}" for check in _CHECKS)  # what the sources compile without a warning under
_SHARED = ("-shared", "-fvisibility=hidden", "-DXL_SHARED")

OwnFlags = Mapping[str, Sequence[str]]  # options of the sources whose name matches a pattern
NEON_FILES = "arm_neon*.c"
NEON_CHOSEN = "-DXL_ARM_NEON"  # tells the other files that there are tiles for NEON, to be chosen at run time


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


def build(
    folder: Path,
    flags: Sequence[str] = (),
    compiler: Optional[Sequence[str]] = None,
    own: Optional[OwnFlags] = None,
    name: str = LIBRARY_NAME,
) -> Path:
    """Builds the library in ``folder`` and returns its path.

    flags: added to the usual ones, when compiling as when linking. own: more of them for the files that a pattern
    matches; without it they are found for what the compiler compiles for. The file appears whole or not at all:
    it is made under another name and renamed. Raises BuildError if there is no compiler or if it fails.
    """
    command = list(compiler or find_compiler() or [])
    if not command:
        wanted = os.environ.get("CC", "").strip()
        missing = f"$CC is '{wanted}', which is not there" if wanted else "there is none of cc, gcc, clang"
        raise BuildError(f"no C compiler was found ({missing}): install one, for example with 'apt install gcc'")
    common = [*command, *FLAGS, *_platform_flags(), *_SHARED, *flags]
    own = own_flags([*command, *flags]) if own is None else own
    if NEON_FILES in own:
        common.append(NEON_CHOSEN)
    target = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=folder) as scratch:
        made = Path(scratch) / name
        objects = _compile([*common, *include_flags()], own, Path(scratch))
        _run([*common, *map(str, objects), "-o", str(made), "-lm", *_threads()])
        os.replace(made, target)
    return target


def own_flags(command: Sequence[str]) -> dict[str, list[str]]:
    """The files that want other options than the rest where ``command``, a compiler with its options, compiles
    for: on 32-bit Arm from ARMv7 on, NEON in the files that use it, since not every such machine has it."""
    macros = predefined(command)
    has_vfp = int(macros.get("__ARM_FP", "0"), 0) != 0
    if "__arm__" in macros and int(macros.get("__ARM_ARCH", "0")) >= 7 and has_vfp and "__ARM_NEON" not in macros:
        return {NEON_FILES: ["-mfpu=neon"]}
    return {}


def predefined(command: Sequence[str]) -> dict[str, str]:
    """The macros that the compiler defines by itself; none if it does not tell."""
    done = _start([*command, "-dM", "-E", "-x", "c", os.devnull])
    found = (line.split(None, 2) for line in done.stdout.splitlines() if line.startswith("#define "))
    return {words[1]: words[2] if len(words) > 2 else "" for words in found}


def is_current(library: Path) -> bool:
    """True if ``library`` is there and no source or header is newer."""
    inputs = [*sources(), *ROOT.rglob("*.h"), Path(__file__)]
    return library.is_file() and library.stat().st_mtime >= max(path.stat().st_mtime for path in inputs)


def _compile(common: Sequence[str], own: OwnFlags, folder: Path) -> list[Path]:
    """Every source to an object in ``folder``, as many at once as there are processors."""

    def one(source: Path) -> Path:
        made = folder / f"{source.parent.name}-{source.stem}.o"
        more = [flag for pattern, flags in own.items() if source.match(pattern) for flag in flags]
        _run([*common, *more, "-c", str(source), "-o", str(made)])
        return made

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, sources()))


def _platform_flags() -> list[str]:
    flags = [] if sys.platform == "win32" else ["-fPIC"]
    if sys.maxsize < 2**32 and platform.machine() in ("i386", "i486", "i586", "i686", "x86_64"):
        flags += ["-msse2", "-mfpmath=sse"]  # the x87 unit rounds to more digits than float has
    return flags


def _threads() -> list[str]:
    return [] if sys.platform == "win32" else ["-pthread"]


def _run(command: Sequence[str]) -> None:
    result = _start(command)
    if result.returncode:
        raise BuildError(f"'{shlex.join(command)}' failed:\n{result.stdout.strip()}")


def _start(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except OSError as error:
        raise BuildError(f"the C compiler '{command[0]}' cannot be run: {error}") from error


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
