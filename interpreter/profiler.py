"""Time of every op, one at a time."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from time import perf_counter_ns

from xlite.interpreter.kernels.base import Step
from xlite.interpreter.program import Program
from xlite.schema.records import record


@record(frozen=True)
class ProfileRow:
    """One op's time. ``median_ms`` and ``spread_ms`` (the distance between the quartiles) are in milliseconds."""

    index: int
    name: str
    kind: str
    kernel: str
    backend: str
    median_ms: float
    spread_ms: float


def profile_steps(program: Program, steps: Sequence[Step], repeats: int, warmup: int) -> list[ProfileRow]:
    """Runs the steps one by one, the whole model ``warmup + repeats`` times, so that every op finds the caches
    as a real run leaves them."""
    for _ in range(warmup):
        for step in steps:
            step()
    times: list[list[int]] = [[] for _ in steps]
    for _ in range(repeats):
        for step, row in zip(steps, times):
            start = perf_counter_ns()
            step()
            row.append(perf_counter_ns() - start)
    rows = []
    for i, (spec, choice, row) in enumerate(zip(program.specs, program.choices, times)):
        kernel = choice.kernel
        median, spread = statistics.median(row) / 1e6, quartile_distance(row) / 1e6
        rows.append(ProfileRow(i, spec.op.name, spec.op.label, kernel.name, kernel.backend, median, spread))
    return rows


def quartile_distance(times: Sequence[int]) -> float:
    """The range of the middle half of ``times``, in their unit; 0 for fewer than two."""
    if len(times) < 2:
        return 0.0
    low, _, high = statistics.quantiles(times, n=4, method="inclusive")
    return high - low
