"""One step of SimpleRNN, GRU and LSTM in plain ops.

A step takes the input's share of the gates, [N, 1, gates * units], computed for all steps at once, and the state
before it (None before the first step, where it is zero), and gives the state after it; the output is the state's
first value. Values keep an axis of one step, so that steps join into a sequence without reshapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering.activations import activated
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.elementwise import binary
from xlite.converter.lowering.movement import sliced
from xlite.schema.types import DenseOptions, OpKind

State = Optional[list]  # of Values


@dataclass(frozen=True)
class Cell:
    """``kernel`` [features, gates * units] and ``bias`` make the input's share; ``step`` is the rest. A state is
    ``states`` tensors of ``units`` elements."""

    kernel: np.ndarray
    bias: np.ndarray | None
    step: Callable[[Value, State], list]
    units: int
    states: int = 1


def cell_contexts(ctx: Context) -> list[Context]:
    """The context of each cell of a recurrent layer, from the input on; an RNN holds one cell or a stack."""
    if ctx.layer.class_name != "RNN":
        return [ctx]
    cell = ctx.config["cell"]
    stack = [cell]
    if cell["class_name"] == "StackedRNNCells":
        stack = cell["config"]["cells"]
        if cell["config"].get("reverse_state_order"):
            raise ctx.unsupported("has reverse_state_order=True", "build it without")
    left = list(ctx.layer.weights)
    contexts = []
    for i, value in enumerate(stack):
        if value["class_name"] not in _CELLS:
            raise ctx.unsupported(
                f"holds a cell of class {value['class_name']}", f"use one of {', '.join(sorted(_CELLS))}"
            )
        count = 3 if value["config"].get("use_bias", True) else 2
        contexts.append(ctx.inner(value, left[:count], f"cell_{i}" if len(stack) > 1 else ""))
        left = left[count:]
    return contexts


def cell_of(ctx: Context, features: int) -> Cell:
    """The cell of a SimpleRNN, GRU or LSTM layer, or that is itself in the context."""
    make, gates = {"SimpleRNN": (_simple, 1), "GRU": (_gru, 3), "LSTM": (_lstm, 4)}[_kind_of(ctx)]
    units = int(ctx.config["units"])
    roles = ["kernel", "recurrent_kernel"] + ["bias"] * bool(ctx.config.get("use_bias", True))
    kernel, recurrent, *rest = ctx.weights(*roles)
    ctx.check_shape("kernel", kernel, (features, gates * units))
    ctx.check_shape("recurrent_kernel", recurrent, (units, gates * units))
    bias = rest[0] if rest else None
    if bias is not None:
        twice = _kind_of(ctx) == "GRU" and ctx.config.get("reset_after", False)
        ctx.check_shape("bias", bias, (2, gates * units) if twice else (gates * units,))
    return make(ctx, units, kernel, recurrent, bias)


_CELLS = ("SimpleRNNCell", "GRUCell", "LSTMCell")


def _kind_of(ctx: Context) -> str:
    name = ctx.layer.class_name
    return name[: -len("Cell")] if name in _CELLS else name


def _simple(ctx: Context, units: int, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray | None) -> Cell:
    """h = act(x W + b + h U)."""

    def step(x: Value, state: State) -> list:
        if state is not None:
            x = ctx.add(OpKind.ADD, [x, _product(ctx, "recurrent_kernel", state[0], recurrent)])
        return [activated(ctx, x)]

    return Cell(kernel, bias, step, units)


def _lstm(ctx: Context, units: int, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray | None) -> Cell:
    """Gates i, f, c, o: c = f * c + i * act(c'), h = o * act(c)."""

    def step(x: Value, state: State) -> list:
        if state is not None:
            x = ctx.add(OpKind.ADD, [x, _product(ctx, "recurrent_kernel", state[0], recurrent)])
        carry = ctx.add(OpKind.MULTIPLY, [_gate(ctx, x, 0, units), activated(ctx, _part(ctx, x, 2, units))])
        if state is not None:
            kept = ctx.add(OpKind.MULTIPLY, [_gate(ctx, x, 1, units), state[1]])
            carry = ctx.add(OpKind.ADD, [kept, carry])
        return [ctx.add(OpKind.MULTIPLY, [_gate(ctx, x, 3, units), activated(ctx, carry)]), carry]

    return Cell(kernel, bias, step, units, states=2)


def _gru(ctx: Context, units: int, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray | None) -> Cell:
    """Gates z, r, h: h = z * h + (1 - z) * act(h'), where the reset gate scales the state's share of h' after
    the product with U (``reset_after``, with a bias of its own) or the state before it."""
    after = bool(ctx.config.get("reset_after", False))
    inner_bias = None
    if bias is not None and after:
        bias, inner_bias = bias

    def candidate(x: Value, state: State, inner: Value | None, reset: Value) -> Value:
        x_h = _part(ctx, x, 2, units)
        if after and inner is not None:
            return ctx.add(OpKind.ADD, [x_h, ctx.add(OpKind.MULTIPLY, [reset, _part(ctx, inner, 2, units)])])
        if after and inner_bias is not None:  # before the first step the state's share is its bias alone
            return ctx.add(OpKind.ADD, [x_h, binary(ctx, OpKind.MULTIPLY, reset, inner_bias[2 * units :])])
        if state is None:
            return x_h
        scaled = ctx.add(OpKind.MULTIPLY, [reset, state[0]])
        return ctx.add(OpKind.ADD, [x_h, _product(ctx, "candidate_kernel", scaled, recurrent[:, 2 * units :])])

    def step(x: Value, state: State) -> list:
        inner = None
        gates = sliced(ctx, x, 2, 0, 2 * units)
        if state is not None:
            matrix = recurrent if after else recurrent[:, : 2 * units]
            inner = _product(ctx, "recurrent_kernel", state[0], matrix, inner_bias)
            gates = ctx.add(OpKind.ADD, [gates, sliced(ctx, inner, 2, 0, 2 * units)])
        elif inner_bias is not None:
            gates = binary(ctx, OpKind.ADD, gates, inner_bias[: 2 * units])
        update, reset = _gate(ctx, gates, 0, units), _gate(ctx, gates, 1, units)
        new = activated(ctx, candidate(x, state, inner, reset))
        fresh = ctx.add(OpKind.MULTIPLY, [binary(ctx, OpKind.SUBTRACT, 1.0, update), new])
        if state is None:
            return [fresh]
        return [ctx.add(OpKind.ADD, [ctx.add(OpKind.MULTIPLY, [update, state[0]]), fresh])]

    return Cell(kernel, bias, step, units)


def _product(ctx: Context, role: str, x: Value, matrix: np.ndarray, bias: np.ndarray | None = None) -> Value:
    offset = None if bias is None else ctx.constant(f"{role}_bias", bias)
    return ctx.add(OpKind.DENSE, [x, ctx.constant(role, matrix.T), None, offset, None], DenseOptions())


def _part(ctx: Context, gates: Value, index: int, units: int) -> Value:
    return sliced(ctx, gates, 2, index * units, units)


def _gate(ctx: Context, gates: Value, index: int, units: int) -> Value:
    return activated(ctx, _part(ctx, gates, index, units), "recurrent_activation")
