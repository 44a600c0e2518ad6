"""The tables of what the last ``make zoo-test`` found: ``python -m tests.zoo.table`` writes build/zoo/report.md,
with ``--docs`` also the parts of docs/converting.md between its markers."""

from __future__ import annotations

import re
import statistics
import sys
from pathlib import Path
from typing import Callable

from tests.zoo import networks
from tests.zoo.results import FIRST, Result, load

DOCS = Path(__file__).resolve().parents[2] / "docs" / "converting.md"
EPS = 2.0**-23

NETWORKS = (
    ("network", lambda r: r.name),
    ("file, bytes", lambda r: f"{r.took['file']:,}"),
    ("of the bound", lambda r: f"{r.took['file'] / r.took['information']:.4f}"),
    ("s", lambda r: f"{r.took['seconds']:.1f}"),
    ("MB", lambda r: f"{r.took['memory'] / 1e6:.0f}"),
    (f"exact of {FIRST}", lambda r: str(r.first_exact)),
    ("exact of all", lambda r: f"{len(r.exact)} of {r.images}"),
    ("jitter", lambda r: f"{statistics.median(r.control):g}"),
    ("oneDNN", lambda r: str(r.library)),
    ("same class", lambda r: str(r.same_class)),
    ("traced", lambda r: f"{len(_traced(r))} of {r.images - len(r.exact)}"),
    ("furthest from 0", lambda r: _furthest(r)),
)
ARENAS = (
    ("network", lambda r: r.name),
    ("alive, as lowered", lambda r: f"{r.took['live_as_lowered']:,}"),
    ("alive, as ordered", lambda r: f"{r.took['live']:,}"),
    ("arena, as lowered", lambda r: f"{r.took['arena_as_lowered']:,}"),
    ("arena, as ordered", lambda r: f"{r.took['arena']:,}"),
    ("least of any order", lambda r: f"{r.took['arena_least']:,}"),
)
SECTIONS = {"networks": NETWORKS, "arenas": ARENAS}

Column = tuple[str, Callable[[Result], str]]


def main(arguments: list[str]) -> None:
    results = [result for result in map(load, networks.NAMES) if result is not None]
    if not results:
        sys.exit("there are no results: make zoo-test")
    tables = {name: table(results, columns) for name, columns in SECTIONS.items()}
    text = "\n\n".join(tables.values()) + "\n"
    (networks.FOLDER / "report.md").write_text(text)
    print(text, end="")
    missing = set(networks.NAMES) - {result.name for result in results}
    if "--docs" in arguments and missing:
        sys.exit(
            f"the tables of the docs hold every network; there are no results of {', '.join(sorted(missing))}"
        )
    if "--docs" in arguments:
        DOCS.write_text(filled(DOCS.read_text(), tables))


def table(results: list[Result], columns: tuple[Column, ...]) -> str:
    rows = [[title for title, _ in columns], ["---", *["---:"] * (len(columns) - 1)]]
    rows += [[cell(result) for _, cell in columns] for result in results]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def filled(text: str, tables: dict[str, str]) -> str:
    """The text with each table in place of what stands between its markers."""
    for name, lines in tables.items():
        first, last = f"<!-- zoo {name} -->\n", f"<!-- end of zoo {name} -->"
        pattern = re.escape(first) + ".*?" + re.escape(last)
        text, count = re.subn(pattern, lambda _, new=first + lines + "\n" + last: new, text, flags=re.DOTALL)
        if count != 1:
            sys.exit(f"{DOCS}: has {count} places between '{first.strip()}' and '{last}'; one is wanted")
    return text


def _traced(result: Result) -> set[int]:
    return {flip["sample"] for flip in result.flips} - set(result.exact)


def _furthest(result: Result) -> str:
    """The largest value before such a sign, in float32's epsilon of the largest of its channel."""
    return f"{max(flip['relative'] for flip in result.flips) / EPS:.1f} eps" if result.flips else ""


if __name__ == "__main__":
    main(sys.argv[1:])
