"""Recurrent layers, unrolled, and TimeDistributed against Keras."""

from __future__ import annotations

import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed")
pytestmark = pytest.mark.keras

from tests.converter.lowering.checking import check, one  # noqa: E402
from xlite.converter import convert, emit  # noqa: E402
from xlite.schema.errors import ConversionError  # noqa: E402

L = keras.layers
SHAPE = (5, 3)
CELLS = {
    "SimpleRNN": lambda **o: L.SimpleRNN(4, **o),
    "LSTM": lambda **o: L.LSTM(4, **o),
    "GRU": lambda **o: L.GRU(4, **o),
    "GRU before": lambda **o: L.GRU(4, reset_after=False, **o),
}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("bias", [True, False])
def test_recurrent(cell, backwards, sequences, bias):
    one(CELLS[cell](go_backwards=backwards, return_sequences=sequences, use_bias=bias), SHAPE)


@pytest.mark.parametrize("cell", CELLS)
def test_one_step_and_other_activations(cell):
    one(CELLS[cell](activation="relu"), (1, 3))
    options = {} if cell == "SimpleRNN" else {"recurrent_activation": "hard_sigmoid"}
    one(CELLS[cell](activation="softsign", **options), SHAPE)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave"])
@pytest.mark.parametrize("sequences", [False, True])
def test_bidirectional(cell, mode, sequences):
    one(L.Bidirectional(CELLS[cell](return_sequences=sequences), merge_mode=mode), SHAPE)


def test_bidirectional_of_two_layers():
    forward, backward = L.LSTM(4), L.LSTM(4, go_backwards=True, activation="relu")
    one(L.Bidirectional(forward, backward_layer=backward), SHAPE)
    inputs = keras.Input(SHAPE)
    check(keras.Model(inputs, L.Bidirectional(L.GRU(4, return_sequences=True), merge_mode=None)(inputs)))


@pytest.mark.parametrize("cell", CELLS)
def test_states(cell):
    inputs = keras.Input(SHAPE)
    check(keras.Model(inputs, CELLS[cell](return_state=True, return_sequences=True)(inputs)))
    check(keras.Model(inputs, L.Bidirectional(CELLS[cell](return_state=True))(inputs)))


def test_stacked():
    stack = [L.LSTM(4, return_sequences=True), L.GRU(3, return_sequences=True), L.SimpleRNN(2)]
    check(keras.Sequential([keras.Input(SHAPE), *stack]))


def test_weights_are_shared_by_all_steps():
    graph = one(L.LSTM(4), (9, 3))
    constants = {value for node in graph.nodes for value in node.inputs if value is not None and value.is_constant}
    assert len(constants) == 3


def test_what_cannot_be_unrolled_is_refused():
    with pytest.raises(ConversionError, match="1024 steps"):
        one(L.SimpleRNN(2), (1025, 1))
    with pytest.raises(ConversionError, match="stateful"):
        check(keras.Sequential([keras.Input(SHAPE, batch_size=2), L.LSTM(4, stateful=True)]))


def test_more_ops_than_a_file_holds_are_refused_by_layer(monkeypatch):
    monkeypatch.setattr(emit, "MAX_OPS", 100)
    with pytest.raises(ConversionError, match="of them for layer 'long', and a file holds 100; use shorter"):
        convert(keras.Sequential([keras.Input((12, 1)), L.LSTM(2, name="long")]))


def test_time_distributed():
    one(L.TimeDistributed(L.Dense(4, activation="relu")), SHAPE)
    one(L.TimeDistributed(L.Conv2D(3, 2)), (3, 4, 4, 2))
    one(L.TimeDistributed(L.Flatten()), (3, 4, 4, 2))
    one(L.TimeDistributed(L.BatchNormalization()), (3, 4, 2))
    one(L.TimeDistributed(L.GlobalMaxPooling1D()), (3, 4, 2))
