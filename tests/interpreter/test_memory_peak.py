"""The account beside what the operating system counts: a process of its own runs a network with 24 MB of
weights."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.interpreter.large_network import write_large_network
from xlite.interpreter import backends, process

pytestmark = pytest.mark.skipif(process.resident() is None, reason="the system does not say what a process takes")

MIB = 1 << 20
PROGRAM = """
import json, sys
import numpy as np
import xlite
from xlite.interpreter import process

arguments = json.loads(sys.argv[2])
source = open(sys.argv[1], "rb").read() if arguments.pop("read", False) else sys.argv[1]
interpreter = xlite.Interpreter(source, **arguments)
interpreter.set_tensor(0, np.ones(interpreter.get_input_details()[0]["shape"], np.float32))
for _ in range(2):
    interpreter.invoke()
account = interpreter.account
found = {**vars(account), "items": None, "total": account.total, "base": interpreter.base_bytes}
scores = interpreter.get_tensor(interpreter.model.outputs[0])
print(json.dumps({**found, "peak": process.peak(), "scores": scores.tolist()}))
"""
needs_c = pytest.mark.skipif(not backends.available("c"), reason="the C library is not built")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_large_network(tmp_path_factory.mktemp("large") / "large.xlite")


def run(path, **arguments):
    command = [sys.executable, "-c", PROGRAM, str(path), json.dumps(arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"backend": "c"}, marks=needs_c, id="c"),
        pytest.param({"backend": "c", "prepack": False}, marks=needs_c, id="c, nothing prepacked"),
        pytest.param({"backend": "c", "memory_limit": "26MiB"}, marks=needs_c, id="c, little memory"),
        pytest.param({"backend": "c", "read": True}, marks=needs_c, id="c, from bytes"),
        pytest.param({"backend": "numpy"}, id="numpy"),
    ],
)
def test_account_and_base_are_the_peak_within_5_percent(path, arguments):
    found = run(path, **arguments)
    expected = found["total"] + found["base"]
    assert abs(found["peak"] - expected) <= 0.05 * expected


@needs_c
def test_24_mb_of_weights_run_within_64_mib(path):
    size = path.stat().st_size
    assert size >= 24 * 10**6
    found = run(path, memory_limit="64MiB")
    assert found["total"] <= 64 * MIB
    assert found["peak"] <= 64 * MIB


@needs_c
def test_weights_are_used_in_place(path):
    """Nothing of the process is as large as the file but its pages: not even where the file cannot be
    prepacked."""
    found = run(path, prepack=False)
    assert found["prepacked"] == 0
    assert found["mapped"] == -(-path.stat().st_size // process.PAGE) * process.PAGE
    assert found["peak"] - found["base"] < 1.25 * path.stat().st_size


@needs_c
def test_packed_filters_do_not_stay_twice(path):
    found = run(path)
    if found["prepacked"] == 0:
        pytest.skip("no kernel of this machine packs filters")
    assert found["mapped"] < path.stat().st_size / 10
    assert found["peak"] - found["base"] < 1.6 * path.stat().st_size


@needs_c
def test_what_is_given_up_for_memory_changes_no_score(path):
    assert run(path)["scores"] == run(path, memory_limit="26MiB")["scores"]


def test_bytes_are_not_copied_where_they_are_aligned(path):
    """A copy would be a quarter of all that the process has."""
    found = run(path, read=True, backend="numpy")
    assert found["mapped"] == 0
    assert found["peak"] < found["base"] + found["total"] + path.stat().st_size / 2
