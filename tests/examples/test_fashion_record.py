"""record.py: the images and outputs that it writes belong to the model and the data it was given."""

from __future__ import annotations

import hashlib
import runpy
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from xlite.zoo import datasets, fashion  # noqa: E402

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "fashion" / "record.py"


def test_what_is_recorded_is_what_the_model_gives(tmp_path):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (12, 28, 28), dtype=np.uint8), rng.integers(0, 10, 12, dtype=np.uint8)
    data = datasets.ImageSet(images, labels, images, labels, source="made up")
    model = fashion.fashion_net(fashion.Widths(stem=4, first=8, second=8, third=8, dense=16))
    model.save(tmp_path / "model.h5", include_optimizer=False)
    accuracy = runpy.run_path(str(SCRIPT))["record"](tmp_path / "model.h5", tmp_path, data, count=9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["golden.npz", "images.npz", "model.h5"]
    with np.load(tmp_path / "golden.npz") as golden, np.load(tmp_path / "images.npz") as recorded:
        digest = hashlib.sha256((tmp_path / "model.h5").read_bytes()).hexdigest()
        assert str(golden["model_sha256"]) == digest
        np.testing.assert_array_equal(recorded["images"], images[:9])
        outputs = golden["outputs"]
        assert accuracy == np.mean(outputs.argmax(1) == recorded["labels"])
    wanted = keras.ops.convert_to_numpy(model(datasets.to_float(images[:9])))
    np.testing.assert_allclose(outputs, wanted, atol=1e-5)
