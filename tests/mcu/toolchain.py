"""Compilers, linker and emulator of the boards: which are here, and how firmware is built with them."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.mcu.boards import Board
from xlite.interpreter.c import build as library

FIRMWARE = Path(__file__).resolve().parent / "firmware"
BUILT = Path(__file__).resolve().parents[2] / "build" / "mcu"
PREFIX = {"arm": "arm-none-eabi-", "riscv": "riscv64-unknown-elf-"}
EMULATOR = {"arm": "qemu-system-arm", "riscv": "qemu-system-riscv32"}
PACKAGES = {
    "arm": ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm"),
    "riscv": ("gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf", "qemu-system-misc"),
}

# The project's own flags, functions and data in sections of their own so that the linker drops what nobody calls.
FLAGS = ("-std=gnu99", "-ffp-contract=off", "-fno-trapping-math", "-ffunction-sections", "-fdata-sections", "-g0")
STACK = 1536  # bytes that a program leaves free at least


class BuildError(Exception):
    """What the compiler or the linker said."""


class MissingTool(Exception):
    """What is not installed here, in one line."""


def missing(family: str) -> str:
    """Why boards of this family cannot be built and run here; empty if they can."""
    for tool in (f"{PREFIX[family]}gcc", EMULATOR[family], "timeout"):
        if not shutil.which(tool):
            return f"{tool} is not installed here: make mcu-tools, or apt-get install {' '.join(PACKAGES[family])}"
    return ""


def compiler(board: Board, linking: bool = False) -> list[str]:
    """gcc and the flags that say which processor and which C library: newlib, without its system calls, or
    picolibc. There is no library for RISC-V's Zbb: programs are linked with that of the base instruction set."""
    specs = {"arm": "nano.specs", "riscv": "picolibc.specs"}[board.family]
    flags = [flag.partition("_")[0] if linking and board.family == "riscv" else flag for flag in board.flags]
    return [f"{PREFIX[board.family]}gcc", *flags, f"--specs={specs}"]


def build(
    board: Board,
    sources: Iterable[Path],
    elf: Path,
    optimize: str = "-O2",
    flags: Sequence[str] = (),
    stack: int = STACK,
) -> Path:
    """Compiles ``sources`` with the board's start-up into ``elf``. Raises MissingTool, or BuildError with
    what the compiler says."""
    own = [FIRMWARE / "board.c", FIRMWARE / f"{board.family}.c"]
    objects = compile_all(board, [*own, *sources], elf.with_suffix(".objects"), optimize, flags)
    return link(board, objects, elf, stack)


def compile_all(
    board: Board, sources: Iterable[Path], folder: Path, optimize: str = "-O2", flags: Sequence[str] = ()
) -> list[Path]:
    """One object a source. Names of files may repeat, their numbers do not."""
    reason = missing(board.family)
    if reason:
        raise MissingTool(reason)
    folder.mkdir(parents=True, exist_ok=True)
    command = [*compiler(board), *FLAGS, optimize, f"-I{FIRMWARE}", *flags]
    pairs = [(source, folder / f"{number}-{source.stem}.o") for number, source in enumerate(sources)]
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda pair: _run([*command, "-c", str(pair[0]), "-o", str(pair[1])]), pairs))
    return [made for _, made in pairs]


def library_objects(
    board: Board, sources: Iterable[Path], optimize: str = "-O2", flags: Sequence[str] = ()
) -> list[Path]:
    """Sources of the library for this board, of which the linker takes what is called. Each is compiled once for
    the same text, headers and flags, and kept under build/mcu."""
    base = repr((compiler(board), FLAGS, optimize, tuple(flags), _headers_digest())).encode()
    folder = BUILT / "objects"
    found, to_make = [], []
    for source in sources:
        digest = hashlib.sha256(base + source.read_bytes()).hexdigest()[:24]
        found.append(folder / f"{source.stem}-{digest}.o")
        if not found[-1].is_file():
            to_make.append((source, found[-1]))
    if to_make:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILT) as scratch:
            wanted = [source for source, _ in to_make]
            made = compile_all(board, wanted, Path(scratch), optimize, [*include_flags(), *flags])
            for path, (_, target) in zip(made, to_make):
                os.replace(path, target)
    return found


def _headers_digest() -> str:
    return hashlib.sha256(b"".join(p.read_bytes() for p in sorted(library.ROOT.rglob("*.h")))).hexdigest()


def include_flags() -> list[str]:
    return [f"-I{folder}" for folder in sorted({path.parent for path in library.ROOT.rglob("*.h")})]


def link(board: Board, objects: Iterable[Path], elf: Path, stack: int = STACK) -> Path:
    regions = {"FLASH": board.flash, "RAM": board.ram}
    layout = {f"{name}_ORIGIN": region.origin for name, region in regions.items()}
    layout.update({f"{name}_SIZE": region.size for name, region in regions.items()}, STACK_SIZE=stack)
    script = [f"-Wl,--defsym={name}={value:#x}" for name, value in layout.items()]
    entry = {"arm": "board_reset", "riscv": "_start"}[board.family]
    script += ["-nostartfiles", "-Wl,--gc-sections", f"-Wl,-e,{entry}", "-Wl,--no-warn-rwx-segments"]
    script += ["-T", str(FIRMWARE / "board.ld")]
    libraries = ["-Wl,--start-group", "-lm", "-lc", "-lgcc", "-Wl,--end-group"]
    _run([*compiler(board, linking=True), *script, *map(str, objects), *libraries, "-nostdlib", "-o", str(elf)])
    return elf


def portable_sources() -> list[Path]:
    """The library as a microcontroller has it: no register tiles, nothing of a shared library."""
    return [path for path in library.sources() if path.parent.name not in ("host", "tiled")]


def kernel_sources() -> list[Path]:
    """Of those, what generated code is made of: not the interpreter."""
    return [path for path in portable_sources() if library.ROOT / "runtime" not in path.parents]


@dataclass(frozen=True)
class Sizes:
    """Bytes of an ELF file, by what they cost."""

    text: int  # instructions
    constants: int  # weights among them
    data: int  # in flash and in RAM
    bss: int
    arena: int

    @property
    def flash(self) -> int:
        return self.text + self.constants + self.data


def sizes(board: Board, elf: Path) -> Sizes:
    done = subprocess.run(
        [f"{PREFIX[board.family]}size", "-A", str(elf)], capture_output=True, text=True, check=True
    )
    found = {line.split()[0]: int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith(".")}
    names = (".text", ".rodata", ".data", ".bss", ".arena")
    return Sizes(*(found.get(name, 0) for name in names))


@cache
def plugin(folder: Path) -> Path | None:
    """The counting plugin, compiled into ``folder`` for the emulator that is here. None without a compiler."""
    command = library.find_compiler()
    if command is None:
        return None
    made = folder / "count.so"
    folder.mkdir(parents=True, exist_ok=True)
    version = f"-DPLUGIN_VERSION={1 if _qemu_version() < 9 else 2}"
    scratch = folder / f"count-{os.getpid()}.so"
    flags = ["-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", version]
    _run([*command, *flags, str(FIRMWARE / "count.c"), "-o", str(scratch)])
    os.replace(scratch, made)
    return made


def _qemu_version() -> int:
    tool = next((name for name in EMULATOR.values() if shutil.which(name)), None)
    if tool is None:
        return 0
    said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.partition("version ")[2].partition(".")[0])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{shlex.join(command)}:\n{done.stdout}")
