"""Recurrent layers, unrolled, and TimeDistributed against Keras."""

from __future__ import annotations

import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed")
pytestmark = pytest.mark.keras

from tests.converter.lowering.checking import check, check_files, one  # noqa: E402
from xlite.converter import convert, emit  # noqa: E402
from xlite.converter.frontend import Ref, read  # noqa: E402
from xlite.converter.lowering import lower  # noqa: E402
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


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("backwards", [False, True])
def test_initial_states(cell, backwards):
    """From another layer's last states, and from inputs; of both halves in a Bidirectional."""
    other, inputs = keras.Input((4, 2)), keras.Input(SHAPE)
    _, *states = CELLS[cell](return_state=True)(other)
    y = CELLS[cell](go_backwards=backwards, return_sequences=True)(inputs, initial_state=states)
    check(keras.Model([inputs, other], y))
    given = [keras.Input((4,)) for _ in range(2 * len(states))]
    y = L.Bidirectional(CELLS[cell](return_state=True))(inputs, initial_state=given)
    check(keras.Model([inputs, *given], y))


CELL_LAYERS = {
    "SimpleRNN": lambda units, **o: L.SimpleRNNCell(units, **o),
    "LSTM": lambda units, **o: L.LSTMCell(units, **o),
    "GRU": lambda units, **o: L.GRUCell(units, **o),
    "GRU before": lambda units, **o: L.GRUCell(units, reset_after=False, **o),
}


@pytest.mark.parametrize("cell", CELL_LAYERS)
def test_rnn_of_a_cell(cell):
    one(L.RNN(CELL_LAYERS[cell](4)), SHAPE)
    one(L.RNN(CELL_LAYERS[cell](4, use_bias=False), return_sequences=True, go_backwards=True), SHAPE)
    one(L.Bidirectional(L.RNN(CELL_LAYERS[cell](4))), SHAPE)


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_rnn_of_stacked_cells(sequences, backwards):
    def cells():
        return [L.LSTMCell(4), L.GRUCell(3, use_bias=False), L.SimpleRNNCell(2)]

    one(L.RNN(cells(), return_sequences=sequences, go_backwards=backwards), SHAPE)
    inputs = keras.Input(SHAPE)
    check(keras.Model(inputs, keras.tree.flatten(L.RNN(cells(), return_state=True)(inputs))))


def test_stacked_cells_in_files(tmp_path):
    cells = [L.LSTMCell(4), L.GRUCell(3)]
    check_files(keras.Sequential([keras.Input(SHAPE), L.RNN(cells, return_sequences=True)]), tmp_path)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["state", "state"], "is given 2 states and keeps 1; give it those that it keeps"),
        (["x"], r"starts from states of shapes \[\(5, 3\)\]; give each of its cells 1 of shape \(4,\)"),
    ],
)
def test_states_that_do_not_fit_are_named(given, words):
    inputs, state = keras.Input(SHAPE, name="x"), keras.Input((4,), name="state")
    found = read(keras.Model([inputs, state], L.GRU(4)(inputs, initial_state=state)))
    found.layers[-1].calls[0].kwargs["initial_state"] = [Ref(name) for name in given]
    with pytest.raises(ConversionError, match=words):
        lower(found)


def test_cells_of_other_classes_are_named():
    found = read(keras.Sequential([keras.Input(SHAPE), L.RNN(L.GRUCell(4))]))
    found.layers[-1].config["cell"]["class_name"] = "MyCell"
    with pytest.raises(ConversionError, match="holds a cell of class MyCell; use one of GRUCell"):
        lower(found)


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
