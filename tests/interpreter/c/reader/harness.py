"""The C reader as a program on this machine, and what it says of .xlite files."""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.wheels.lock import locked
from xlite.interpreter.c import build

HERE = Path(__file__).resolve().parent
FOLDERS = tuple(folder for folder in build.FOLDERS if folder.name != "host")  # without threads and Python
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g")
WARNINGS = tuple(f"-W{check}" for check in ("all", "extra", "pedantic", "conversion", "error"))
_HEADER = (build.INCLUDE / "xlite.h").read_text()
RULES = tuple(re.findall(r"^  RULE\((\w+),", _HEADER, re.MULTILINE))


@dataclass(frozen=True)
class Request:
    """A file, the arena that it may have, and the bytes of all its inputs (none: it is not run)."""

    file: bytes
    arena: int = 1 << 22
    inputs: bytes = b""


@dataclass(frozen=True)
class Verdict:
    """rule: its name, ``NONE`` where the file is accepted. op, tensor: indices, -1 for none."""

    rule: str
    op: int
    tensor: int
    arena: int
    ran: bool
    outputs: bytes

    @property
    def accepted(self) -> bool:
        return self.rule == "NONE"


def sources() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in folder.glob("*.c"))


def compile_program(folder: Path, programs: Sequence[Path], command: Sequence[str], optimize: str = "-O2") -> Path:
    """``programs``, of which the first gives the name, with the library's sources. Objects that are newer than
    what they are made of stay. Of several processes that want the same, one compiles and the others wait."""
    with locked(folder / "lock"):
        return _compiled(folder, programs, command, optimize)


def _compiled(folder: Path, programs: Sequence[Path], command: Sequence[str], optimize: str) -> Path:
    common = [*command, *build.FLAGS, optimize, "-DXL_PORTABLE", *build.include_flags()]
    headers = max(path.stat().st_mtime for path in [*build.ROOT.rglob("*.h"), Path(__file__)])

    def one(source: Path) -> Path:
        made = folder / f"{source.parent.name}-{source.stem}.o"
        if not made.exists() or made.stat().st_mtime < max(headers, source.stat().st_mtime):
            subprocess.run([*common, "-c", str(source), "-o", str(made)], check=True)
        return made

    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(one, [*programs, *sources()]))
    binary = folder / programs[0].stem
    done = subprocess.run(
        [*command, *map(str, objects), "-lm", "-o", str(binary)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return binary


def ask(binary: Path, requests: Iterable[Request], timeout: float = 600) -> list[Verdict]:
    """What the program says of each file. A crash or a sanitizer's finding fails the test with its report."""
    parts = []
    for r in requests:
        parts += [struct.pack("<III", len(r.file), r.arena, len(r.inputs)), r.file, r.inputs]
    done = subprocess.run([str(binary)], input=b"".join(parts), capture_output=True, check=False, timeout=timeout)
    verdicts = list(_parsed(done.stdout))
    assert done.returncode == 0, f"after {len(verdicts)} files: {done.stderr.decode(errors='replace')[-4000:]}"
    return verdicts


def _parsed(data: bytes) -> Iterable[Verdict]:
    head = struct.Struct("<iiiIII")
    at = 0
    while at + head.size <= len(data):
        rule, op, tensor, arena, ran, size = head.unpack_from(data, at)
        at += head.size
        yield Verdict(RULES[rule], op, tensor, arena, bool(ran), data[at : at + size])
        at += size
