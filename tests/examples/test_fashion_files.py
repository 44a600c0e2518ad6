"""The files beside the demo belong together: model, recorded outputs, images, and what is written about them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from xlite.training.runlog import read_run

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "fashion"
RUN = read_run(FOLDER / "model.jsonl")


@pytest.fixture(scope="module")
def images():
    with np.load(FOLDER / "images.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def golden():
    with np.load(FOLDER / "golden.npz") as file:
        return dict(file)


def test_model_file_is_the_one_that_was_recorded(golden):
    content = (FOLDER / "model.h5").read_bytes()
    assert hashlib.sha256(content).hexdigest() == str(golden["model_sha256"])
    assert len(content) < 4_000_000


def test_training_is_written_down_and_reaches_its_goal():
    assert RUN.end["test_accuracy"] >= 0.91
    assert RUN.end["packed_bytes"] <= 60_000
    logged = [read_run(log) for log in (ROOT / "docs" / "runs").glob(f"{RUN.start['recipe']}-*.jsonl")]
    assert RUN in logged
    assert RUN.end["test_accuracy"] == max(run.end["test_accuracy"] for run in logged)
    assert len(RUN.epochs) == RUN.start["epochs"]
    assert len(RUN.start["data_sha256"]) == 64
    assert {"keras", "tensorflow", "numpy", "python"} <= set(RUN.start["versions"])


def test_images_are_a_labelled_slice_with_its_licence(images):
    assert images["images"].shape == (1000, 28, 28)
    assert images["images"].dtype == images["labels"].dtype == np.uint8
    assert images["labels"].shape == (1000,)
    assert set(np.unique(images["labels"])) == set(range(10))
    assert len(images["class_names"]) == 10
    licence = (FOLDER / "LICENSE-fashion-mnist.txt").read_text(encoding="utf-8")
    assert "MIT License" in licence
    assert "Zalando SE" in licence


def test_recorded_outputs_are_probabilities_that_agree_with_the_labels(images, golden):
    outputs = golden["outputs"]
    assert outputs.shape == (1000, 10)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)
    accuracy = np.mean(outputs.argmax(axis=1) == images["labels"])
    assert abs(accuracy - RUN.end["test_accuracy"]) < 0.03


def test_recorded_outputs_are_what_keras_gives_today(images, golden):
    keras = pytest.importorskip("keras")
    import xlite.layers  # noqa: F401  (registers the layers)
    from xlite.zoo import datasets

    model = keras.saving.load_model(FOLDER / "model.h5", compile=False)
    outputs = model.predict(datasets.to_float(images["images"]), batch_size=100, verbose=0)
    # Another batch size or machine may add in another order; a sign at zero may fall the other way.
    far = np.abs(outputs - golden["outputs"]).max(axis=1) > 1e-4
    assert far.sum() <= 10
    assert np.mean(outputs.argmax(1) == golden["outputs"].argmax(1)) >= 0.995
