"""``python -m benchmarks``: the command line and the run."""

from __future__ import annotations

import contextlib
import fnmatch
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Optional

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks import engines, environment, machine, measure, models, results, rows, screen, table
from benchmarks.peak import NoPeak, Peak

JSON = environment.FOLDER / "results.json"


@click.command()
@click.option("--layers", is_flag=True, help="The layers alone.")
@click.option("--networks", is_flag=True, help="The networks alone.")
@click.option(
    "--only", multiple=True, metavar="PATTERN", help="Rows whose key matches, as 'layer-14*'; repeatable."
)
@click.option("--engine", "keys", multiple=True, help=f"Columns: {', '.join(engines.BY_KEY)}; repeatable.")
@click.option("--isa", "isas", multiple=True, help="One more column of C with XLITE_ISA so; repeatable.")
@click.option("--quick", is_flag=True, help="Three short rounds: shows that all works, the figures are rough.")
@click.option("--repeat", type=click.IntRange(min=1), help=f"Rounds a row.  [default: {measure.Settings.rounds}]")
@click.option("--json", "json_path", type=click.Path(path_type=Path), default=JSON, help="Where the results are.")
@click.option("--markdown", type=click.Path(path_type=Path), help="A document with a place for the table.")
@click.option("--fresh", is_flag=True, help="Measure again what the results hold already.")
@click.option("--rebuild", is_flag=True, help="Build the models again.")
@click.option("--show", "show_only", is_flag=True, help="Measure nothing, show the results that there are.")
@click.option("--list", "list_only", is_flag=True, help="The keys of the rows.")
def main(
    layers: bool,
    networks: bool,
    only: tuple[str, ...],
    keys: tuple[str, ...],
    isas: tuple[str, ...],
    quick: bool,
    repeat: Optional[int],
    json_path: Path,
    markdown: Optional[Path],
    fresh: bool,
    rebuild: bool,
    show_only: bool,
    list_only: bool,
) -> None:
    """Times xlite beside LiteRT and Larq Compute Engine on this machine, layer by layer and network by network, in
    one run. Rows that the results file holds, measured under the same circumstances, are kept."""
    chosen = choose_rows(layers, networks, only)
    if list_only:
        click.echo("\n".join(row.key for row in chosen))
        return
    settings = measure.QUICK if quick else measure.Settings()
    if repeat is not None:
        settings = replace(settings, rounds=repeat)
    try:
        columns = engines.choose(list(keys), list(isas))
    except KeyError as error:
        raise click.UsageError(f"there is no column {error}: choose of {', '.join(engines.BY_KEY)}") from None
    console = Console(width=None if sys.stdout.isatty() else 200)
    found = results.load(json_path)
    if not show_only:
        run(chosen, columns, settings, found, json_path, fresh, rebuild)
    if not found["rows"]:
        raise click.ClickException(f"{json_path} holds no results")
    screen.show(found, console)
    if markdown is not None:
        try:
            table.write_markdown(markdown, table.markdown(found))
        except ValueError as error:
            raise click.ClickException(str(error)) from None


def choose_rows(layers: bool, networks: bool, only: Sequence[str]) -> list[rows.Row]:
    """The rows of the command line, in the table's order. UsageError for a pattern that matches none."""
    found: list[rows.Row] = []
    if layers or not networks:
        found += rows.LAYERS
    if networks or not layers:
        found += rows.NETWORKS
    for pattern in only:
        if not any(fnmatch.fnmatch(row.key, pattern) for row in found):
            raise click.UsageError(f"no row matches {pattern!r}; --list shows them")
    return [row for row in found if not only or any(fnmatch.fnmatch(row.key, p) for p in only)]


def run(
    chosen: Sequence[rows.Row],
    columns: Sequence[engines.Engine],
    settings: measure.Settings,
    found: results.Results,
    path: Path,
    fresh: bool,
    rebuild: bool,
) -> None:
    """Measures the rows that ``found`` does not hold yet and keeps it on disk, row after row."""
    with progress() as bar, contextlib.ExitStack() as stack:
        task = bar.add_task("environments", total=len(chosen))

        def say(text: str) -> None:
            bar.update(task, description=text)

        missing = environments(columns, say)
        where = machine.describe()
        circumstances = results.circumstances(where, {**asdict(settings), **missing}, [c.key for c in columns])
        peak, no_peak = open_peak(stack)
        if no_peak:
            bar.console.print(f"no bound: {no_peak}")
        found["machine"] = where
        for row in chosen:
            if fresh or found["rows"].get(row.key, {}).get("circumstances") != circumstances:
                say(f"{row.title}: building")
                load = machine.load()
                files = models.prepare(row, {c.model for c in columns}, missing.get("larq", ""), rebuild)
                files.missing.update(
                    {c.model: missing[c.environment] for c in columns if missing.get(c.environment)}
                )
                entry = measure.measure(row, files, columns, settings, peak, say)
                found["rows"][row.key] = {**entry, "load": load, "circumstances": circumstances}
                found["rows"] = in_order(found["rows"])
                results.save(path, found)
            bar.advance(task)


def environments(columns: Sequence[engines.Engine], say: measure.Say) -> dict[str, str]:
    """Makes what the columns need. Returns environment -> why there is none."""
    missing = {}
    for name in dict.fromkeys(column.environment for column in columns):
        say(f"environment of {name}")
        reason = environment.make(name)
        if reason:
            missing[name] = reason
    return missing


def open_peak(stack: contextlib.ExitStack) -> tuple[Optional[Peak], str]:
    """The program that measures the bound, or why there is none."""
    try:
        return stack.enter_context(Peak()), ""
    except NoPeak as error:
        return None, str(error)


def in_order(measured: dict[str, Any]) -> dict[str, Any]:
    """Rows as the table lists them, whatever was measured first."""
    return {row.key: measured[row.key] for row in (*rows.LAYERS, *rows.NETWORKS) if row.key in measured}


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """A bar on stderr; where that is no terminal, a line whenever something new is done."""
    console = Console(stderr=True)
    bar = Progress(
        SpinnerColumn(),
        MofNCompleteColumn(),
        BarColumn(20),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=console,
    )
    with bar:
        yield bar


if __name__ == "__main__":
    main()
