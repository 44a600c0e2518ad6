"""Records TensorFlow's outputs on the cases of ``cases.py``: ``python -m tests.golden.record [FAMILY ...]`` (needs
TensorFlow), all families without a name.

One .npz a family; for every case: the .h5 as Keras saved it, inputs ``x0...``, outputs ``y0...`` and, where the
last layer is a sign, ``presign``: what that sign was taken of.
"""

from __future__ import annotations

import os
import sys
import tempfile
import zlib
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from tests.golden.case import SIGN, Case
from tests.golden.cases import all_cases
from tests.golden.stored import BYTES

FOLDER = Path(__file__).parent
BATCH = 3
ROWS = 7  # of the tables that integer inputs select from


def seeded(case: Case) -> keras.Model:
    """The case's model with random weights that leave no branch degenerate."""
    keras.utils.clear_session()
    model = case.build()
    randomize(model, np.random.default_rng(zlib.crc32(f"{case.family}/{case.name}".encode())), case.gamma)
    return model


def randomize(model: keras.Model, rng: np.random.Generator, gamma: str = "mixed") -> None:
    """Random weights for every layer; ``gamma`` says how batch norms get theirs."""
    for layer in model.layers:
        weights = layer.get_weights()
        if isinstance(layer, keras.layers.BatchNormalization):
            weights = batch_norm_weights(layer, gamma, rng)
        elif isinstance(layer, keras.layers.PReLU):
            low = -0.8 if layer.name == "falling" else 0.05
            weights = [rng.uniform(low, 0.6, w.shape) for w in weights]
        else:
            weights = [sixteenths(rng.normal(0, 0.5, w.shape)) for w in weights]
        if layer.name == "binarized":
            weights[0] = binarized(layer, weights[0])
        layer.set_weights([np.asarray(w, np.float32) for w in weights])


def sixteenths(values: np.ndarray) -> np.ndarray:
    """Rounded to sixteenths: both zeros occur among them, and the files are a quarter as large."""
    return (np.round(values * 16) / 16).astype(np.float32)


def batch_norm_weights(layer, gamma: str, rng) -> list[np.ndarray]:
    channels = layer.moving_mean.shape
    magnitude = rng.uniform(0.3, 1.5, channels)
    turn = {"positive": 1.0, "negative": -1.0}.get(gamma, rng.choice([-1.0, 1.0], channels))
    scale = magnitude * turn
    if gamma == "zero":
        scale = np.where(rng.random(channels) < 0.5, 0.0, scale)
    weights = [scale] if layer.scale else []
    if layer.center:
        weights.append(rng.normal(0, 0.5, channels))
    return [*weights, rng.normal(0, 3, channels), rng.uniform(0.5, 30, channels)]


def binarized(layer, kernel: np.ndarray) -> np.ndarray:
    """alpha * sign(W) with one alpha a filter."""
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    axes = (0, 1) if depthwise else tuple(range(kernel.ndim - 1))
    kernel = kernel.astype(np.float32)
    return np.abs(kernel).mean(axis=axes, keepdims=True) * np.where(kernel < 0, -1, 1).astype(np.float32)


def run_case(case: Case) -> dict[str, np.ndarray]:
    model = seeded(case)
    rng = np.random.default_rng(7)
    inputs = [_input(i, rng, f"{case.family}:{case.name}") for i in model.inputs]
    found = {f"x{i}": x for i, x in enumerate(inputs)}
    for i, y in enumerate(outputs_of(model, inputs)):
        found[f"y{i}"] = y
    if model.layers[-1].name == SIGN:
        before = keras.Model(model.inputs[0], model.layers[-2].output)
        found["presign"] = outputs_of(before, inputs)[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.h5")
        model.save(path, include_optimizer=False)
        found["h5"] = np.frombuffer(path.read_bytes(), np.uint8)
    return found


def _input(tensor, rng, name: str) -> np.ndarray:
    """Sixteenths around 0, bytes, or whole numbers for an input that selects rows."""
    shape = (BATCH, *tensor.shape[1:])
    if name.startswith(BYTES):
        return rng.integers(0, 256, shape).astype(np.uint8)
    if keras.backend.standardize_dtype(tensor.dtype).startswith("int"):
        return rng.integers(0, ROWS, shape).astype(np.int32)
    return sixteenths(rng.normal(size=shape))


def outputs_of(model: keras.Model, inputs: list[np.ndarray]) -> list[np.ndarray]:
    inputs = [x.astype(np.float32) if x.dtype == np.uint8 else x for x in inputs]
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [np.asarray(y) for y in outputs]


def main(wanted: list[str]) -> None:
    families: dict[str, dict[str, np.ndarray]] = {}
    cases = [case for case in all_cases() if not wanted or case.family in wanted]
    unknown = set(wanted) - {case.family for case in cases}
    if unknown:
        sys.exit(f"no family is called {', '.join(sorted(unknown))}")
    for case in cases:
        for key, value in run_case(case).items():
            families.setdefault(case.family, {})[f"{case.name}|{key}"] = value
    for family, arrays in families.items():
        path = FOLDER / f"{family}.npz"
        np.savez_compressed(path, **arrays)
        print(f"{path.name}: {len({k.split('|')[0] for k in arrays})} cases, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
