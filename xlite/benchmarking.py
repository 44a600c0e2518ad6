"""How long a model takes, per op and as a whole, on several backends side by side.

Rounds are interleaved: every round runs each backend once, in an order that turns from round to round, so that a
machine that gets slower (heat, neighbours) slows all of them alike. Times are medians; the spread is the distance
between the quartiles.
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter_ns
from typing import Any, Callable, Optional

import numpy as np

from xlite.inputs import prepare, random_inputs
from xlite.interpreter import Interpreter
from xlite.interpreter.kernels import c
from xlite.interpreter.profiler import quartile_distance
from xlite.schema.types import Model
from xlite.schema.version import __version__


@dataclass(frozen=True)
class Timing:
    """Milliseconds: median and distance between the quartiles, over ``count`` runs."""

    median_ms: float
    spread_ms: float
    count: int


@dataclass(frozen=True)
class OpTiming:
    """One op on one backend: the kernel that it got (of another backend where this one has none) and its time."""

    kernel: str
    kernel_backend: str
    timing: Timing


@dataclass(frozen=True)
class BackendTimes:
    """One backend. ``ops`` in running order, each timed alone; ``invoke`` whole runs of ``batch`` samples, where
    ops may be joined into fewer calls; ``first_ms``: what building it and its first run took, compilation
    included."""

    backend: str
    ops: list[OpTiming]
    invoke: Timing
    first_ms: float


@dataclass(frozen=True)
class Benchmark:
    """``ops`` names them as (layer, kind) in running order; ``machine`` says where it ran."""

    machine: dict[str, Any]
    batch: int
    threads: int
    ops: list[tuple[str, str]]
    backends: list[BackendTimes]

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for ``json.dumps``."""
        return asdict(self)


def benchmark(
    model: Model,
    backends: Sequence[str],
    *,
    repeats: int = 20,
    warmup: int = 3,
    batch: int = 1,
    threads: int = 1,
    seed: int = 0,
    rounds: Optional[Callable[[range], Iterable[int]]] = None,
) -> Benchmark:
    """Times ``model`` on each of ``backends`` with random input (the same for all).

    repeats: timed rounds after ``warmup`` ones. rounds: wraps the range of rounds, for a progress bar. Raises
    BackendError for a backend that is not available, MemoryLimitError where there is no memory for the batch.
    """
    runs = [_Run(model, name, threads, batch) for name in backends]
    inputs = prepare(model, random_inputs(model, batch, seed))  # only now is it sure that a batch fits
    for run in runs:
        run.start(inputs)
    wrap = rounds if rounds is not None else iter
    for number in wrap(range(warmup + repeats)):
        turn = number % len(runs)
        for run in runs[turn:] + runs[:turn]:
            run.round(keep=number >= warmup)
    return Benchmark(
        machine=describe_machine(),
        batch=batch,
        threads=threads,
        ops=[(op.name or op.label, op.label) for op in model.ops],
        backends=[run.times() for run in runs],
    )


def describe_machine() -> dict[str, Any]:
    """Name of the processor, the instruction set that the C kernels use (empty where they are not there), cores,
    system and versions: what a figure means nothing without. Raises BackendError for a wrong ``$XLITE_ISA``."""
    return {
        "processor": _processor(),
        "isa": c.isa()[0] if c.available() else "",
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "xlite": __version__,
    }


def summarize(times_ns: Sequence[int]) -> Timing:
    """Median and quartile distance of times in nanoseconds."""
    return Timing(statistics.median(times_ns) / 1e6, quartile_distance(times_ns) / 1e6, len(times_ns))


class _Run:
    """One backend's interpreter and the times gathered so far."""

    def __init__(self, model: Model, backend: str, threads: int, batch: int) -> None:
        """Takes the memory for a batch."""
        start = perf_counter_ns()
        self.model, self.backend = model, backend
        self.interpreter = Interpreter(model, backend=backend, num_threads=threads)
        shape = model.tensors[model.inputs[0]].type.shape
        self.interpreter.resize_tensor_input(model.inputs[0], (batch, *shape[1:]))
        self.interpreter.allocate_tensors()
        self.first_ms = (perf_counter_ns() - start) / 1e6
        self.invokes: list[int] = []
        self.ops: list[list[int]] = [[] for _ in model.ops]

    def start(self, inputs: Sequence[np.ndarray]) -> None:
        """The first run."""
        start = perf_counter_ns()
        for index, array in zip(self.model.inputs, inputs):
            self.interpreter.set_tensor(index, array)
        self.interpreter.invoke()
        self.first_ms += (perf_counter_ns() - start) / 1e6

    def round(self, keep: bool) -> None:
        """Every op once alone, then one whole run; ``keep`` whether the times count."""
        rows = self.interpreter.profile(repeats=1, warmup=0)
        start = perf_counter_ns()
        self.interpreter.invoke()
        took = perf_counter_ns() - start
        if keep:
            self.invokes.append(took)
            for times, row in zip(self.ops, rows):
                times.append(round(row.median_ms * 1e6))

    def times(self) -> BackendTimes:
        kernels = self.interpreter.kernels()
        ops = [OpTiming(k.kernel, k.backend, summarize(times)) for k, times in zip(kernels, self.ops)]
        return BackendTimes(self.backend, ops, summarize(self.invokes), self.first_ms)


def _processor() -> str:
    """The processor's or the board's name, from the system where it says."""
    for path, key in (("/proc/device-tree/model", ""), ("/proc/cpuinfo", "model name")):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read().strip("\0\n ")
        except OSError:
            continue
        if not key:
            return text
        for line in text.splitlines():
            name, sign, value = line.partition(":")
            if sign and name.strip().lower() == key:
                return value.strip()
    return platform.processor() or platform.machine() or "unknown"
