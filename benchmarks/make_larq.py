"""Builds a row's binary network with Larq and converts it for Larq Compute Engine, in their environment:

    build/bench/larq/bin/python benchmarks/make_larq.py KEY FOLDER

Writes binary.h5 (what xlite converts), larq.tflite and input.npy. A layer is benchmarks/chain.py; a network is
larq-zoo's, with the weights that tests/zoo gives it: seeded, and nothing in it degenerate.
"""

from __future__ import annotations

import importlib
import os
import sys
import zlib
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "zoo"))

import larq
import larq_compute_engine
import numpy as np
import tensorflow as tf

from benchmarks import chain, rows


def main(key: str, folder: Path) -> None:
    row = rows.find(key)
    tf.keras.utils.set_random_seed(1)
    if isinstance(row, rows.LayerRow):
        model, images = chain.binary_chain(tf.keras, larq.layers.QuantConv2D, row), chain.images(row)
    else:
        model, images = network(row)
    np.save(folder / "input.npy", images)
    (folder / "larq.tflite").write_bytes(larq_compute_engine.convert_keras_model(model))
    model.save(folder / "binary.h5", include_optimizer=False)


def network(row: rows.NetworkRow) -> tuple[tf.keras.Model, np.ndarray]:
    """larq-zoo's network with random weights, and images for it: many, since few of them keep every sign."""
    build = importlib.import_module("build")  # tests/zoo/build.py
    rng = np.random.default_rng(zlib.crc32(row.larq.encode()))
    images = build.pictures(rng, build.FIRST)
    model = build.builder(row.larq)(weights=None, input_shape=row.input_shape)
    build.fill(model, images, rng)
    build.spread_classes(model, images)
    return model, images


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
