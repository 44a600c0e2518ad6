"""SimpleRNN, GRU, LSTM and Bidirectional, unrolled: every step of the sequence is nodes of its own, with the same
weights."""

from __future__ import annotations

import copy

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.elementwise import binary
from xlite.converter.lowering.movement import joined, reshaped, sliced
from xlite.converter.lowering.recurrent_cells import cell_of
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import DenseOptions, OpKind

MOST_STEPS = 1024  # of a sequence: each becomes one or two dozen ops
_RECURRENT = ("SimpleRNN", "GRU", "LSTM")


@lowering(*_RECURRENT)
def recurrent(ctx: Context, x: Value, *states: Value) -> list[Value]:
    steps, last = _unrolled(ctx, x, states)
    sequence = bool(ctx.config.get("return_sequences"))
    return [_output(ctx, steps, sequence), *_returned_states(ctx, last)]


@lowering("Bidirectional")
def bidirectional(ctx: Context, x: Value, *states: Value) -> list[Value]:
    """Two layers, the second of which reads the sequence from its end; its outputs are put in time's order."""
    forward, backward = _halves(ctx)
    first, first_last = _unrolled(forward, x, states)
    second, second_last = _unrolled(backward, x, states)
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
            raise ctx.unsupported(f"wraps a layer of class {value['class_name']}", "wrap a SimpleRNN, GRU or LSTM")
    weights = ctx.layer.weights
    half = len(weights) // 2
    return ctx.inner(layer, weights[:half], "forward"), ctx.inner(other, weights[half:], "backward")


def _unrolled(ctx: Context, x: Value, states: tuple[Value, ...]) -> tuple[list[Value], list[Value]]:
    """The outputs of all steps, [N, 1, units] in the order in which they are computed, and the last state."""
    _check(ctx, x, states)
    cell = cell_of(ctx, x.type.shape[2])
    bias = None if cell.bias is None else ctx.constant("bias", cell.bias)
    share = ctx.add(OpKind.DENSE, [x, ctx.constant("kernel", cell.kernel.T), None, bias, None], DenseOptions())
    times = range(x.type.shape[1])
    outputs: list[Value] = []
    state: list[Value] | None = None
    for time in reversed(times) if ctx.config.get("go_backwards") else times:
        state = cell.step(sliced(ctx, share, 1, time, 1), state)
        outputs.append(state[0])
    assert state is not None
    return outputs, state


def _check(ctx: Context, x: Value, states: tuple[Value, ...]) -> None:
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
    if states:
        raise ctx.unsupported("starts from a given state", "let it start from zeros")


def _output(ctx: Context, steps: list[Value], sequence: bool) -> Value:
    if sequence:
        return joined(ctx, steps, 1)
    return reshaped(ctx, steps[-1], steps[-1].type.shape[2:])


def _returned_states(ctx: Context, last: list[Value]) -> list[Value]:
    """The last state as outputs of the layer, where it gives them."""
    if not ctx.config.get("return_state"):
        return []
    return [reshaped(ctx, value, value.type.shape[2:]) for value in last]
