"""Which chains of ops run by bands of rows: those that make the arena smaller, and no more.

In words. A step is one op, or a chain of consecutive ops by bands; a network is cut into steps. A step costs the
bytes alive while it runs: its input and output, its scratch, and what lives on meanwhile. First the smallest
largest cost of any cut is found, then of the cuts that reach it the one that bands the fewest ops. Both are
shortest paths over the places between ops. At last bands are made higher as long as the arena stays as it is: a
higher band means fewer calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional, Union

from xlite.converter.codegen.arena import Layout, Step, lay_out
from xlite.converter.codegen.bands import Bands, Rows, make_bands, rows_of
from xlite.converter.codegen.calls import Call
from xlite.converter.codegen.overlap import overlap
from xlite.interpreter.planner import align
from xlite.schema.contracts import inplace_inputs
from xlite.schema.lifetimes import lifetimes
from xlite.schema.types import CustomOptions, Model, Op, OpKind

_LONGEST = 16  # ops of a chain
_MOST = 2000  # ops of a network, above which it is cut into single ops

Cut = list[Union[Call, Bands]]
_Way = tuple[int, int, Union[Call, Bands]]  # where a step starts, its cost, and the step


@dataclass(frozen=True)
class _Costs:
    """Bytes alive: others[i] while op i runs, without its own input and output; sizes by tensor."""

    others: list[int]
    sizes: list[int]
    dies: list[bool]  # by op, whether its input is read by nothing behind it


def fuse(model: Model, calls: Sequence[Call], by_bands: bool) -> tuple[Cut, Layout]:
    """The cut, into single ops unless ``by_bands``, and where everything lies then."""
    plain: Cut = list(calls)
    layout = _lay_out(model, plain)
    rows = [rows_of(model, call) for call in calls]
    if not by_bands or len(calls) > _MOST or not any(rows):
        return plain, layout
    cut = _cheapest(model, calls, rows)
    tried = _lay_out(model, cut)
    if tried.arena_bytes >= layout.arena_bytes:
        return plain, layout
    return _heightened(model, cut, tried)


def _lay_out(model: Model, cut: Cut) -> Layout:
    steps = [step_of(part) for part in cut]
    return overlap(model, cut, steps, lay_out(model, steps))


def step_of(part: Union[Call, Bands]) -> Step:
    if isinstance(part, Call):
        return Step(part.spec.op, part.workspace)
    ends = Op(OpKind.CUSTOM, (part.calls[0].inputs[0],), (part.calls[-1].output,), CustomOptions("bands"))
    return Step(ends, part.scratch)


def _cheapest(model: Model, calls: Sequence[Call], rows: Sequence[Optional[Rows]]) -> Cut:
    costs = _costs(model)
    chains = _chains(model, calls, rows)
    steps: list[list[_Way]] = []  # by their end
    for end in range(1, len(calls) + 1):
        found: list[_Way] = [(end - 1, _plain_cost(costs, calls[end - 1], end - 1), calls[end - 1])]
        for start in range(end - 2, max(chains[end - 1], end - _LONGEST) - 1, -1):
            bands = make_bands(calls[start:end], [r for r in rows[start:end] if r is not None], 1)
            found.append((start, _bands_cost(costs, bands, start), bands))
        steps.append(found)
    most = _best([[(s, c, 0) for s, c, _ in found] for found in steps], max)[-1]
    within = [[(s, c, end - s if end - s > 1 else 0) for s, c, _ in f] for end, f in enumerate(steps, 1)]
    return _fewest(steps, within, most)


def _best(steps: list[list[tuple[int, int, int]]], join) -> list[int]:
    """By place, the smallest largest cost of the ways there."""
    best = [0]
    for found in steps:
        best.append(min(join(best[start], cost) for start, cost, _ in found))
    return best


def _fewest(steps, within: list[list[tuple[int, int, int]]], most: int) -> Cut:
    """The way through steps that cost at most ``most`` on which the fewest ops are banded."""
    counts, choices = [0], []
    for found in within:
        options = [
            (counts[s] + ops, -s, i) for i, (s, cost, ops) in enumerate(found) if cost <= most and counts[s] >= 0
        ]
        counts.append(min(options)[0] if options else -1)
        choices.append(min(options)[2] if options else -1)
    cut: Cut = []
    place = len(steps)
    while place > 0:
        start, _, step = steps[place - 1][choices[place - 1]]
        cut.append(step)
        place = start
    return cut[::-1]


def _chains(model: Model, calls: Sequence[Call], rows: Sequence[Optional[Rows]]) -> list[int]:
    """By op, the first op of the chain that it is in: each op's output is read by the next one alone, as its x."""
    readers: dict[int, int] = {}
    for call in calls:
        for tensor in call.inputs:
            readers[tensor] = readers.get(tensor, 0) + 1
    first: list[int] = []
    for i, call in enumerate(calls):
        joins = i > 0 and rows[i] is not None and rows[i - 1] is not None
        before = calls[i - 1].output
        joins = joins and call.inputs[0] == before and readers[before] == 1 and before not in model.outputs
        first.append(first[-1] if joins else i)
    return first


def _costs(model: Model) -> _Costs:
    sizes = [align(tensor.type.nbytes) for tensor in model.tensors]
    others = [0] * len(model.ops)
    dies = [False] * len(model.ops)
    for tensor, life in enumerate(lifetimes(model)):
        if life is None:
            continue
        first, last = life
        if tensor in model.inputs and tensor not in model.outputs:  # free after the last op that reads it
            last = max((i for i, op in enumerate(model.ops) if tensor in op.inputs), default=-1)
        for i in range(max(first, 0), min(last + 1, len(model.ops))):
            op = model.ops[i]
            if tensor != op.inputs[0] and tensor not in op.outputs:
                others[i] += sizes[tensor]
            elif tensor == op.inputs[0]:
                dies[i] = last == i
    return _Costs(others, sizes, dies)


def _plain_cost(costs: _Costs, call: Call, index: int) -> int:
    x = costs.sizes[call.inputs[0]] if call.inputs[0] >= 0 and call.spec.op.inputs else 0
    y = costs.sizes[call.output]
    in_place = costs.dies[index] and inplace_inputs(call.spec.kind, call.spec.inputs, call.spec.outputs)
    return costs.others[index] + (max(x, y) if in_place else x + y) + align(call.workspace)


def _bands_cost(costs: _Costs, bands: Bands, start: int) -> int:
    """What lives on beside the chain lives on beside each of its ops."""
    ends = costs.sizes[bands.calls[0].inputs[0]] + costs.sizes[bands.calls[-1].output]
    beside = min(costs.others[start + i] for i in range(len(bands.calls)))
    return beside + ends + align(bands.scratch)


def _heightened(model: Model, cut: Cut, layout: Layout) -> tuple[Cut, Layout]:
    for i, part in enumerate(cut):
        while isinstance(part, Bands) and part.height < part.rows[0].y_rows:
            higher = make_bands(part.calls, part.rows, part.height * 2)
            tried: Cut = [*cut[:i], higher, *cut[i + 1 :]]
            new = _lay_out(model, tried)
            if new.arena_bytes > layout.arena_bytes:
                break
            cut, layout, part = tried, new, higher
    return cut, layout
