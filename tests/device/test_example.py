"""examples/pi-zero on an emulated Raspberry Pi Zero: pictures in, labels out, with numpy alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.device import guest
from tests.device.machines import PI_ZERO
from tests.interpreter.networks import residual_network
from xlite.interpreter import Interpreter, planner
from xlite.schema import write_model
from xlite.schema.types import Metadata, Preprocessing

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "pi-zero"
LOOP = 1 << 20  # of label.py
VARIED = 64 << 10  # from run to run
LABELS = [f"thing {i}" for i in range(10)]
SCRIPT = """
import os, signal, sys

import label

arguments = sys.argv[1:]
if arguments[0] == "stopped":  # as systemd does it from outside: once there is a first line
    say = label.sentence

    def sentence(said):
        os.kill(os.getpid(), signal.SIGTERM)
        return say(said)

    label.sentence = sentence
    arguments = arguments[1:]
sys.exit(label.main(arguments))
"""


@pytest.fixture(scope="module")
def files(needs):
    needs(PI_ZERO)
    model = residual_network()
    model.metadata = Metadata(labels=LABELS, preprocessing=Preprocessing(1 / 127.5, -1.0))
    model.plan = planner.plan(model)
    found = {name: FOLDER / name for name in ("label.py", "images.py", "sources.py")}
    found["model.xlite"] = write_model(model)
    for i in range(3):
        found[f"photos/{i}.ppm"] = b"P6 30 20 255\n" + photo(i).tobytes()
    return found


def photo(seed):
    return np.random.default_rng(seed).integers(0, 256, (20, 30, 3)).astype(np.uint8)


def test_a_folder_of_pictures_is_labelled(files):
    done = guest.run(
        SCRIPT, files, arguments=["model.xlite", "--images", "photos", "--json", "--top", "10"]
    ).check()
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["frame"] for row in rows] == ["0.ppm", "1.ppm", "2.ppm"]
    images = _images()
    interpreter = Interpreter(files["model.xlite"])
    for seed, row in enumerate(rows):
        scores = interpreter(images.fit(photo(seed), (12, 12, 3)))[0][0]
        said = {one["label"]: one["score"] for one in row["labels"]}
        assert [said[label] for label in LABELS] == pytest.approx(scores.tolist(), abs=2e-4)


def test_sigterm_stops_it(files):
    arguments = ["stopped", "model.xlite", "--images", "photos", "--repeat", "--interval", "60"]
    done = guest.run(SCRIPT, files, arguments=arguments).check()
    assert done.stdout.count("\n") == 1
    assert "stopped after 1 frames" in done.stderr


# What is resident of the guest alone: the system counts qemu's own memory in. Says what was found.
RESIDENT = """
import sys
from xlite.interpreter import process

def resident():
    found = 0
    with open("/proc/self/smaps") as maps:
        for line in maps:
            first, *rest = line.split()
            if "-" in first:
                below = int(first.split("-")[0], 16) < 1 << 32
            elif first == "Rss:" and below:
                found += 1024 * int(rest[0])
    print("resident", found, file=sys.stderr)
    return found

process.resident = resident
"""


def test_it_stays_within_the_memory_that_it_was_given(files):
    """Given what is taken before there is a model, what the model needs, and what is kept for the loop: neither is
    the model refused, nor does the process grow beyond it."""

    def run(memory):
        arguments = ["model.xlite", "--images", "photos", "--memory", str(memory)]
        done = guest.run(RESIDENT + SCRIPT, files, arguments=arguments)
        return done, int(re.search(r"resident (\d+)", done.stderr)[1])

    refused, taken = run(1 << 20)
    assert refused.returncode == 1
    needed = int(re.search(r"the model needs (\d+) B", refused.stderr)[1])
    memory = taken + needed + LOOP + VARIED
    done, _ = run(memory)
    assert done.check().stdout.count("\n") == 3
    assert done.peak_rss <= memory


def test_without_a_camera_it_says_what_is_missing(files):
    done = guest.run("import label; label.RETRIES = 0\n" + SCRIPT, files, arguments=["model.xlite", "--once"])
    assert done.returncode == 3
    assert "python3-picamera2" in done.stderr


def _images():
    import importlib.util

    spec = importlib.util.spec_from_file_location("example_images", FOLDER / "images.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
