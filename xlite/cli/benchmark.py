"""``xlite benchmark``: time per op and backend, side by side in one run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from xlite.cli import files, ui

if TYPE_CHECKING:
    from xlite.benchmarking import Benchmark, Timing

EXAMPLES = """\b
Examples:
  xlite benchmark model.xlite
  xlite benchmark model.xlite --backend c --backend numpy --repeats 100
  xlite benchmark model.xlite --backend all --batch 8 --json
"""


@click.command(epilog=EXAMPLES, short_help="Time every op of a .xlite file on one or several backends.")
@click.argument("file")
@click.option(
    "--backend", "backends", multiple=True, metavar="NAME", help="c, numba, numpy or all; may be repeated."
)
@click.option("--repeats", type=click.IntRange(min=1), default=30, show_default=True, help="Timed rounds.")
@click.option("--warmup", type=click.IntRange(min=0), default=3, show_default=True, help="Rounds before these.")
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, help="Samples a run.")
@click.option(
    "--threads", type=click.IntRange(min=1), default=1, show_default=True, help="For kernels that use several."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(
    file: str, backends: tuple[str, ...], repeats: int, warmup: int, batch: int, threads: int, as_json: bool
) -> None:
    """Times every op of the .xlite file FILE: the median and the distance between the quartiles, in milliseconds.

    Several backends run side by side, a round of each in turn. Without --backend it is the fastest one that is
    there."""
    from xlite.benchmarking import benchmark
    from xlite.interpreter import Resolver
    from xlite.interpreter.backends import available_backends
    from xlite.schema import load_model

    model = load_model(files.need_xlite(file))
    names = list(backends) or [Resolver().default_backend]
    if "all" in names:
        names = available_backends()
    found = benchmark(
        model,
        list(dict.fromkeys(names)),
        repeats=repeats,
        warmup=warmup,
        batch=batch,
        threads=threads,
        rounds=lambda numbers: ui.track(numbers, "timing"),
    )
    if as_json:
        ui.print_json(found.to_dict())
        return
    ui.show(renderables(found))


def renderables(found: Benchmark) -> Iterator[Any]:
    """The machine, then the table: an op a line, two columns a backend."""
    machine = found.machine
    yield ui.heading(f"{machine['processor']}, {machine['cores']} cores, {machine['system']}")
    versions = f"xlite {machine['xlite']}, Python {machine['python']}, numpy {machine['numpy']}"
    if machine["isa"]:
        versions += f"; C kernels for {machine['isa']}"
    yield f"{versions}; batch {found.batch}, threads {found.threads}, {found.backends[0].invoke.count} rounds"
    yield ui.table("", list(_columns(found)), list(_rows(found)), optional=("kernel", "op"))
    yield ui.figures(_totals(found))


def _columns(found: Benchmark) -> Iterator[str]:
    yield "layer"
    yield "op"
    for times in found.backends:
        yield f"{times.backend} ms (spread)>"
        yield "kernel"


def _rows(found: Benchmark) -> Iterator[list[str]]:
    for index, (name, kind) in enumerate(found.ops):
        row = [ui.layers(name), kind]
        for times in found.backends:
            op = times.ops[index]
            row += [_timing(op.timing), op.kernel]
        yield row


def _totals(found: Benchmark) -> Iterator[tuple[str, str]]:
    """Whole runs, which joined calls make shorter than the sum of the ops; several backends against the
    slowest."""
    slowest = max(times.invoke.median_ms for times in found.backends)
    for times in found.backends:
        sample = times.invoke.median_ms / found.batch
        spread = ui.milliseconds(times.invoke.spread_ms)
        text = f"{ui.milliseconds(times.invoke.median_ms)} ms a run (spread {spread})"
        text += f", {ui.milliseconds(sample)} ms a sample"
        text += f", sum of the ops {ui.milliseconds(sum(op.timing.median_ms for op in times.ops))} ms"
        text += f", first run {ui.milliseconds(times.first_ms)} ms"
        if len(found.backends) > 1 and times.invoke.median_ms:
            text += f", {slowest / times.invoke.median_ms:.1f}x the slowest"
        yield times.backend, text


def _timing(timing: Timing) -> str:
    return f"{ui.milliseconds(timing.median_ms)} ({ui.milliseconds(timing.spread_ms)})"
