"""train.py from end to end, on a handful of random images: what it writes belongs together."""

from __future__ import annotations

import gzip
import hashlib
import json
import runpy
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "fashion"


def write_idx(path, array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))


def test_train_writes_model_facts_images_and_golden(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    for part, count in (("train", 24), ("t10k", 12)):
        write_idx(data / f"{part}-images-idx3-ubyte.gz", rng.integers(0, 256, (count, 28, 28), dtype=np.uint8))
        write_idx(data / f"{part}-labels-idx1-ubyte.gz", rng.integers(0, 10, count, dtype=np.uint8))
    monkeypatch.syspath_prepend(str(FOLDER))
    script = str(FOLDER / "train.py")
    options = ["--epochs", "1", "--seed", "5", "--data", str(data), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", [script, *options])
    runpy.run_path(script, run_name="__main__")

    assert sorted(p.name for p in out.iterdir()) == ["golden.npz", "images.npz", "model.h5", "model.json"]
    facts = json.loads((out / "model.json").read_text())
    digest = hashlib.sha256((out / "model.h5").read_bytes()).hexdigest()
    assert facts["sha256"] == digest
    assert (facts["seed"], facts["binary"]["epochs"], facts["float_twin"]["epochs"]) == (5, 1, 1)
    assert facts["data"]["source"] == str(data)
    with np.load(out / "golden.npz") as golden, np.load(out / "images.npz") as images:
        assert str(golden["model_sha256"]) == digest
        assert golden["outputs"].shape == (12, 10)
        assert images["images"].shape == (12, 28, 28)
        accuracy = np.mean(golden["outputs"].argmax(1) == images["labels"])
    assert facts["binary"]["test_accuracy"] == pytest.approx(accuracy, abs=1e-4)
    assert "float twin" in capsys.readouterr().out
