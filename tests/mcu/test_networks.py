"""Networks on emulated boards through both front doors: their outputs are those of the Python interpreter."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mcu.boards import Board
from tests.mcu.golden import assert_same, demo, random_networks
from tests.mcu.networks import (
    SPARE,
    STACK,
    Golden,
    ahead_of_time,
    arena_bytes,
    generated,
    interpreted,
    planned,
    run_networks,
)
from xlite.interpreter.kernels.c.library import ISA_ENVIRONMENT, PORTABLE

DOORS = {"ahead-of-time": ahead_of_time, "interpreter": interpreted}


@pytest.fixture(autouse=True)
def _portable(monkeypatch):
    monkeypatch.setenv(ISA_ENVIRONMENT, PORTABLE)


def fit(board: Board, networks: tuple[Golden, ...], door) -> list[Golden]:
    """Those whose arena fits into the board's RAM."""
    return [n for n in networks if needs(n, door) + STACK + SPARE <= board.ram.size]


def needs(network: Golden, door) -> int:
    """Bytes of its arena, at least."""
    if door is interpreted:
        workspaces = [call.workspace for call in generated(network, "n0").network.calls]
        return planned(network).plan.arena_bytes + max(workspaces)
    return arena_bytes(network)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_random_networks_of_all_ops(board: Board, door, tmp_path: Path):
    networks = fit(board, random_networks(), door)
    assert len(networks) > 4
    for network, result in zip(networks, run_networks(board, networks, tmp_path, door)):
        assert_same(network, result.outputs)
        assert result.stack <= STACK


@pytest.mark.parametrize("integers", [False, True], ids=["floats", "bytes"])
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_the_demo_network(board: Board, door, integers: bool, tmp_path: Path):
    networks = fit(board, (demo(integers),), door)
    if not networks:
        pytest.skip(
            f"it needs an arena of {needs(demo(integers), door)} bytes, the board has {board.ram.size} in all"
        )
    (result,) = run_networks(board, networks, tmp_path, door)
    assert_same(networks[0], result.outputs)
    assert result.stack < 1024
