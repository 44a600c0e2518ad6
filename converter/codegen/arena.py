"""Where tensors and scratch of generated code lie in its arena.

The plan of a .xlite file keeps the graph's inputs to the end, so that a model can run again on the same input, and
leaves scratch to whoever runs it. Firmware fills the input before every run: here its bytes are free once the last
op has read it, and scratch is placed like a tensor that lives during one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    largest sum alive at once: no plan can be smaller."""

    offsets: tuple[int, ...]
    scratch: tuple[int, ...]
    arena_bytes: int
    lower_bound: int


def lay_out(model: Model, steps: Sequence[Step]) -> Layout:
    """Places everything that the steps, in running order, read and write."""
    tensors = list(model.tensors)
    # an op before all others that writes the inputs, so that they are ordinary tensors
    ops = [Op(OpKind.CUSTOM, (), model.inputs)]
    for step in steps:
        outputs = step.op.outputs
        if step.scratch:
            outputs = (*outputs, len(tensors))
            tensors.append(Tensor("scratch", TensorType((step.scratch,), DType.UINT8)))
        ops.append(Op(step.op.kind, step.op.inputs, outputs, step.op.options))
    made = planner.plan(Model(tensors, ops, (), model.outputs))
    scratch = (made.offsets[op.outputs[-1]] if step.scratch else 0 for step, op in zip(steps, ops[1:]))
    return Layout(made.offsets[: len(model.tensors)], tuple(scratch), made.arena_bytes, made.lower_bound)
