"""Bop against the paper's rule, written out in numpy."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras", reason="the training side needs Keras")
pytestmark = pytest.mark.keras

import keras  # noqa: E402

from xlite.optimizers import Bop  # noqa: E402
from xlite.schema.errors import TrainingError  # noqa: E402


def expected(weights, gradients, gamma, threshold):
    average = np.zeros_like(weights)
    for gradient in gradients:
        average = average + gamma * (gradient - average)
        flips = (np.abs(average) > threshold) & (np.sign(average) == np.sign(weights))
        weights = np.where(flips, -weights, weights)
    return weights


@pytest.mark.parametrize("threshold", [0.0, 1e-3, 0.02])
def test_flips_as_the_paper_says(threshold):
    rng = np.random.default_rng(1)
    start = rng.choice([-1.0, 1.0], (7, 5)).astype(np.float32)
    gradients = rng.normal(0, 0.3, (12, 7, 5)).astype(np.float32)
    variable = keras.Variable(start)
    optimizer = Bop(gamma=0.1, threshold=threshold)
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    found = keras.ops.convert_to_numpy(variable)
    np.testing.assert_array_equal(found, expected(start, gradients, np.float32(0.1), threshold))
    assert np.any(found != start)


def test_two_variables_keep_their_own_averages():
    first, second = keras.Variable(np.ones(3, np.float32)), keras.Variable(np.ones(3, np.float32))
    optimizer = Bop(gamma=1.0, threshold=0.5)
    push = keras.ops.convert_to_tensor(np.ones(3, np.float32))
    optimizer.apply([push, 0 * push], [first, second])
    assert keras.ops.convert_to_numpy(first).tolist() == [-1, -1, -1]
    assert keras.ops.convert_to_numpy(second).tolist() == [1, 1, 1]


def test_trains_a_model_and_survives_the_round_trip():
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, use_bias=False)])
    signs = np.where(model.get_weights()[0] < 0, -1.0, 1.0).astype(np.float32)
    model.set_weights([signs])
    model.compile(Bop(gamma=0.5, threshold=1e-3), "mse")
    x = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
    model.fit(x, x[:, :4], epochs=2, verbose=0)
    assert set(np.unique(model.get_weights()[0])) == {-1.0, 1.0}
    again = keras.optimizers.deserialize(keras.optimizers.serialize(model.optimizer))
    assert isinstance(again, Bop)
    assert again.get_config() == model.optimizer.get_config()


@pytest.mark.parametrize("bad", [{"gamma": 0.0}, {"gamma": 2.0}, {"threshold": -1.0}])
def test_options_out_of_range_are_refused(bad):
    with pytest.raises(TrainingError, match="Bop got"):
        Bop(**bad)


@pytest.mark.parametrize("option", [{"weight_decay": 0.1}, {"use_ema": True}], ids=str)
def test_what_makes_no_sense_for_signs_is_refused(option):
    with pytest.raises(TrainingError, match=f"Bop takes no {next(iter(option))}"):
        Bop(**option)
