"""Trains the demo's binary network on Fashion-MNIST, and its float twin to compare with.

    python examples/fashion/train.py [--epochs N] [--seed N] [--data FOLDER] [--out FOLDER]

Writes ``model.h5`` (the binary network, without optimizer state), ``model.json`` (what it was trained with and
what came out), and, from the new model, ``golden.npz`` and ``images.npz`` (see record.py). Every file appears
whole or not at all. Takes some minutes on two cores.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from xlite.zoo import datasets, fashion

FOLDER = Path(__file__).resolve().parent


def trained(
    build: Any, data: datasets.ImageSet, recipe: fashion.Recipe, seed: int
) -> tuple[keras.Model, dict[str, Any]]:
    """A freshly built and trained model, and the facts about its training."""
    keras.utils.set_random_seed(seed)
    model = build()
    print(f"{model.name}: {model.count_params():,} parameters, {recipe.epochs} epochs", flush=True)
    start, busy = time.perf_counter(), time.process_time()
    accuracy = fashion.train(model, data, recipe, verbose=1 if sys.stdout.isatty() else 2)
    facts = {
        "test_accuracy": round(accuracy, 4),
        "parameters": model.count_params(),
        "train_seconds": round(time.perf_counter() - start, 1),
        "train_cpu_seconds": round(time.process_time() - busy, 1),
        **asdict(recipe),
    }
    print(
        f"{model.name}: {100 * accuracy:.2f} % of the test images in {facts['train_seconds']:.0f} s\n", flush=True
    )
    return model, facts


def write_model(model: keras.Model, path: Path) -> str:
    """Saves ``model`` as .h5 without its optimizer, in one step; returns the file's sha256."""
    partial = path.with_name(f".{path.name}.partial.h5")
    model.save(partial, include_optimizer=False)
    os.replace(partial, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_json(facts: dict[str, Any], path: Path) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, path)


def describe(data: datasets.ImageSet) -> dict[str, Any]:
    return {
        "name": "Fashion-MNIST",
        "source": data.source,
        "sha256": data.sha256,
        "train_images": len(data.train_images),
        "test_images": len(data.test_images),
        "input": "float32 [n, 28, 28, 1], grey level / 255",
    }


def versions() -> dict[str, str]:
    found = {"keras": keras.__version__, "backend": keras.backend.backend(), "numpy": np.__version__}
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        found["tensorflow"] = tf.__version__
    return {**found, "python": sys.version.split()[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the Fashion-MNIST demo network and its float twin.")
    parser.add_argument("--epochs", type=int, default=fashion.BINARY_RECIPE.epochs, help="for each of the two")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="folder with the four IDX files (default: found, or downloaded)")
    parser.add_argument(
        "--out", type=Path, default=FOLDER, help="folder to write to (default: beside this script)"
    )
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)

    data = datasets.fashion_mnist(arguments.data)
    binary_recipe = replace(fashion.BINARY_RECIPE, epochs=arguments.epochs)
    float_recipe = replace(fashion.FLOAT_RECIPE, epochs=arguments.epochs)
    model, binary = trained(fashion.fashion_net, data, binary_recipe, arguments.seed)
    path = arguments.out / "model.h5"
    digest = write_model(model, path)
    _, twin = trained(fashion.fashion_float_twin, data, float_recipe, arguments.seed)

    from record import record

    record(path, arguments.out, data)
    facts = {
        "file": path.name,
        "bytes": path.stat().st_size,
        "sha256": digest,
        "seed": arguments.seed,
        "binary": binary,
        "float_twin": twin,
        "data": describe(data),
        "versions": versions(),
    }
    write_json(facts, arguments.out / "model.json")
    print(f"binary {100 * binary['test_accuracy']:.2f} %, float twin {100 * twin['test_accuracy']:.2f} %")
    print(f"written to {arguments.out}: model.h5, model.json, images.npz, golden.npz")


if __name__ == "__main__":
    main()
