"""The fastest set of kernels that fits.

Each op has a few kernels that can compute it. One takes some time, some bytes of its own for as long as the
model is loaded (*kept*: prepacked weights, or weights that it reads in the file), and some scratch while it
runs, which ops share: what counts is the largest. To find the set with the least time, in words before the code:

1. Guess the workspace. Only the sizes that some kernel asks for can be the largest of a set, so each of those is
   tried as a ceiling; kernels above it are out, and what is left of the room is for bytes that are kept.
2. Under a ceiling this is the knapsack problem with choices (Sinha and Zoltners, 1979). Each op begins with the
   kernel that keeps the least. Its other kernels that are worth their bytes form steps, each to a faster kernel
   that keeps more, the step that saves the most time a byte first: the lower convex hull of (bytes, time).
3. All steps of all ops, sorted by time saved a byte, are taken where they still fit.
4. Alone that can miss one big step that is worth more than all small ones before it; so the best single jump
   from the beginning is looked at as well, and the better of the two is kept.

That is not always the best set, which would take exponential time, but it saves at least half of the time that
the best set saves: steps 3 up to the first that does not fit, with a fraction of that one, are the best of all
sets with fractions, and the step itself is no better than the best single jump. In tests against all sets it is
the best one nearly always.
"""

from __future__ import annotations

from collections.abc import Sequence

from xlite.schema.records import record


@record(frozen=True)
class Need:
    """What a kernel would take for an op: ``time`` in any unit that all share, ``kept`` and ``scratch`` in
    bytes."""

    time: float
    kept: int
    scratch: int


@record(frozen=True)
class _Step:
    """From one kernel of an op to a faster one that keeps more."""

    op: int
    to: int
    bytes: int
    saves: float


def select(ops: Sequence[Sequence[Need]], room: int) -> list[int]:
    """For each op the index of the chosen kernel: the fastest set whose largest scratch and whose kept bytes fit
    into ``room`` together; the smallest set where none fits. Every op has at least one kernel."""
    best: list[int] = []
    best_time = float("inf")
    smallest: list[int] = []
    smallest_size = 0
    for ceiling in _ceilings(ops):
        lean = [_leanest(kernels, ceiling) for kernels in ops]
        kept = sum(kernels[i].kept for kernels, i in zip(ops, lean))
        if not smallest or kept + ceiling < smallest_size:
            smallest, smallest_size = lean, kept + ceiling
        if kept + ceiling <= room:
            chosen = _fill(ops, lean, ceiling, room - ceiling - kept)
            time = sum(kernels[i].time for kernels, i in zip(ops, chosen))
            if time < best_time:
                best, best_time = chosen, time
    return best or smallest


def _ceilings(ops: Sequence[Sequence[Need]]) -> list[int]:
    """Sizes that the largest scratch of a set can have, rising."""
    least = max((min(kernel.scratch for kernel in kernels) for kernels in ops), default=0)
    return sorted({least, *(k.scratch for kernels in ops for k in kernels if k.scratch > least)})


def _leanest(kernels: Sequence[Need], ceiling: int) -> int:
    """The kernel below the ceiling that keeps the least, of those the fastest, of those the first."""
    usable = [i for i, kernel in enumerate(kernels) if kernel.scratch <= ceiling]
    return min(usable, key=lambda i: (kernels[i].kept, kernels[i].time))


def _fill(ops: Sequence[Sequence[Need]], lean: Sequence[int], ceiling: int, room: int) -> list[int]:
    """The better of steps by time saved a byte and of the best single jump. room: bytes beyond the leanest."""
    steps = [
        step for op, kernels in enumerate(ops) for step in _steps(op, kernels, lean[op], ceiling, room)
    ]  # an op's own steps come in the order in which they must be taken, and sorting keeps it
    steps.sort(key=lambda step: -step.saves / step.bytes)
    chosen, left, saved = list(lean), room, 0.0
    stuck: set[int] = set()  # ops that a step was left out of: their later steps start where they are not
    for step in steps:
        if step.op in stuck or step.bytes > left:
            stuck.add(step.op)
            continue
        chosen[step.op], left, saved = step.to, left - step.bytes, saved + step.saves
    jump = _best_jump(ops, lean, ceiling, room)
    if jump.saves > saved:
        chosen = list(lean)
        chosen[jump.op] = jump.to
    return chosen


def _steps(op: int, kernels: Sequence[Need], lean: int, ceiling: int, room: int) -> list[_Step]:
    """From the leanest kernel on, each time to the one that saves the most time a byte."""
    at = lean
    found: list[_Step] = []
    while True:
        now = kernels[at]
        ahead = [
            _Step(op, i, k.kept - now.kept, now.time - k.time)
            for i, k in enumerate(kernels)
            if k.scratch <= ceiling and k.time < now.time and now.kept < k.kept <= kernels[lean].kept + room
        ]
        if not ahead:
            return found
        step = max(ahead, key=lambda s: (s.saves / s.bytes, s.bytes))
        found.append(step)
        at = step.to


def _best_jump(ops: Sequence[Sequence[Need]], lean: Sequence[int], ceiling: int, room: int) -> _Step:
    best = _Step(-1, -1, 0, 0.0)
    for op, (kernels, first) in enumerate(zip(ops, lean)):
        now = kernels[first]
        for i, kernel in enumerate(kernels):
            bytes_, saves = kernel.kept - now.kept, now.time - kernel.time
            if kernel.scratch <= ceiling and bytes_ <= room and saves > best.saves:
                best = _Step(op, i, bytes_, saves)
    return best
