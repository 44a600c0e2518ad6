"""The demo network on the whole emulated board, with its own kernel: ``make device-test BOARD=raspi0``."""

from __future__ import annotations

import json
import os

import pytest

from tests.device import board, scripts, setup
from tests.device.networks import DEMO, ready
from tests.device.parity import check_parity

pytestmark = pytest.mark.skipif(
    os.environ.get("BOARD") != "raspi0", reason="takes minutes: make device-test BOARD=raspi0"
)
MIB = 1 << 20


def run(script, files, arguments=()):
    try:
        return board.run(script, files, arguments)
    except setup.Unavailable as reason:
        pytest.skip(str(reason))


def test_the_demo_on_the_board(pi_zero):
    network = ready(DEMO)
    script = "import device\n" + scripts.PARITY + "\nprint(open('/proc/meminfo').readline())"
    files = {"m.xlite": network.path, "m.npz": network.samples, "device.py": b"def mark(number): pass\n"}
    done = run(script, files, ("m.xlite", "m.npz", "c", "numpy"))
    assert done.returncode == 0, done.output
    result, memory = done.output.splitlines()[:2]
    check_parity(json.loads(result))
    assert 400_000 < int(memory.split()[1]) < 512 * 1024  # KiB that the kernel has of the board's 512 MiB
    assert 16 * MIB < done.peak_rss < 64 * MIB


def test_a_script_that_fails_says_so(pi_zero):
    done = run("import sys\nprint('before', flush=True)\nsys.exit(3)", {})
    assert (done.returncode, done.output) == (3, "before\n")
