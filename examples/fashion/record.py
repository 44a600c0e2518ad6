"""Writes what the demo needs so that it can run without TensorFlow: 1,000 test images and the outputs that
Keras gives for them.

    python examples/fashion/record.py [--model FILE] [--count N] [--data FOLDER] [--out FOLDER]

``images.npz``  ``images`` uint8 [count, 28, 28], ``labels`` uint8 [count], ``class_names`` str [10]: the first
                images of Fashion-MNIST's test set (MIT licence, LICENSE-fashion-mnist.txt)
``golden.npz``  ``outputs`` float32 [count, 10]: the probabilities from ``model.predict`` on
                ``images / 255``; ``model_sha256`` the digest of the model file they belong to; ``made_with``
"""

from __future__ import annotations

import argparse
import hashlib
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import xlite.layers  # noqa: F401  (registers the layers that the file names)
from xlite.zoo import datasets

FOLDER = Path(__file__).resolve().parent


def write_npz(path: Path, **arrays: np.ndarray) -> None:
    """A compressed .npz that appears at ``path`` whole or not at all."""
    partial = path.with_name(f".{path.name}.partial.npz")
    np.savez_compressed(partial, **arrays)
    os.replace(partial, path)


def record(model_path: Path, folder: Path, data: datasets.ImageSet, count: int = 1000) -> float:
    """Writes both files into ``folder``; returns the accuracy of the model on the recorded images."""
    images, labels = data.test_images[:count], data.test_labels[:count].astype(np.uint8)
    model = keras.saving.load_model(model_path, compile=False)
    outputs = model.predict(datasets.to_float(images), batch_size=250, verbose=0)
    write_npz(folder / "images.npz", images=images, labels=labels, class_names=np.array(datasets.FASHION_CLASSES))
    write_npz(
        folder / "golden.npz",
        outputs=outputs.astype(np.float32),
        model_sha256=np.array(hashlib.sha256(model_path.read_bytes()).hexdigest()),
        made_with=np.array(f"keras {keras.__version__} on {keras.backend.backend()}"),
    )
    return float((outputs.argmax(axis=1) == labels).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description="Record the demo's images and the outputs Keras gives for them.")
    parser.add_argument("--model", type=Path, default=FOLDER / "model.h5")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write images.npz and golden.npz to")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--data", type=Path, help="folder with the four IDX files (default: found, or downloaded)")
    arguments = parser.parse_args()
    data = datasets.fashion_mnist(arguments.data)
    accuracy = record(arguments.model, arguments.out, data, arguments.count)
    print(f"images.npz and golden.npz written to {arguments.out}; accuracy on them {100 * accuracy:.2f} %")


if __name__ == "__main__":
    main()
