"""Outputs that lie over the beginning of their own input.

A convolution or a pool goes over its output row by row, and behind row y it reads no input row above the first
one that row y sees. So its output can move along behind what it still reads: it lies some rows below its input in
one piece of memory, and overwrites only what nothing reads any more. Two images of 8 KiB take 8.5 KiB then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional, Union

from xlite.converter.codegen.arena import Layout, Step, lay_out
from xlite.converter.codegen.bands import Bands, Rows, rows_of
from xlite.converter.codegen.calls import Call
from xlite.interpreter.planner import align
from xlite.schema.types import Model

_KINDS = frozenset(["CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"])
_ROUNDS = 8


def shift_of(model: Model, call: Call) -> Optional[int]:
    """By how many bytes the op's input must begin behind its output; None where they cannot share memory."""
    rows = rows_of(model, call)
    if rows is None or call.spec.kind.name not in _KINDS or getattr(call.params, "groups", 1) != 1:
        return None
    return align(max(0, *(_ahead(rows, y) for y in range(rows.y_rows))))


def _ahead(rows: Rows, y: int) -> int:
    """How far the end of output row ``y`` is behind the first byte that is read from then on."""
    return (y + 1) * rows.y_bytes - rows.first(y) * rows.x_bytes


def overlap(model: Model, cut: Sequence[Union[Call, Bands]], steps: Sequence[Step], layout: Layout) -> Layout:
    """The layout with outputs over inputs at its fullest moments, as often as that makes the arena smaller."""
    shifts: dict[int, int] = {}
    for _ in range(_ROUNDS):
        full = [i for i, live in enumerate(layout.live) if live == max(layout.live)]
        found: dict[int, int] = {}
        for i in full:
            shift = _usable(model, cut, i, {**shifts, **found})
            if shift is not None:
                found[i] = shift
        if not found:
            break
        tried = lay_out(model, steps, {**shifts, **found})
        if tried.arena_bytes >= layout.arena_bytes:
            break
        layout, shifts = tried, {**shifts, **found}
    return layout


def _usable(model: Model, cut: Sequence[Union[Call, Bands]], i: int, shifts: Mapping[int, int]) -> Optional[int]:
    """The shift of step ``i``, if nothing reads its input afterwards and its tensors are in no other piece."""
    call = cut[i]
    if not isinstance(call, Call):
        return None
    x, y = call.inputs[0], call.output
    later = any(x in op.inputs for op in model.ops[call.index + 1 :])
    sharing = [part for part in (cut[j] for j in shifts) if isinstance(part, Call)]
    taken = {tensor for part in sharing for tensor in (part.inputs[0], part.output)}
    if later or x in model.outputs or {x, y} & taken:
        return None
    return shift_of(model, call)
