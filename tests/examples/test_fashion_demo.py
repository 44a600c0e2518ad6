"""`make demo`, on some of its images."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import xlite
from xlite.interpreter.backends import available_backends
from xlite.schema.types import Preprocessing

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "fashion"


@pytest.fixture(scope="module")
def demo():
    spec = importlib.util.spec_from_file_location("fashion_demo", FOLDER / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "m.xlite"
    xlite.convert(FOLDER / "model.h5", path, preprocessing=Preprocessing(1 / 255))
    return path


def test_it_runs_and_agrees(tmp_path):
    command = [
        sys.executable,
        str(FOLDER / "demo.py"),
        "--images",
        "24",
        "--out",
        str(tmp_path / "new" / "m.xlite"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if "24 of 24" in line]
    assert [row[0] for row in rows] == available_backends()
    assert (tmp_path / "new" / "m.xlite").exists()
    assert "Traceback" not in done.stderr


def test_every_recorded_image_is_there_and_right_as_often_as_it_says(demo, packed):
    samples = demo.load(FOLDER, 1000)
    assert samples.images.shape == (1000, 28, 28, 1)
    result = demo.evaluate(packed, available_backends()[0], samples, 0.0)
    assert result.same_argmax == 1000
    assert result.accuracy == float((samples.outputs.argmax(axis=1) == samples.labels).mean())


def test_another_output_is_found_and_looked_into(demo, packed):
    samples = demo.load(FOLDER, 60)
    outputs = samples.outputs.copy()
    outputs[41] = np.roll(outputs[41], 3)
    result = demo.evaluate(packed, "numpy", replace(samples, outputs=outputs), 0.0)
    assert (result.same_argmax, result.far) == (59, [41])
    (line,) = demo.near_zero_flips(FOLDER / "model.h5", packed, samples, result)
    assert line.startswith("numpy, image 41: no sign differs")


def test_a_model_that_was_not_recorded_is_refused(demo, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["demo.py", "--images", "1", "--out", str(tmp_path / "m.xlite")])
    monkeypatch.setattr(demo, "load", lambda *_: replace(demo_samples, model_sha256="0"))
    demo_samples = demo.Samples(np.zeros(0), np.zeros(0), list("abcdefghij"), np.zeros(0), "", "")
    with pytest.raises(xlite.Error, match=r"record\.py"):
        demo.main()


def test_missing_files_are_named(demo, tmp_path):
    with pytest.raises(xlite.Error, match=r"images\.npz"):
        demo.load(tmp_path, 10)
