"""The inner loops of every core: right on the board itself, and within their budget of instructions."""

from __future__ import annotations

import pytest

from tests.mcu import toolchain
from tests.mcu.boards import Board
from tests.mcu.emulator import run
from tests.mcu.measure import PROGRAMS, convolution, inner_loop, inner_loop_sources

# Instructions a 32-bit word, at most, of filters of 3 x 3 x 256 elements.
WORDS = 72
OVERHEAD = 0.15  # of a convolution beside its inner loop, at most
FAST = {"mps3-an547": 0.22, "virt-rv32-zbb": 0.17}  # whose inner loops take little
BUDGET = {
    "microbit": 13.6,
    "mps2-an385": 9.5,
    "mps2-an386": 9.5,
    "netduinoplus2": 9.5,
    "mps2-an500": 9.3,
    "mps2-an505": 9.5,
    "mps3-an547": 3.9,
    "sifive_e": 9.4,
    "virt-rv32": 9.4,
    "virt-rv32-zbb": 8.0,
}


@pytest.mark.parametrize("optimize", ["-O2", "-Os"])
def test_counts_are_those_of_single_bits(board: Board, optimize: str, tmp_path):
    longest = 300 if board.ram.size < 32768 else 700
    sources = [PROGRAMS / "count.c", *inner_loop_sources()]
    elf = toolchain.build(
        board, sources, tmp_path / "count.elf", optimize, [*toolchain.include_flags(), f"-DLONGEST={longest}"]
    )
    assert run(board, elf, count=False).lines() == []


def test_a_word_costs_no_more_than_its_budget(board: Board, tmp_path):
    assert inner_loop(board, WORDS, tmp_path) <= BUDGET[board.name]


@pytest.mark.parametrize(("channels", "size", "pad_value"), [(64, 14, 1), (64, 7, 0), (128, 7, -1)])
def test_a_convolution_costs_little_beside_its_inner_loop(board: Board, channels, size, pad_value, tmp_path):
    small = board.ram.size < 32768
    if small and channels > 64:
        pytest.skip("its filters do not fit beside the images into 16 KiB")
    room = 1600 if small else 24000
    made = convolution(board, channels, size, pad_value, tmp_path, room=room)
    assert made.overhead <= FAST.get(board.name, OVERHEAD)
    if not small:
        by_tables = convolution(board, channels, size, pad_value, tmp_path, lookup=True, room=room)
        assert by_tables.hash == made.hash
