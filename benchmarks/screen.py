"""The table on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks import table


def show(results: Mapping[str, Any], console: Console) -> None:
    for part in (table.main_table(results), table.peak_table(results)):
        if part.rows:
            console.print(_rich(part))
    for note in table.notes(results):
        console.print(note, highlight=False, markup=False)


def _rich(part: table.Table) -> RichTable:
    found = RichTable(show_lines=any(len(cell) > 1 for row in part.rows for cell in row))
    for number, title in enumerate(part.head):
        found.add_column(title, justify="right" if number else "left", overflow="fold")
    for row in part.rows:
        found.add_row(*("\n".join(cell) for cell in row))
    return found
