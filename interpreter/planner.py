"""Where every tensor lies in the arena.

The algorithm in words, before the code:

1. A tensor lives from the op that writes it to the last op that reads it. Graph inputs are never written by
   an op and graph outputs stay until the end, so that a caller can read both after a run.
2. Where an op may run in place (``schema.contracts.inplace_inputs``) and its input dies right there, input and
   output become one *block*: the same bytes, alive from the first of its tensors to the last. A chain of such
   ops is one block.
3. Blocks are placed one after the other. A block may not touch the bytes of a placed block that is alive at
   the same time; of the gaps between those it takes the smallest that holds it (best fit), else it goes
   behind them. Large blocks first leaves small ones to fill the gaps ("greedy by size", Pisarchyk and Lee,
   arXiv 2001.03288).
4. No single order is best for every network, so a few are tried. If none reaches the lower bound, the best of
   them are improved: the block that ends highest moves halfway to the front of the order; where that does not
   make the arena smaller, the next lower one does, and so on, for a limited number of tries. Every step is
   deterministic: the same model always gives the same plan.
5. All that takes time in the square of the number of blocks. A graph with thousands of them is placed once, in
   running order, which only ever looks at the blocks that are alive.

The lower bound is the largest sum of blocks that are alive during one op: no plan can be smaller.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush

from xlite.schema.contracts import inplace_inputs
from xlite.schema.lifetimes import Lifetime, lifetimes
from xlite.schema.records import record
from xlite.schema.types import ALIGNMENT, Model, Plan, TensorType

_IMPROVED = 3  # how many of the best orders are improved
_TRIES = 32  # placements to improve one order, at most
_MANY = 1500  # blocks, from which on time matters more than the last percent
_PAIRS = 2_000_000  # of blocks that all tries together may look at, so that large graphs do not take seconds


@record(frozen=True)
class _Block:
    """Tensors that share one place. ``size`` is a multiple of the alignment; times are op indices, inclusive."""

    tensors: tuple[int, ...]
    size: int
    first: int
    last: int


@record(frozen=True)
class OpMemory:
    """One row of the arena's timeline: the bytes alive while op ``op`` runs."""

    op: int
    name: str
    live_bytes: int


def plan(model: Model, *, preserve_all: bool = False, types: Sequence[TensorType] | None = None) -> Plan:
    """Plans the arena of ``model``.

    preserve_all: every tensor gets bytes of its own, so that all can be read after a run. types: the type of
    every tensor where it differs from the file's, for another batch size.
    Returns offsets in bytes (-1 for constants), the arena's size and the lower bound.
    """
    if types is None:
        types = [tensor.type for tensor in model.tensors]
    blocks = _blocks(model, types, preserve_all)
    bound = _lower_bound(blocks)
    placement = _best_placement(blocks, bound)
    by_tensor = [-1] * len(model.tensors)
    for block, offset in zip(placement.order, placement.offsets):
        for tensor in block.tensors:
            by_tensor[tensor] = offset
    return Plan(tuple(by_tensor), placement.end, bound)


def timeline(model: Model, plan: Plan, *, types: Sequence[TensorType] | None = None) -> list[OpMemory]:
    """The bytes of the arena in use during every op, for a picture of where the peak is. Tensors that share
    bytes in place count once."""
    if types is None:
        types = [tensor.type for tensor in model.tensors]
    born: list[list[int]] = [[] for _ in model.ops]
    dying: list[list[int]] = [[] for _ in model.ops]
    for tensor, life in enumerate(lifetimes(model)):
        if life is not None and model.ops:
            born[max(life[0], 0)].append(tensor)
            dying[min(life[1], len(model.ops) - 1)].append(tensor)
    holders: dict[int, int] = {}  # offset -> live tensors that lie there
    live = 0
    rows = []
    for i, op in enumerate(model.ops):
        for tensor in born[i]:
            offset = plan.offsets[tensor]
            live += 0 if holders.get(offset) else align(types[tensor].nbytes)
            holders[offset] = holders.get(offset, 0) + 1
        rows.append(OpMemory(i, op.name or op.label, live))
        for tensor in dying[i]:
            offset = plan.offsets[tensor]
            holders[offset] -= 1
            live -= 0 if holders[offset] else align(types[tensor].nbytes)
    return rows


def align(size: int, to: int = ALIGNMENT) -> int:
    """``size`` rounded up to a multiple of ``to``."""
    return -(-size // to) * to


def _blocks(model: Model, types: Sequence[TensorType], preserve_all: bool) -> list[_Block]:
    """Blocks in the order in which they begin."""
    lives = {t: life for t, life in enumerate(lifetimes(model)) if life is not None}
    if preserve_all:
        return [_Block((t,), align(types[t].nbytes), 0, len(model.ops)) for t in lives]
    group = {t: [t] for t in lives}
    for y, x in _inplace_pairs(model, types, lives).items():
        merged = group[x]
        merged.append(y)
        group[y] = merged
    blocks = []
    for t, members in group.items():
        if members[0] == t:
            first = min(lives[m][0] for m in members)
            last = max(lives[m][1] for m in members)
            blocks.append(_Block(tuple(members), align(types[t].nbytes), first, last))
    return sorted(blocks, key=lambda b: (b.first, b.tensors))


def _inplace_pairs(model: Model, types: Sequence[TensorType], lives: Mapping[int, Lifetime]) -> dict[int, int]:
    """output -> the input whose bytes it takes over, in running order."""
    kept = {*model.inputs, *model.outputs}
    pairs: dict[int, int] = {}
    for i, op in enumerate(model.ops):
        inputs = [None if t < 0 else types[t] for t in op.inputs]
        for slot in inplace_inputs(op.kind, inputs, [types[t] for t in op.outputs]):
            x = op.inputs[slot]
            if x in lives and x not in kept and lives[x][1] == i:
                pairs[op.outputs[0]] = x
                break
    return pairs


def _lower_bound(blocks: Sequence[_Block]) -> int:
    """The largest sum of sizes over all moments; it can only change where a block begins."""
    return max(_loads(blocks).values(), default=0)


def _loads(blocks: Sequence[_Block]) -> dict[int, int]:
    """Bytes alive at every moment at which a block begins."""
    ends = sorted((b.last, b.size) for b in blocks)
    loads: dict[int, int] = {}
    ended = live = 0
    for block in sorted(blocks, key=lambda b: b.first):
        while ends[ended][0] < block.first:
            live -= ends[ended][1]
            ended += 1
        live += block.size
        loads[block.first] = live
    return loads


@record(frozen=True)
class _Placement:
    """Blocks in the order in which they were placed, their offsets, and the end of the highest."""

    order: list[_Block]
    offsets: list[int]
    end: int


def _best_placement(blocks: list[_Block], bound: int) -> _Placement:
    if len(blocks) > _MANY:
        return _place_in_time(blocks)
    found = []
    for order in _orders(blocks):
        found.append(_place(order))
        if found[-1].end == bound:
            return found[-1]
    found.sort(key=lambda placement: placement.end)
    return min((_improved(start, bound) for start in found[:_IMPROVED]), key=lambda placement: placement.end)


def _improved(best: _Placement, bound: int) -> _Placement:
    """Moves blocks forward in the order, the highest first, as long as tries are left."""
    highest_first = _by_end(best)
    tries = min(_TRIES, _PAIRS // (_IMPROVED * len(best.order) ** 2))
    for _ in range(tries):
        if best.end == bound or not highest_first:
            break
        moved = highest_first.pop(0)
        order, to = list(best.order), moved // 2
        order.insert(to, order.pop(moved))
        tried = _place(order)
        if tried.end < best.end:
            best = tried
            highest_first = _by_end(best)
    return best


def _by_end(placement: _Placement) -> list[int]:
    """Positions in the order, that of the block that ends highest first."""
    ends = [offset + block.size for block, offset in zip(placement.order, placement.offsets)]
    return sorted(range(len(ends)), key=lambda i: -ends[i])


def _orders(blocks: list[_Block]) -> Iterator[list[_Block]]:
    """Orders to try, the one that is best most often first. Sorting is stable, so ties keep running order."""

    def duration(b: _Block) -> int:
        return b.last - b.first + 1

    def crowd(b: _Block) -> int:  # the fullest moment of a block's life
        return max(loads[bisect_left(moments, b.first) : bisect_right(moments, b.last)])

    by_moment = _loads(blocks)
    moments, loads = list(by_moment), list(by_moment.values())
    yield sorted(blocks, key=lambda b: -b.size)
    yield sorted(blocks, key=lambda b: (-crowd(b), -b.size))
    yield sorted(blocks, key=lambda b: -b.size * duration(b))
    yield sorted(blocks, key=lambda b: (-duration(b), -b.size))
    yield blocks
    yield sorted(blocks, key=lambda b: -b.last)


def _place(order: list[_Block]) -> _Placement:
    """Offsets by best fit in this order."""
    offsets: list[int] = []
    end = 0
    for block in order:
        busy = sorted(
            (offset, offset + other.size)
            for other, offset in zip(order, offsets)
            if other.first <= block.last and block.first <= other.last
        )
        offset = _best_gap(busy, block.size)
        offsets.append(offset)
        end = max(end, offset + block.size)
    return _Placement(order, offsets, end)


def _place_in_time(blocks: list[_Block]) -> _Placement:
    """Offsets by best fit in running order."""
    room = _Room()
    living: list[tuple[int, int, int]] = []  # a heap of (last, offset, size)
    offsets = []
    end = 0
    for block in blocks:  # they come sorted by their first moment
        while living and living[0][0] < block.first:
            _, offset, size = heappop(living)
            room.give(offset, size)
        offset = room.take(block.size)
        heappush(living, (block.last, offset, block.size))
        offsets.append(offset)
        end = max(end, offset + block.size)
    return _Placement(blocks, offsets, end)


class _Room:
    """The gaps between the blocks that are alive: below ``top``, the end of the highest, no two of them touch."""

    def __init__(self) -> None:
        self.top = 0
        self._by_size: list[tuple[int, int]] = []  # (size, start), sorted
        self._starts: dict[int, int] = {}  # of the gap that stops here
        self._stops: dict[int, int] = {}  # of the gap that starts here

    def take(self, size: int) -> int:
        """The start of the smallest gap that holds ``size`` bytes, the lowest of those; else what was the top."""
        place = bisect_left(self._by_size, (size, 0))
        if place == len(self._by_size):
            self.top += size
            return self.top - size
        _, start = self._by_size[place]
        stop = self._stops[start]
        self._remove(start, stop)
        if start + size < stop:
            self._add(start + size, stop)
        return start

    def give(self, start: int, size: int) -> None:
        """Frees the bytes of a block."""
        stop = start + size
        below, above = self._starts.get(start), self._stops.get(stop)
        if below is not None:
            self._remove(below, start)
            start = below
        if above is not None:
            self._remove(stop, above)
            stop = above
        if stop == self.top:
            self.top = start
        else:
            self._add(start, stop)

    def _add(self, start: int, stop: int) -> None:
        insort(self._by_size, (stop - start, start))
        self._starts[stop], self._stops[start] = start, stop

    def _remove(self, start: int, stop: int) -> None:
        del self._by_size[bisect_left(self._by_size, (stop - start, start))]
        del self._starts[stop], self._stops[start]


def _best_gap(busy: Sequence[tuple[int, int]], size: int) -> int:
    """The start of the smallest gap between busy intervals (sorted by start) that holds ``size`` bytes, else
    the end of the last interval."""
    best = -1
    smallest = 0
    top = 0
    for start, stop in busy:
        gap = start - top
        if gap >= size and (best < 0 or gap < smallest):
            best, smallest = top, gap
        top = max(top, stop)
    return top if best < 0 else best
