"""larq-zoo's networks: all of them convert, pack in full, and give what TensorFlow gives. Skipped until ``make
zoo-test`` has built them.

The weights are random: signs next to zero are many, and the last digit of a float decides them. TensorFlow differs
from itself when its batch norms are jittered there, which is the measure for how many images must be exact; each
of the others must lead back to a sign whose value was within float32 rounding of zero.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import xlite
from tests.zoo import networks
from tests.zoo.results import Result
from tests.zoo.trace import trace
from xlite.verification.walk import ROUNDING

pytestmark = pytest.mark.zoo

SECONDS = 10  # of the processor
BYTES = 1.5e9
OVERHEAD = 1.02  # of the information in the weights
EXACT = 1e-4  # of an image's largest output
BATCH = 4

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", params=networks.NAMES)
def network(request, tmp_path_factory) -> Iterator[tuple[Result, Path]]:
    """What is found out about the network, and the converted file."""
    result = Result(request.param)
    if not networks.is_built(result.name):
        pytest.skip(f"{result.name} is not built: make zoo-test")
    path = tmp_path_factory.mktemp("zoo") / f"{result.name}.xlite"
    command = [sys.executable, "-m", "tests.zoo.measure", str(networks.model_path(result.name)), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    result.took = json.loads(done.stdout)
    yield result, path
    if result.tensors:  # every test has had its turn
        result.save()


@pytest.fixture(scope="module")
def tally():
    """network -> (exact images, median of the control)"""
    return {}


def test_converts_in_seconds_and_without_tensorflow(network):
    took = network[0].took
    assert took["seconds"] < SECONDS
    assert took["memory"] < BYTES
    assert not took["modules"]


def test_everything_marked_is_packed(network):
    """``strict`` holds it layer by layer; what is left above the information is header, names and unused bits."""
    result, path = network
    took = result.took
    assert took["binary_macs"] > 0
    assert took["file"] == path.stat().st_size
    assert took["information"] < took["file"] <= OVERHEAD * took["information"]


def test_no_order_of_the_ops_needs_a_smaller_arena(network):
    took = network[0].took
    assert took["live"] <= took["live_as_lowered"]
    assert took["arena_least"] == took["arena"] <= took["arena_as_lowered"]


def test_outputs_are_tensorflows(network, tally):
    """As many exact images as the worst of TensorFlow's own runs under noise."""
    result, path = network
    with np.load(networks.outputs_path(result.name)) as stored:
        images, expected, control, library = (stored[key] for key in ("x", "y", "control", "library"))
    assert len(set(expected.argmax(1))) > len(images) // 2  # the images differ in their class
    interpreter = xlite.Interpreter(path)
    starts = range(0, len(images), BATCH)
    outputs = np.concatenate([np.asarray(interpreter(images[start : start + BATCH])) for start in starts])
    exact = np.abs(outputs - expected).max(1) <= EXACT * np.abs(expected).max(1)
    same = outputs.argmax(1) == expected.argmax(1)
    assert np.all(same[exact])
    result.images, result.exact = len(images), np.flatnonzero(exact).tolist()
    result.same_class, result.control = int(same.sum()), control.sum(1).tolist()
    result.library = int(library.sum())
    tally[result.name] = int(exact.sum()), float(np.median(result.control))
    assert exact.sum() >= min(result.control)


def test_every_difference_leads_back_to_a_sign_next_to_zero(network):
    """Op by op on TensorFlow's own inputs nothing differs; straight through, each image that is not exact has left
    TensorFlow's path at a sign whose value there is within float32 rounding of zero."""
    result, path = network
    if not result.images:
        pytest.skip("its outputs were not compared")
    with np.load(networks.outputs_path(result.name)) as stored:
        images = stored["x"]
    others = sorted(set(range(result.images)) - set(result.exact))
    traced = set()
    tensors = 0
    for found in trace(result.name, path, images, others or [0]):
        assert found.first_diverging is None, found.first_diverging
        assert found.unexplained == []
        tensors = len(found.tensors)
        assert tensors > 10
        for flip in found.flips:
            assert flip.relative <= ROUNDING, flip
            is_level = flip.tensor.endswith("/bit_planes")  # DoReFa's, whose borders are not at zero
            assert is_level or flip.actual is None or (flip.actual < 0) != (flip.expected < 0), flip
            traced.add(flip.sample)
            result.flips.append(asdict(flip))
    assert traced >= set(others)
    result.tensors = tensors


def test_all_networks_together_are_as_exact_as_tensorflow(tally):
    """Whether one network reaches the median of TensorFlow's runs is a matter of luck where a single image counts;
    over all of them it is not.

    (Where pytest runs in several processes, over those networks that this one has had.)
    """
    if not tally:
        pytest.skip("no network is built: make zoo-test")
    exact, control = map(sum, zip(*tally.values()))
    assert exact >= control, tally
