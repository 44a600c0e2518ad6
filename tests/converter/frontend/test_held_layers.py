"""Weights of layers that other layers hold: recurrent cells, Bidirectional, TimeDistributed."""

from __future__ import annotations

import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras", reason="Keras is not installed")
pytestmark = pytest.mark.keras

from xlite.converter.frontend import read  # noqa: E402

L = keras.layers


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_they_are_read_in_the_order_of_the_layer(suffix, tmp_path):
    inputs = keras.Input((6, 4))
    held = [
        L.LSTM(3),
        L.GRU(3, use_bias=False),
        L.Bidirectional(L.SimpleRNN(3)),
        L.Bidirectional(L.LSTM(2), backward_layer=L.LSTM(3, go_backwards=True)),
        L.TimeDistributed(L.Dense(3)),
        L.TimeDistributed(L.BatchNormalization()),
        L.Bidirectional(L.GRU(3)),
        L.RNN(L.GRUCell(3, use_bias=False)),
        L.RNN([L.GRUCell(3), L.LSTMCell(2), L.GRUCell(4), L.GRUCell(2)]),
        L.Bidirectional(L.RNN([L.LSTMCell(3), L.LSTMCell(2)])),
    ]
    model = keras.Model(inputs, [layer(inputs) for layer in held])
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    path = tmp_path / f"model.{suffix}"
    model.save(path)
    source = read(path)
    for layer in held:
        found = source.layer(layer.name).weights
        assert len(found) == len(layer.get_weights()) > 0
        for mine, theirs in zip(found, layer.get_weights()):
            np.testing.assert_array_equal(mine, theirs)
