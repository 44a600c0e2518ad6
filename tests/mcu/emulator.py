"""Runs firmware on an emulated board: what it printed, how it ended, which instructions it executed."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.mcu import toolchain
from tests.mcu.boards import Board


@dataclass(frozen=True)
class Run:
    """instructions: executed, by the name of the function; empty where QEMU takes no plugins."""

    output: str
    status: int
    instructions: Mapping[str, int] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The output of a run that ended well; raises AssertionError of any other."""
        assert self.status == 0, f"exit status {self.status} after {self.output[-2000:]!r}"
        return self.output.splitlines()


def run(board: Board, elf: Path, seconds: int = 120, count: bool = True) -> Run:
    """Runs ``elf`` until it exits. A program that hangs is killed after ``seconds``, with status 137."""
    reason = toolchain.missing(board.family)
    if reason:
        raise toolchain.MissingTool(reason)
    plugin = toolchain.plugin(toolchain.BUILT) if count else None
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts.txt"
        command = ["timeout", "-s", "KILL", str(seconds), toolchain.EMULATOR[board.family], *board.machine]
        command += ["-display", "none", "-serial", "null", "-monitor", "none", "-no-reboot"]
        command += ["-semihosting-config", "enable=on,target=native", "-kernel", str(elf)]
        command += ["-bios", "none"] if board.family == "riscv" else []
        command += ["-plugin", f"{plugin},out={counts}"] if plugin else []
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        return Run(done.stderr, done.returncode, _read(counts))


def _read(path: Path) -> dict[str, int]:
    if not path.is_file():
        return {}
    pairs = (line.rpartition(" ") for line in path.read_text().splitlines())
    return {name: int(number) for name, _, number in pairs}
