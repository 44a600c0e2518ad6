"""The rules of an arena plan: bounds, alignment, and no two live tensors in the same bytes."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

from xlite.schema.contracts import inplace_inputs
from xlite.schema.errors import VerifyError
from xlite.schema.lifetimes import lifetimes
from xlite.schema.limits import MAX_ARENA_BYTES
from xlite.schema.naming import op_name, tensor_name
from xlite.schema.types import ALIGNMENT, Model, Plan


def verify_plan(model: Model, plan: Plan) -> None:
    """Raises VerifyError where ``plan`` cannot be used for ``model``, whose ops are verified already.

    Tensors that live at the same time (see ``lifetimes``) have separate memory, but for one case: an op's output
    may lie exactly where one of its ``contracts.inplace_inputs`` lies if nothing reads that input later. A graph
    input is alive throughout, so nothing is ever written over it.
    """
    _verify_bounds(model, plan)
    _verify_overlaps(model, plan.offsets)


def _verify_bounds(model: Model, plan: Plan) -> None:
    if len(plan.offsets) != len(model.tensors):
        raise VerifyError(f"the plan has {len(plan.offsets)} offsets for {len(model.tensors)} tensors")
    if plan.arena_bytes > MAX_ARENA_BYTES:
        raise VerifyError(f"the plan's arena of {plan.arena_bytes} bytes is over the limit of 2^40")
    if not 0 <= plan.lower_bound <= plan.arena_bytes:
        raise VerifyError(
            f"the plan's lower bound of {plan.lower_bound} bytes is above its arena of {plan.arena_bytes} bytes"
        )
    together = 0
    for index, (tensor, offset) in enumerate(zip(model.tensors, plan.offsets)):
        if tensor.is_constant:
            problem = "" if offset == -1 else f"a constant is planned at {offset}, it must be -1"
        else:
            size = tensor.type.nbytes
            together += -(-size // ALIGNMENT) * ALIGNMENT
            problem = _offset_problem(offset, size, plan.arena_bytes)
        if problem:
            raise VerifyError(f"{tensor_name(model, index)}: {problem}")
    if plan.arena_bytes > together:
        raise VerifyError(
            f"the plan's arena of {plan.arena_bytes} bytes is larger than all activations together ({together})"
        )


def _offset_problem(offset: int, size: int, arena_bytes: int) -> str:
    if offset < 0:
        return f"the plan has no place for it (offset {offset})"
    if offset % ALIGNMENT:
        return f"its offset in the arena, {offset}, is not aligned to {ALIGNMENT} bytes"
    if offset + size > arena_bytes:
        return f"bytes {offset} to {offset + size} lie outside the arena of {arena_bytes} bytes"
    return ""


def _verify_overlaps(model: Model, offsets: Sequence[int]) -> None:
    """Walks the ops in time with the live tensors sorted by offset: a new one can only collide with its two
    neighbours there, so the walk takes n log n steps for n tensors."""
    end = len(model.ops)
    spans = lifetimes(model)
    births: list[list[int]] = [[] for _ in range(end + 2)]
    deaths: list[list[int]] = [[] for _ in range(end + 2)]
    for index, span in enumerate(spans):
        if span is not None:
            births[span[0]].append(index)  # graph inputs are born at -1, the list's last place
            deaths[span[1]].append(index)
    live: list[tuple[int, int]] = []  # (offset, tensor), sorted
    for time in range(-1, end):
        for index in births[time]:
            replaced = _inplace_input(model, time, index, offsets, spans)
            if replaced >= 0:
                del live[bisect_left(live, (offsets[replaced], replaced))]
                deaths[time].remove(replaced)
            _insert(model, live, offsets, index, time)
        for index in deaths[time]:
            del live[bisect_left(live, (offsets[index], index))]


def _insert(model: Model, live: list[tuple[int, int]], offsets: Sequence[int], index: int, time: int) -> None:
    entry = (offsets[index], index)
    place = bisect_left(live, entry)
    for _, other in live[max(0, place - 1) : place + 1]:
        apart = (
            offsets[other] + model.tensors[other].type.nbytes <= offsets[index]
            or offsets[index] + model.tensors[index].type.nbytes <= offsets[other]
        )
        if not apart:
            when = "before the first op" if time < 0 else f"at {op_name(model, time)}"
            raise VerifyError(
                f"{tensor_name(model, other)} and {tensor_name(model, index)} overlap in the arena "
                f"(from bytes {offsets[other]} and {offsets[index]}) while both are alive {when}"
            )
    insort(live, entry)


def _inplace_input(model: Model, time: int, output: int, offsets: Sequence[int], spans: Sequence) -> int:
    """The input of op ``time`` whose memory ``output`` rightly takes over, -1 if there is none."""
    if time < 0:
        return -1
    op = model.ops[time]
    same_place = [i for i in op.inputs if i >= 0 and offsets[i] == offsets[output]]
    if not same_place:
        return -1
    types = [None if i < 0 else model.tensors[i].type for i in op.inputs]
    for slot in inplace_inputs(op.kind, types, [model.tensors[i].type for i in op.outputs]):
        index = op.inputs[slot]
        span = spans[index]
        if index in same_place and span is not None and span[1] == time:
            return index
    return -1
