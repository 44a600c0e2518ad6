"""Keras models with seeded weights, and what Keras makes of an input against what lowering makes of it."""

from __future__ import annotations

import os

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras

from tests.converter.evaluate import evaluate
from xlite.converter.frontend import read
from xlite.converter.lowering import lower


def seeded(model, seed=0):
    """Weights of both signs; variances positive, moving means away from 0."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        values = rng.normal(0, 1, weight.shape)
        weight.assign(np.abs(values) + 0.1 if "variance" in weight.path else values)
    return model


def inputs_of(model, seed=1):
    """A batch of two, with zeros of both kinds among the numbers: their signs count."""
    rng = np.random.default_rng(seed)
    found = []
    for tensor in model.inputs:
        x = rng.normal(0, 1.5, (2, *tensor.shape[1:])).astype(np.float32)
        x.flat[::7] = 0.0
        x.flat[3::11] = -0.0
        found.append(x)
    return found


def check(model, seed=0):
    """The lowered model gives what Keras gives at inference."""
    seeded(model, seed)
    xs = inputs_of(model)
    expected = model(xs if len(xs) > 1 else xs[0], training=False)
    expected = [np.asarray(y) for y in keras.tree.flatten(expected)]
    graph = lower(read(model))
    got = evaluate(graph, *xs)
    assert len(got) == len(expected)
    for mine, theirs in zip(got, expected):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(theirs).max()))
    return graph


def one(layer, shape=(7, 6, 5)):
    return check(keras.Sequential([keras.Input(shape), layer]))


def check_files(model, folder):
    seeded(model)
    xs = inputs_of(model)
    expected = keras.tree.flatten(model(xs if len(xs) > 1 else xs[0], training=False))
    for form in ("h5", "keras"):
        path = folder / f"m.{form}"
        model.save(path)
        found = read(path)
        for mine, theirs in zip(evaluate(lower(found), *xs), expected):
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())
    return found
