"""Tests on emulated computers are marked ``device``, but for a short look at the Pi Zero, which every run of the
tests takes. They are skipped, with the reason, where a computer cannot be emulated; by ``--quick`` too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.device.machines import MACHINES, Machine

HERE = Path(__file__).resolve().parent
SHORT = ("test_guest.py", "test_start.py")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            if item.path.name not in SHORT:
                item.add_marker(pytest.mark.device)
            if config.getoption("--quick"):
                item.add_marker(pytest.mark.skip(reason="--quick: emulated computers"))


@pytest.fixture(scope="session")
def needs():
    """A function that skips the test where its machine cannot be emulated."""
    from tests.device import setup

    def check(machine: Machine) -> Machine:
        try:
            setup.package(machine)
        except setup.Unavailable as reason:
            pytest.skip(str(reason))
        return machine

    return check


@pytest.fixture(scope="session")
def pi_zero(needs):
    return needs(MACHINES[0])


@pytest.fixture(scope="session")
def counted(pi_zero):
    """The Pi Zero, for tests that count its instructions."""
    from tests.device import setup

    try:
        setup.counter(setup.emulator(pi_zero))
    except setup.Unavailable as reason:
        pytest.skip(str(reason))
    return pi_zero
