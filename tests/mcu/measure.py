"""Figures of the inner loops, counted on the emulated boards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.mcu import toolchain
from tests.mcu.boards import Board
from tests.mcu.emulator import Run, run

PROGRAMS = Path(__file__).resolve().parent / "programs"
FILTERS = 32  # of programs/loop.c
_NOT_COUNTING = ("board_", "main", "_start", "memset", "?")


def instructions(run: Run) -> int:
    """Executed by the library: all but the start-up and the program around it."""
    assert run.instructions, "QEMU took no plugin, so that nothing was counted"
    return sum(n for name, n in run.instructions.items() if not name.startswith(_NOT_COUNTING))


def inner_loop(board: Board, words: int, folder: Path) -> float:
    """Instructions a word of xl_count_differing for filters of so many words, all that it does included."""
    own = [toolchain.FIRMWARE / "board.c", toolchain.FIRMWARE / f"{board.family}.c", PROGRAMS / "loop.c"]
    objects = toolchain.compile_all(board, own, folder, flags=[*toolchain.include_flags(), f"-DWORDS={words}"])
    objects += toolchain.library_objects(board, inner_loop_sources())
    elf = toolchain.link(board, objects, folder / "loop.elf")
    done = run(board, elf)
    done.lines()
    return instructions(done) / (words * FILTERS)


def inner_loop_sources() -> list[Path]:
    """The inner loop alone, which compiles in a moment."""
    return [p for p in toolchain.portable_sources() if p.name == "xor_popcount.c" or p.parent.name == "arch"]


@dataclass(frozen=True)
class Conv:
    """One binary 3 x 3 convolution. inner: instructions of its inner loop; total: all. words: 32-bit words of
    filters that it goes over. workspace: bytes. hash: of the output."""

    inner: int
    total: int
    words: int
    workspace: int
    hash: int

    @property
    def overhead(self) -> float:
        return self.total / self.inner - 1


def convolution(
    board: Board, channels: int, size: int, pad_value: int, folder: Path, lookup: bool = False, room: int = 24000
) -> Conv:
    """``channels`` in and out, size x size pixels. lookup: by tables. room: bytes of workspace, at most."""
    flags = [f"-DCHANNELS={channels}", f"-DSIZE={size}", f"-DPAD_VALUE={pad_value}", f"-DWORKSPACE_BYTES={room}"]
    flags += [*toolchain.include_flags(), *(["-DLOOKUP"] if lookup else [])]
    own = [toolchain.FIRMWARE / "board.c", toolchain.FIRMWARE / f"{board.family}.c", PROGRAMS / "conv.c"]
    objects = toolchain.compile_all(board, own, folder, flags=flags)
    objects += toolchain.library_objects(board, toolchain.kernel_sources())
    done = run(board, toolchain.link(board, objects, folder / "conv.elf"))
    (line,) = done.lines()
    hash_, _, workspace = map(int, line.split())
    ours = {k: n for k, n in done.instructions.items() if not k.startswith((*_NOT_CALLED, "board_"))}
    inner = sum(n for name, n in ours.items() if _INNER.search(name))
    words = size * size * channels * (9 * channels // 32)
    return Conv(inner, sum(ours.values()), words, workspace, hash_)


_NOT_CALLED = ("main", "draw", "next", "_start", "?")
_INNER = re.compile(r"count|xl_lookup_(add|tables)")
