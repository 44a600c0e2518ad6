"""``python -m benchmarks.profile [NETWORK ...]``: where a network's time goes, class by class of its ops, beside
what the machine could do at best.

It reads the networks that ``make bench`` built. In each round every op is timed alone and the machine's peak is
measured; medians count. The bound of an op is the time that its multiply-accumulates take at the peak rate of
their operands or, if that is more, the time in which this machine copies as many bytes as it reads and writes.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns

import click
import numpy as np

from benchmarks import models, rows
from benchmarks.engines import BINARY
from benchmarks.measure import medians_of
from benchmarks.peak import NoPeak, Peak, Peaks, bound_ms
from benchmarks.table import Cell, Table, markdown_table, number, write_markdown
from xlite.benchmarking import benchmark
from xlite.schema import load_model
from xlite.schema.macs import op_macs
from xlite.schema.types import Model, Op

BEGIN, END = "<!-- profile: begin -->", "<!-- profile: end -->"
COPIED = 1 << 20  # bytes: the second-level cache holds them and their copy, as it does most tensors
LEAST = 0.01  # of the run: what is less is put together
_ROUNDS = 5
_REPEATS = 12


@dataclass(frozen=True)
class Part:
    """The ops of one class. ms: they took; bound: the machine would at its best."""

    name: str
    ops: int
    ms: float
    bound: float


@dataclass(frozen=True)
class Profile:
    """One network, its parts in order of their time."""

    title: str
    parts: tuple[Part, ...]

    @property
    def ms(self) -> float:
        return sum(part.ms for part in self.parts)

    @property
    def bound(self) -> float:
        return sum(part.bound for part in self.parts)


def profile(title: str, model: Model, times: Sequence[float], peaks: Peaks, copied: float) -> Profile:
    """times: of every op, in milliseconds; copied: bytes a millisecond that are read and written when copying."""
    found: dict[str, list[tuple[float, float]]] = {}
    for op, ms in zip(model.ops, times):
        precision, macs = op_macs(model, op)
        bound = max(bound_ms({precision: macs} if macs else {}, peaks), moved(model, op) / copied)
        found.setdefault(class_of(model, op), []).append((ms, bound))
    parts = [Part(name, len(own), *(sum(each) for each in zip(*own))) for name, own in found.items()]
    return Profile(title, tuple(sorted(parts, key=lambda part: -part.ms)))


def class_of(model: Model, op: Op) -> str:
    """Of an op, as ``conv_2d 3x3 bitxbit`` or ``add f32``."""
    kind, x = op.kind.name.lower(), model.tensors[op.inputs[0]].type
    precision, macs = op_macs(model, op)
    if not macs:
        return f"{kind} {x.dtype.short}"
    kernel = model.tensors[op.inputs[1]].type.shape
    window = {"conv_2d": kernel[1:3], "depthwise_conv_2d": kernel[:2]}.get(kind, ())
    return " ".join(filter(None, (kind, "x".join(map(str, window)), precision)))


def moved(model: Model, op: Op) -> int:
    """Bytes that the op reads and writes at least."""
    return sum(model.tensors[i].type.nbytes for i in (*op.inputs, *op.outputs) if i >= 0)


def table(found: Iterable[Profile]) -> str:
    """Markdown."""
    rows: list[list[Cell]] = []
    for network in found:
        rows.append(_row(f"**{network.title}**", network.parts, network.ms))
        large = [part for part in network.parts if part.ms >= LEAST * network.ms]
        rows += [_row(part.name, [part], network.ms) for part in large]
        small = network.parts[len(large) :]
        if small:
            rows.append(_row(f"others, under {100 * LEAST:.0f} % each", small, network.ms))
    return markdown_table(Table(["", "ops", "ms", "of the run", "bound, ms", "share of the bound"], rows)) + "\n"


def _row(name: str, parts: Sequence[Part], whole: float) -> list[Cell]:
    ms, bound = sum(part.ms for part in parts), sum(part.bound for part in parts)
    shares = (f"{100 * ms / whole:.0f} %", f"{100 * bound / ms:.0f} %")
    cells = (name, str(sum(part.ops for part in parts)), number(ms), shares[0], number(bound), shares[1])
    return [(cell,) for cell in cells]


def copy_rate() -> float:
    """Bytes a millisecond that are read and written when numpy copies COPIED bytes."""
    source, target = np.ones(COPIED, np.uint8), np.empty(COPIED, np.uint8)
    best = float("inf")
    for _ in range(50):
        begun = perf_counter_ns()
        np.copyto(target, source)
        best = min(best, perf_counter_ns() - begun)
    return 2 * COPIED / (best * 1e-6)


def measure(row: rows.NetworkRow, path: Path, peak: Peak) -> Profile:
    """Rounds of every op alone, of the machine's peak and of copying, in turn."""
    model = load_model(path)
    times, peaks, copies = [], [], []
    for _ in range(_ROUNDS):
        ops = benchmark(model, ["c"], repeats=_REPEATS).backends[0].ops
        times.append([op.timing.median_ms for op in ops])
        peaks.append(peak.measure())
        copies.append(copy_rate())
    medians = [statistics.median(own) for own in zip(*times)]
    return profile(row.title, model, medians, medians_of(peaks), statistics.median(copies))


def _measured(row: rows.NetworkRow, peak: Peak) -> Profile:
    path = models.MODELS / row.key / BINARY
    if not path.is_file():
        raise click.ClickException(f"{path} is not there: make bench builds it")
    click.echo(row.title, err=True)
    return measure(row, path, peak)


@click.command(help=__doc__)
@click.argument("networks", nargs=-1, type=click.Choice([row.builder for row in rows.NETWORKS]))
@click.option("--markdown", type=click.Path(path_type=Path), help="A document with a place for the table.")
def main(networks: tuple[str, ...], markdown: Path | None) -> None:
    chosen = [row for row in rows.NETWORKS if row.builder in networks or not networks]
    try:
        with Peak() as peak:
            found = [_measured(row, peak) for row in chosen]
    except NoPeak as error:
        raise click.ClickException(str(error)) from None
    text = table(found)
    click.echo(text)
    if markdown is not None:
        try:
            write_markdown(markdown, text, BEGIN, END)
        except ValueError as error:
            raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
