"""Where tensors and scratch of generated code lie in its arena.

The plan of a .xlite file keeps the graph's inputs to the end, so that a model can run again on the same input, and
leaves scratch to whoever runs it. Firmware fills the input before every run: here its bytes are free once the last
op has read it, and scratch is placed like a tensor that lives during one step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

from xlite.interpreter import planner
from xlite.schema.types import DType, Model, Op, OpKind, Tensor, TensorType


@dataclass(frozen=True)
class Step:
    """What runs at once: one op, or a chain of ops by bands of rows. op: as the planner sees it; its kind says
    whether the output may take an input's place. scratch: bytes alive during the step alone."""

    op: Op
    scratch: int


@dataclass(frozen=True)
class Layout:
    """Offsets in bytes, by tensor (-1: not in the arena) and of each step's scratch; the size of it all, and the
    largest sum alive at once: no plan can be smaller. live: bytes alive during each step."""

    offsets: tuple[int, ...]
    scratch: tuple[int, ...]
    arena_bytes: int
    lower_bound: int
    live: tuple[int, ...]


def lay_out(model: Model, steps: Sequence[Step], shifts: Optional[Mapping[int, int]] = None) -> Layout:
    """Places everything that the steps, in running order, read and write.

    shifts: by step, how many bytes its output may lie below its input, in one piece of memory that both share;
    no tensor may be in two such pieces.
    """
    tensors = list(model.tensors)
    shared: dict[int, tuple[int, int]] = {}  # tensor -> its piece, and where it begins there
    for i, shift in (shifts or {}).items():
        x, y = steps[i].op.inputs[0], steps[i].op.outputs[0]
        size = max(tensors[y].type.nbytes, tensors[x].type.nbytes + shift)
        shared[x], shared[y] = (len(tensors), shift), (len(tensors), 0)
        tensors.append(Tensor("shared", TensorType((size,), DType.UINT8)))
    # an op before all others that writes the inputs, so that they are ordinary tensors
    ops = [Op(OpKind.CUSTOM, (), _pieces(model.inputs, shared))]
    for i, step in enumerate(steps):
        outputs = () if i in (shifts or {}) else _pieces(step.op.outputs, shared)
        if step.scratch:
            outputs = (*outputs, len(tensors))
            tensors.append(Tensor("scratch", TensorType((step.scratch,), DType.UINT8)))
        ops.append(Op(step.op.kind, _pieces(step.op.inputs, shared), outputs, step.op.options))
    flat = Model(tensors, ops, (), _pieces(model.outputs, shared))
    made = planner.plan(flat)
    scratch = (made.offsets[op.outputs[-1]] if step.scratch else 0 for step, op in zip(steps, ops[1:]))
    placed = [shared.get(t, (t, 0)) for t in range(len(model.tensors))]
    offsets = tuple(made.offsets[piece] + at if made.offsets[piece] >= 0 else -1 for piece, at in placed)
    live = tuple(row.live_bytes for row in planner.timeline(flat, made))[1:]
    return Layout(offsets, tuple(scratch), made.arena_bytes, made.lower_bound, live)


def _pieces(tensors: Sequence[int], shared: Mapping[int, tuple[int, int]]) -> tuple[int, ...]:
    return tuple(shared.get(t, (t, 0))[0] for t in tensors)
