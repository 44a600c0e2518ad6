"""Figures of the inner loops, counted on the emulated boards."""

from __future__ import annotations

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
    elf = folder / f"{board.name}-loop-{words}.elf"
    toolchain.build(
        board,
        [PROGRAMS / "loop.c", *inner_loop_sources()],
        elf,
        flags=[*toolchain.include_flags(), f"-DWORDS={words}"],
    )
    done = run(board, elf)
    done.lines()
    return instructions(done) / (words * FILTERS)


def inner_loop_sources() -> list[Path]:
    """The inner loop alone, which compiles in a moment."""
    return [p for p in toolchain.portable_sources() if p.name == "xor_popcount.c" or p.parent.name == "arch"]
