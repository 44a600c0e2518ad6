"""A conversion's report on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from xlite.cli import ui

if TYPE_CHECKING:
    from xlite.converter.report import LayerRow, Part, Report

_STYLES = {
    "packed": "green",
    "int8": "cyan",
    "weights packed": "yellow",
    "float": "red",
    "fused": "dim",
    "-": "dim",
}
_COLUMNS = ("layer", "class", "op", "input x weights", "status", "parameters>", "bytes before>", "after>")
_OPTIONAL = ("class", "op", "parameters>")


def renderables(report: Report, source_bytes: int | None) -> Iterator[Any]:
    """What ``xlite convert`` prints: the table of layers, what to know about single layers, the totals."""
    foot = ("total", "", "", "", "", *_totals(report))
    rows = [cells for row in report.layers for cells in (_cells(row), *map(_part_cells, row.parts))]
    yield ui.table(report.source or report.model_name, _COLUMNS, rows, foot, _OPTIONAL)
    notes = [(row.name, f"{row.reason}; {row.mend}") for row in report.layers if row.reason and row.mend]
    if notes:
        yield _notes(notes)
        yield ""
    for note in report.remarks():
        yield f"note: {note}"
    yield ui.figures(_summary(report, source_bytes))


def _cells(row: LayerRow) -> list[Any]:
    from rich.text import Text

    status = f"{row.status} {row.reason}" if row.status == "fused" else row.status
    style = "bold red" if row.broken_mark else _STYLES.get(row.status, "")
    quiet = not row.parameters
    return [
        row.name,
        Text(ui.printable(row.class_name), style="dim"),
        ", ".join(row.ops),
        row.precision,
        Text(ui.printable(status), style=style),
        "" if quiet else ui.count(row.parameters),
        "" if quiet else ui.count(row.bytes_before),
        "" if quiet and not row.bytes_after else ui.count(row.bytes_after),
    ]


def _part_cells(part: Part) -> list[Any]:
    """One kernel of a layer that has several, in a row under the layer's."""
    from rich.text import Text

    style = "bold red" if part.broken_mark else _STYLES.get(part.status, "")
    status = Text(ui.printable(part.status), style=style)
    return [f"  {part.name}", "", part.op, part.precision, status, "", "", ui.count(part.bytes_after)]


def _totals(report: Report) -> tuple[str, str, str]:
    parameters = sum(row.parameters for row in report.layers)
    return ui.count(parameters), ui.count(report.float_bytes), ui.count(report.constant_bytes)


def _notes(notes: list[tuple[str, str]]) -> Any:
    """Why a layer is not packed and what would make it so; layers with the same text share a line."""
    from rich.table import Table
    from rich.text import Text

    grouped: dict[str, list[str]] = {}
    for name, text in notes:
        grouped.setdefault(text, []).append(name)
    drawn = Table.grid(padding=(0, 2))
    for text, names in grouped.items():
        drawn.add_row(Text(ui.printable(", ".join(names)), style="bold"), Text(ui.printable(text)))
    return drawn


def _summary(report: Report, source_bytes: int | None) -> Iterator[tuple[str, str]]:
    yield "weights as float32", ui.size(report.float_bytes)
    yield ".xlite file", f"{ui.size(report.file_bytes)}, {_smaller(report, source_bytes)}"
    if report.information_bytes:
        share = report.file_bytes / report.information_bytes
        yield "information in it", f"{ui.size(report.information_bytes)}, of which the file is {share:.3f}"
    macs = ", ".join(f"{number:,} {key}" for key, number in sorted(report.macs.items()))
    yield "MACs an image", macs or "none"
    arena = f"{ui.size(report.arena_bytes)} for one image"
    if report.arena_lower_bound:
        share = report.arena_bytes / report.arena_lower_bound
        arena += f", {share:.2f} of the lower bound {ui.size(report.arena_lower_bound)}"
    yield "arena", arena
    if report.live_bytes < report.live_bytes_as_lowered:
        before, after = ui.size(report.live_bytes_as_lowered), ui.size(report.live_bytes)
        yield "op order", f"{after} alive at once, {before} in the layers' own order"
    if report.target is not None:
        yield "target", ui.target_line(report.target)


def _smaller(report: Report, source_bytes: int | None) -> str:
    text = f"{ui.ratio(report.float_bytes, report.file_bytes)} smaller than the float32 weights"
    if source_bytes is not None:
        text += (
            f", {ui.ratio(source_bytes, report.file_bytes)} smaller than {report.source} ({ui.size(source_bytes)})"
        )
    return text
