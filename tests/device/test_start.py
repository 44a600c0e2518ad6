"""The demo network on an emulated Pi Zero: what it computes, and what it takes until it does."""

from __future__ import annotations

import json

import pytest

from tests.device import guest, scripts
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


def test_until_the_first_result(pi_zero):
    """numpy's import is the largest part of all that happens from python3 on."""
    code = """
from device import mark
mark(0)
import numpy as np
mark(1)
import xlite
interpreter = xlite.Interpreter("m.xlite")
mark(2)
interpreter.set_tensor(0, np.zeros(interpreter.get_input_details()[0]["shape"], np.float32))
interpreter.invoke()
mark(3)
"""
    marks = guest.run(code, {"m.xlite": ready(DEMO).path}, count=True).check().marks
    python, numpy, opened, result = (marks[i] - marks.get(i - 1, 0) for i in range(4))
    print(f"python {python:,}, numpy {numpy:,}, xlite {opened:,}, first result {result:,} instructions")
    assert numpy > 1e8
    assert opened + result < 1.5 * numpy
    assert result < 0.1 * numpy
