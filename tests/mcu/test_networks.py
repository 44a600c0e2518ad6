"""Networks on emulated boards, as generated C: their outputs are those of the Python interpreter."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mcu.boards import Board
from tests.mcu.golden import assert_same, demo, random_networks
from tests.mcu.networks import STACK, Golden, ahead_of_time, arena_bytes, run_networks
from xlite.interpreter.kernels.c.library import ISA_ENVIRONMENT, PORTABLE

DOORS = {"ahead-of-time": ahead_of_time}
SPARE = 512  # bytes of RAM for what the C library has


@pytest.fixture(autouse=True)
def _portable(monkeypatch):
    monkeypatch.setenv(ISA_ENVIRONMENT, PORTABLE)


def fit(board: Board, networks: tuple[Golden, ...]) -> list[Golden]:
    """Those whose arena fits into the board's RAM."""
    return [n for n in networks if arena_bytes(n) + STACK + SPARE <= board.ram.size]


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_random_networks_of_all_ops(board: Board, door, tmp_path: Path):
    networks = fit(board, random_networks())
    assert len(networks) > 4
    for network, result in zip(networks, run_networks(board, networks, tmp_path, door)):
        assert_same(network, result.outputs)
        assert result.stack <= STACK


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_the_demo_network(board: Board, door, tmp_path: Path):
    networks = fit(board, (demo(),))
    if not networks:
        pytest.skip(f"the demo network needs {arena_bytes(demo())} bytes of RAM, the board has {board.ram.size}")
    (result,) = run_networks(board, networks, tmp_path, door)
    assert_same(networks[0], result.outputs)
    assert result.stack <= STACK
