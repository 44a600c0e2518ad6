"""The demo network on an emulated Pi Zero: what it computes, and what it takes until it does."""

from __future__ import annotations

import json

import pytest

from tests.device import guest, scripts, start
from tests.device.networks import DEMO, ready
from tests.device.parity import check_parity, run_parity

# Nobody wants these on a device, least of all before the first result.
HEAVY = {"subprocess", "multiprocessing", "socket", "ssl", "http", "asyncio", "argparse", "logging", "tempfile"}
HEAVY |= {"click", "rich", "numba", "h5py", "scipy", "tensorflow", "keras", "setuptools", "distutils", "unittest"}
EVENTS = (
    "subprocess.",
    "socket.",
    "os.system",
    "os.exec",
    "os.fork",
    "os.spawn",
    "os.posix_spawn",
    "pty.",
    "urllib.",
)


@pytest.mark.parametrize("backend", ["c", "numpy"])
def test_the_demo_gives_what_keras_gave(pi_zero, backend):
    found = run_parity(DEMO, pi_zero, [backend])
    assert (found["library"], found["isa"]) == ("_xlite.so", "portable")
    check_parity(found)


@pytest.mark.parametrize("backend", ["c", "numpy"])
def test_running_a_model_starts_nothing_and_loads_little(pi_zero, backend):
    done = guest.run(scripts.IMPORTS, {"m.xlite": ready(DEMO).path}, arguments=["m.xlite", backend]).check()
    found = json.loads(done.stdout)
    assert "xlite.interpreter.interpreter" in found["modules"]
    assert "open" in found["events"]
    assert {name.partition(".")[0] for name in found["modules"]} & HEAVY == set()
    assert [event for event in found["events"] if event.startswith(EVENTS)] == []
    if backend == "c":  # beyond what numpy brings
        assert {name for name in found["modules"] if not name.startswith("xlite")} == {"mmap"}


def test_until_the_first_result(counted):
    """numpy's import is the largest part of all that happens from python3 on; xlite's share is small beside it.
    ``python -m tests.device.start --modules`` says what it is by part and by module."""
    found = start.parts()
    print(start.table(found))
    assert found["import numpy"] > 1e8  # they were counted
    assert start.of_xlite(found) < 80e6
    assert found["run"] < 0.1 * found["import numpy"]


def test_what_a_module_takes_adds_up(counted):
    found = {module.name: module for module in start.modules()}
    assert found["xlite.schema.types"].own > 1e6
    assert found["xlite.interpreter"].own < 0.1 * found["xlite.interpreter"].total
    every = sum(module.own for module in found.values())
    assert found["xlite.interpreter"].total < every < 80e6
