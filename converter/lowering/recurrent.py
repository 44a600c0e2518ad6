"""SimpleRNN, GRU, LSTM, RNN of their cells and Bidirectional, unrolled: every step of the sequence is nodes of its
own, with the same weights."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.elementwise import binary
from xlite.converter.lowering.movement import joined, reshaped, sliced
from xlite.converter.lowering.recurrent_cells import Cell, cell_contexts, cell_of
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import DenseOptions, OpKind

MOST_STEPS = 1024  # of a sequence: each becomes one or two dozen ops
_RECURRENT = ("SimpleRNN", "GRU", "LSTM", "RNN")


@lowering(*_RECURRENT)
def recurrent(ctx: Context, x: Value, *states: Value) -> list[Value]:
    steps, last = _unrolled(ctx, x, states)
    sequence = bool(ctx.config.get("return_sequences"))
    return [_output(ctx, steps, sequence), *_returned_states(ctx, last)]


@lowering("Bidirectional")
def bidirectional(ctx: Context, x: Value, *states: Value) -> list[Value]:
    """Two layers, the second of which reads the sequence from its end; its outputs are put in time's order."""
    forward, backward = _halves(ctx)
    half = len(states) // 2
    first, first_last = _unrolled(forward, x, states[:half])
    second, second_last = _unrolled(backward, x, states[half:])
    sequence = bool(forward.config.get("return_sequences"))
    y = _output(ctx, first, sequence)
    y_reverse = _output(ctx, second[::-1] if sequence else second, sequence)
    rest = [*_returned_states(forward, first_last), *_returned_states(backward, second_last)]
    mode = ctx.config.get("merge_mode", "concat")
    if mode is None:
        return [y, y_reverse, *rest]
    if mode == "concat":
        return [joined(ctx, [y, y_reverse], len(y.type.shape) - 1), *rest]
    kinds = {"sum": OpKind.ADD, "ave": OpKind.ADD, "mul": OpKind.MULTIPLY}
    if mode not in kinds:
        raise ctx.unsupported(f"has merge_mode='{mode}'", "use 'concat', 'sum', 'ave' or 'mul'")
    merged = ctx.add(kinds[mode], [y, y_reverse])
    return [binary(ctx, OpKind.DIVIDE, merged, 2.0) if mode == "ave" else merged, *rest]


def _halves(ctx: Context) -> tuple[Context, Context]:
    layer = ctx.config["layer"]
    other = ctx.config.get("backward_layer")
    if other is None:
        other = copy.deepcopy(layer)
        other["config"]["go_backwards"] = not layer["config"].get("go_backwards", False)
    for value in (layer, other):
        if value["class_name"] not in _RECURRENT:
            raise ctx.unsupported(
                f"wraps a layer of class {value['class_name']}", "wrap a SimpleRNN, GRU, LSTM or RNN"
            )
    weights = ctx.layer.weights
    half = len(weights) // 2
    return ctx.inner(layer, weights[:half], "forward"), ctx.inner(other, weights[half:], "backward")


def _unrolled(ctx: Context, x: Value, states: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    """The outputs of all steps, [N, 1, units] in the order in which they are computed, and the last states.

    Of stacked cells each runs over the whole sequence before the next one begins: none of them reads a later one.
    """
    _check(ctx, x)
    times = list(range(x.type.shape[1]))
    if ctx.config.get("go_backwards"):
        times.reverse()
    given = list(states)
    outputs: list[Value] = []
    last: list[Value] = []
    for inner in cell_contexts(ctx):
        if outputs:
            x, times = joined(ctx, outputs, 1), list(range(len(times)))
        cell = cell_of(inner, x.type.shape[2])
        state = _initial(ctx, cell, given) if states else None
        outputs, state = _run(inner, cell, x, times, state)
        last += state
    if given:
        raise ctx.error(f"is given {len(states)} states and keeps {len(last)}", "give it those that it keeps")
    return outputs, last


def _run(
    ctx: Context, cell: Cell, x: Value, times: Sequence[int], state: list[Value] | None
) -> tuple[list[Value], list[Value]]:
    """One cell over all steps: its outputs and its last state."""
    bias = None if cell.bias is None else ctx.constant("bias", cell.bias)
    share = ctx.add(OpKind.DENSE, [x, ctx.constant("kernel", cell.kernel.T), None, bias, None], DenseOptions())
    outputs = []
    for time in times:
        state = cell.step(sliced(ctx, share, 1, time, 1), state)
        outputs.append(state[0])
    assert state is not None
    return outputs, state


def _initial(ctx: Context, cell: Cell, given: list[Value]) -> list[Value]:
    """The cell's first state, taken off what the layer is given, with an axis of one step."""
    mine = given[: cell.states]
    del given[: cell.states]
    if [value.type.shape for value in mine] != [(1, cell.units)] * cell.states:
        raise ctx.error(
            f"starts from states of shapes {[value.type.shape[1:] for value in mine]}",
            f"give each of its cells {cell.states} of shape ({cell.units},)",
        )
    return [reshaped(ctx, value, (1, cell.units)) for value in mine]


def _check(ctx: Context, x: Value) -> None:
    if len(x.type.shape) != 3:
        raise ctx.error(f"has an input of {len(x.type.shape)} axes", "give it (batch, steps, features)")
    if x.type.shape[1] > MOST_STEPS:
        raise ctx.unsupported(
            f"runs over {x.type.shape[1]} steps, and every step becomes ops of its own",
            f"use sequences of {MOST_STEPS} steps at most, or pool them first",
        )
    if ctx.config.get("stateful"):
        raise ctx.unsupported("is stateful", "build the model with stateful=False and the same weights")
    if ctx.config.get("time_major"):
        raise ctx.unsupported("has time_major=True", "build the model with the batch axis first")


def _output(ctx: Context, steps: list[Value], sequence: bool) -> Value:
    if sequence:
        return joined(ctx, steps, 1)
    return reshaped(ctx, steps[-1], steps[-1].type.shape[2:])


def _returned_states(ctx: Context, last: list[Value]) -> list[Value]:
    """The last state as outputs of the layer, where it gives them."""
    if not ctx.config.get("return_state"):
        return []
    return [reshaped(ctx, value, value.type.shape[2:]) for value in last]
