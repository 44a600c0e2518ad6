"""One row: every engine in a process of its own, outputs compared, then rounds in which each runs in turn."""

from __future__ import annotations

import contextlib
import random
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Callable, Optional

import numpy as np

from benchmarks import compare, environment
from benchmarks.engines import REFERENCE, Engine
from benchmarks.figures import Figure, ratio
from benchmarks.models import INPUT, Models
from benchmarks.peak import Peak, Peaks
from benchmarks.pipe import SCRIPT, Worker, WorkerError
from benchmarks.rows import LayerRow, Row

SLOW_MS = 1000.0  # a run longer than this is not run once more to warm up
WARM = 0.2  # of a turn, before the part of it that counts
LEAST_ROUNDS = 3

Say = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """rounds: each engine's turns. turn_seconds: how long a turn runs an engine. limit_seconds: an engine that has
    run for so long in a row, and in three rounds, sits out the others."""

    rounds: int = 15
    turn_seconds: float = 0.15
    limit_seconds: float = 20.0


QUICK = Settings(rounds=3, turn_seconds=0.05, limit_seconds=2.0)


@dataclass
class Run:
    """An engine in a row. ``turns``: round -> median of its runs there, in milliseconds."""

    engine: Engine
    worker: Optional[Worker] = None
    reason: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    turns: dict[int, float] = field(default_factory=dict)
    spent: float = 0.0
    runs: int = 0

    def drop(self, reason: str) -> None:
        """Out of the row from here on; the table shows the reason."""
        self.reason, self.turns = reason, {}
        if self.worker is not None:
            self.worker.close()
            self.worker = None


def measure(
    row: Row, models: Models, engines: Sequence[Engine], settings: Settings, peak: Optional[Peak], say: Say
) -> dict[str, Any]:
    """The row's entry of the results. ``say`` is told what is being done."""
    with contextlib.ExitStack() as stack:
        runs = [_load(row, models, engine, stack, say) for engine in engines]
        _compare(row, models, runs, say)
        peaks = _rounds(runs, settings, peak, say)
    return {
        "title": row.title,
        "kind": "layer" if isinstance(row, LayerRow) else "network",
        "depth": row.depth,
        "source": models.source,
        "macs": models.macs,
        "peaks": medians_of(peaks),
        "settings": asdict(settings),
        "engines": {run.engine.key: _entry(run, runs[0], row.depth) for run in runs},
    }


def _load(row: Row, models: Models, engine: Engine, stack: contextlib.ExitStack, say: Say) -> Run:
    run = Run(engine)
    reason = models.missing.get(engine.model, "")
    if reason:
        run.drop(reason)
        return run
    say(f"{row.title}: loading {engine.title}")
    command = [str(environment.python(engine.environment)), str(SCRIPT)]
    worker = stack.enter_context(Worker(command, _environ(engine)))
    run.worker = worker
    request = {"runner": engine.runner, "model": str(models.folder / engine.model), "threads": engine.threads}
    try:
        answer = worker.ask("load", **request, options=engine.options, input=str(models.folder / INPUT))
    except WorkerError as error:
        run.drop(str(error))
    else:
        run.versions, run.detail = answer["versions"], answer["detail"]
    return run


def _environ(engine: Engine) -> dict[str, str]:
    """Threads of every library that has its own opinion, and the engine's variables."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        **{name: str(engine.threads) for name in names},
        **engine.environ,
    }


# -- outputs ------------------------------------------------------------------------------------------------------


def _compare(row: Row, models: Models, runs: Sequence[Run], say: Say) -> None:
    """Notes how the outputs agree and drops engines that compute something else. xlite's engines and Larq's are
    held to xlite's numpy reference where it runs, else to its C kernels; several threads to one thread, bit by
    bit. The twins are other functions and are held to nothing."""
    say(f"{row.title}: comparing outputs")
    found = {run.engine.key: out for run in runs if (out := _outputs(run, models)) is not None}
    same_bits = isinstance(row, LayerRow)
    truth = found.get("numpy", found.get(REFERENCE.key))
    for run in runs:
        out = found.get(run.engine.key)
        if out is None or truth is None or out is truth or run.engine.macs != "binary":
            continue
        try:
            agreement = compare.agreement(out, truth)
        except ValueError as error:
            run.drop(str(error))
            continue
        run.outputs = asdict(agreement)
        reason = compare.complaint(agreement, same_bits)
        if _differs_from_one_thread(run.engine, out, found.get(REFERENCE.key)):
            reason = "its outputs differ from those of the same kernels with one thread"
        if reason:
            run.drop(f"computes something else: {reason}")


def _differs_from_one_thread(engine: Engine, out: np.ndarray, one: Optional[np.ndarray]) -> bool:
    same_kernels = (engine.options, engine.environ) == (REFERENCE.options, REFERENCE.environ)
    return same_kernels and one is not None and not np.array_equal(out, one)


def _outputs(run: Run, models: Models) -> Optional[np.ndarray]:
    if run.worker is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outputs.npy"
        try:
            run.worker.ask("outputs", input=str(models.folder / INPUT), output=str(path))
        except WorkerError as error:
            run.drop(str(error))
            return None
        return np.load(path)


# -- times --------------------------------------------------------------------------------------------------------


def _rounds(runs: Sequence[Run], settings: Settings, peak: Optional[Peak], say: Say) -> list[Peaks]:
    """Every engine once a round, in another order each time, so that none always runs behind the same other; the
    machine's peak once a round too."""
    peaks: list[Peaks] = []
    for number in range(settings.rounds):
        say(f"round {number + 1} of {settings.rounds}")
        for run in random.Random(number).sample(list(runs), len(runs)):
            turn(run, number, settings)
        if peak is not None:
            peaks.append(peak.measure())
    return peaks


def turn(run: Run, number: int, settings: Settings) -> None:
    """One engine's turn in a round, unless it is out or has had its time."""
    if run.worker is None or (run.spent > settings.limit_seconds and len(run.turns) >= LEAST_ROUNDS):
        return
    slow = bool(run.turns) and min(run.turns.values()) > SLOW_MS
    try:
        warm = 0.0 if slow else WARM * settings.turn_seconds
        times = run.worker.ask("time", seconds=settings.turn_seconds, warm=warm)["ns"]
    except WorkerError as error:
        run.drop(str(error))
        return
    run.turns[number] = statistics.median(times) / 1e6
    run.spent += sum(times) / 1e9
    run.runs += len(times)


def medians_of(peaks: Sequence[Peaks]) -> Peaks:
    """Each kernel's median rate over the rounds."""
    if not peaks:
        return {}
    return {
        name: {
            **peaks[0][name],
            **{form: statistics.median(p[name][form] for p in peaks) for form in ("registers", "l1")},
        }
        for name in peaks[0]
    }


def _entry(run: Run, reference: Run, depth: int) -> dict[str, Any]:
    """``ms``: the median over the rounds with its quartiles, for one layer or one network; ``ratio``: the same of
    its time over the first engine's, round by round."""
    if not run.turns:
        return {"title": run.engine.title, "missing": run.reason or "it was not timed"}
    over = ratio(run.turns, reference.turns)
    return {
        "title": run.engine.title,
        "threads": run.engine.threads,
        "macs": run.engine.macs,
        "ms": asdict(Figure.of(list(run.turns.values())).scaled(1 / depth)),
        "ratio": None if over is None else asdict(over),
        "runs": run.runs,
        "versions": run.versions,
        "detail": run.detail,
        "outputs": run.outputs,
    }
