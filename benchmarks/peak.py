"""The machine's physical bound: ``peak.c``, compiled for this machine and asked once a round."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.environment import FOLDER

SOURCE = Path(__file__).resolve().parent / "peak.c"
KINDS = ("binary", "float", "int8")
Peaks = dict[str, dict[str, Any]]  # kernel -> kind, isa, registers and l1 in 10^9 multiply-accumulates a second


class NoPeak(Exception):
    """The bound cannot be measured here; the message says why."""


class Peak:
    """The compiled program, running. Use as a context manager. Raises NoPeak."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._process = subprocess.Popen(
            [str(_compiled(folder))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def measure(self) -> Peaks:
        """Every kernel that this processor has, once."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise NoPeak(f"the program that measures it ended with status {self._process.wait()}")
        return dict(json.loads(line))

    def __enter__(self) -> Peak:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def best(peaks: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, float]]:
    """kind -> the fastest kernel and its rate, from registers or from L1, whichever is more."""
    found: dict[str, tuple[str, float]] = {}
    for name, peak in peaks.items():
        rate = max(peak["registers"], peak["l1"])
        if peak["kind"] not in found or rate > found[peak["kind"]][1]:
            found[peak["kind"]] = name, rate
    return found


def bound_ms(macs: Mapping[str, int], peaks: Mapping[str, Mapping[str, Any]]) -> float:
    """The time that multiply-accumulates take at the machine's best rates, in milliseconds. macs: by precision, as
    in a conversion's report: two operands of bits are binary, of int8 int8, all others float."""
    rates = best(peaks)
    return sum(count / rates[kind_of(precision)][1] for precision, count in macs.items()) * 1e-6


def kind_of(precision: str) -> str:
    return {"bitxbit": "binary", "i8xi8": "int8"}.get(precision, "float")


def _compiled(folder: Path) -> Path:
    program = folder / "peak"
    if program.is_file() and program.stat().st_mtime >= SOURCE.stat().st_mtime:
        return program
    chosen = shlex.split(os.environ.get("CC", ""))
    compiler = chosen or [name for name in ("cc", "gcc", "clang") if shutil.which(name)][:1]
    if not compiler:
        raise NoPeak("there is no C compiler (cc, gcc, clang) to measure it with")
    folder.mkdir(parents=True, exist_ok=True)
    command = [*compiler, "-std=gnu11", "-O3", str(SOURCE), "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NoPeak(f"peak.c does not compile: {(done.stderr.strip().splitlines() or ['no message'])[0]}")
    return program
