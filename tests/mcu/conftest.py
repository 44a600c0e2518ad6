"""Tests on emulated boards are marked ``mcu`` and skipped, with the reason, where a toolchain is missing; by
``--quick`` too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mcu.boards import BOARDS, Board
from tests.mcu.toolchain import missing

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.mcu)
            if config.getoption("--quick"):
                item.add_marker(pytest.mark.skip(reason="--quick: emulated boards"))


@pytest.fixture(params=BOARDS, ids=lambda board: board.name)
def board(request: pytest.FixtureRequest) -> Board:
    reason = missing(request.param.family)
    if reason:
        pytest.skip(reason)
    return request.param
