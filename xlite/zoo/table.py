"""Sizes of the zoo's networks, measured by converting them: ``python -m xlite.zoo.table [PAGE]``.

Prints a markdown table of every builder at its default size; with the path of a page, writes it there between the
line ``<!-- python -m xlite.zoo.table -->`` and ``<!-- end -->``. Takes a few minutes and 4 GB of memory.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import keras

from xlite import zoo
from xlite.converter import convert
from xlite.schema.errors import FileError

PLACE = re.compile(r"(<!-- python -m xlite\.zoo\.table -->\n).*?(<!-- end -->)", re.DOTALL)
HEAD = ("builder", "input", "parameters", "binary MACs", "float MACs", "as float32", ".xlite", "smaller", "arena")
KB, MB = 1e3, 1e6


@dataclass(frozen=True)
class Row:
    """A network at its default size. ``binary_macs``: multiply-accumulates of an image in which the weights are
    bits, ``float_macs`` the others; the rest in bytes."""

    builder: str
    input_shape: tuple[int, ...]
    parameters: int
    binary_macs: int
    float_macs: int
    float_bytes: int
    file_bytes: int
    arena_bytes: int


def row(builder: str) -> Row:
    """Builds, fills, and converts one network. Its weights are random, for equal ones would be stored once."""
    model = zoo.randomize(getattr(zoo, builder)())
    report = convert(model, strict=True).report
    binary = sum(macs for key, macs in report.macs.items() if key.endswith("xbit"))
    return Row(
        builder=builder,
        input_shape=tuple(model.input_shape[1:]),
        parameters=model.count_params(),
        binary_macs=binary,
        float_macs=sum(report.macs.values()) - binary,
        float_bytes=4 * model.count_params(),
        file_bytes=report.file_bytes,
        arena_bytes=report.arena_bytes,
    )


def markdown(rows: list[Row]) -> str:
    lines = ["| " + " | ".join(HEAD) + " |", "| --- | --- |" + " ---: |" * (len(HEAD) - 2)]
    lines += ["| " + " | ".join(cells(row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def cells(row: Row) -> tuple[str, ...]:
    """What stands in a line, in the order of :data:`HEAD`."""
    return (
        f"`{row.builder}`",
        "x".join(map(str, row.input_shape)),
        f"{row.parameters:,}",
        f"{row.binary_macs / MB:,.1f} M",
        f"{row.float_macs / MB:,.1f} M",
        _bytes(row.float_bytes),
        _bytes(row.file_bytes),
        f"{row.float_bytes / row.file_bytes:.1f}x",
        _bytes(row.arena_bytes),
    )


def _bytes(count: int) -> str:
    return f"{count / MB:.2f} MB" if count >= MB else f"{count / KB:.0f} kB"


def main(arguments: list[str]) -> None:
    rows = []
    for builder in zoo.BUILDERS:
        keras.backend.clear_session()
        print(builder, file=sys.stderr)
        rows.append(row(builder))
    table = markdown(rows)
    if not arguments:
        print(table, end="")
        return
    page = Path(arguments[0])
    text, places = PLACE.subn(lambda found: f"{found[1]}{table}{found[2]}", page.read_text(encoding="utf-8"))
    if places != 1:
        raise FileError(f"{page} has no place for the table: put the two lines that its module names into it")
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
