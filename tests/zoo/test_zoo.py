"""larq-zoo's networks: all of them convert, pack in full, and give what TensorFlow gives. Skipped until ``make
zoo-test`` has built them.

The weights are random: signs next to zero are many, and the last digit of a float decides them. TensorFlow differs
from itself when its batch norms are jittered there, which is the measure for how many images must be exact.
"""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import xlite
from tests.zoo import networks

pytestmark = pytest.mark.zoo

SECONDS = 10  # of the processor
BYTES = 1.5e9
OVERHEAD = 1.02  # of the information in the weights
EXACT = 1e-4  # of an image's largest output

CONVERT = """
import json, resource, sys, xlite
result = xlite.convert(sys.argv[1], sys.argv[2], strict=True)
used = resource.getrusage(resource.RUSAGE_SELF)
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps({
    "seconds": used.ru_utime + used.ru_stime,
    "bytes": used.ru_maxrss * unit,
    "modules": sorted({"tensorflow", "keras"} & set(sys.modules)),
    "file": result.report.file_bytes,
    "information": result.report.information_bytes,
    "binary": result.report.macs.get("bitxbit", 0),
}))
"""


@pytest.fixture(scope="module", params=networks.NAMES)
def network(request, tmp_path_factory):
    """(name, path of the .xlite, what the conversion took)"""
    name = request.param
    if not networks.is_built(name):
        pytest.skip(f"{name} is not built: make zoo-test")
    path = tmp_path_factory.mktemp("zoo") / f"{name}.xlite"
    command = [sys.executable, "-c", CONVERT, str(networks.model_path(name)), str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return name, path, json.loads(done.stdout)


@pytest.fixture(scope="module")
def tally():
    """network -> (exact images, median of the control)"""
    return {}


def test_converts_in_seconds_and_without_tensorflow(network):
    _, _, took = network
    assert took["seconds"] < SECONDS
    assert took["bytes"] < BYTES
    assert not took["modules"]


def test_everything_marked_is_packed(network):
    """``strict`` holds it layer by layer; what is left above the information is header, names and unused bits."""
    _, path, took = network
    assert took["binary"] > 0
    assert took["file"] == path.stat().st_size
    assert took["information"] < took["file"] <= OVERHEAD * took["information"]


def test_outputs_are_tensorflows(network, tally, record_property):
    """As many exact images as the worst of TensorFlow's own runs under noise."""
    name, path, _ = network
    with np.load(networks.outputs_path(name)) as stored:
        images, expected, control = stored["x"], stored["y"], stored["control"]
    assert len(set(expected.argmax(1))) > len(images) // 2  # the images differ in their class
    interpreter = xlite.Interpreter(path)
    outputs = np.concatenate([np.asarray(interpreter(images[i : i + 4])) for i in range(0, len(images), 4)])
    exact = np.abs(outputs - expected).max(1) <= EXACT * np.abs(expected).max(1)
    same = outputs.argmax(1) == expected.argmax(1)
    record_property("exact", int(exact.sum()))
    record_property("argmax", int(same.sum()))
    assert np.all(same[exact])
    tally[name] = int(exact.sum()), float(np.median(control))
    assert exact.sum() >= control.min(), f"{exact.sum()} images are exact, TensorFlow keeps {control.tolist()}"


def test_all_networks_together_are_as_exact_as_tensorflow(tally):
    """One run of one network is a matter of luck; over all of them, the median of TensorFlow's runs is the least.

    (Where pytest runs in several processes, over those networks that this one has had.)
    """
    if not tally:
        pytest.skip("no network is built: make zoo-test")
    exact, control = map(sum, zip(*tally.values()))
    assert exact >= control, tally
