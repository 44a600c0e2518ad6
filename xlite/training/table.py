"""The table of runs: ``python -m xlite.training.table docs/training.md`` writes it anew from the logs beside the
page, in ``docs/runs``."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from xlite.schema.errors import FileError
from xlite.training.runlog import Run, read_run

PLACE = re.compile(r"(<!-- python -m xlite.training.table -->\n).*?(<!-- end -->)", re.DOTALL)
HEAD = ("recipe", "data", "seed", "epochs", "test accuracy", "parameters", "packed", "minutes")


def table(runs: Sequence[Run]) -> str:
    """One line for each finished run, by recipe and seed."""
    rows = [_row(run) for run in sorted(runs, key=lambda run: (run.start["recipe"], run.start["seed"])) if run.end]
    lines = [f"| {' | '.join(HEAD)} |", "| --- | --- |" + " ---: |" * (len(HEAD) - 2)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def _row(run: Run) -> tuple[str, ...]:
    packed = run.end.get("packed_bytes")
    return (
        f"`{run.start['recipe']}`",
        str(run.start["data"]),
        str(run.start["seed"]),
        str(run.start["epochs"]),
        f"{100 * run.end['test_accuracy']:.2f} %",
        f"{run.end['deployed_parameters']:,}",
        "-" if packed is None else f"{packed / 1000:,.1f} kB",
        f"{run.end['seconds'] / 60:.0f}",
    )


def update(page: Path) -> int:
    """Puts the table of the logs in ``runs/`` beside ``page`` into it; returns how many logs there are."""
    runs = [read_run(path) for path in sorted((page.parent / "runs").glob("*.jsonl"))]
    made = table(runs)
    text, places = PLACE.subn(lambda found: f"{found[1]}{made}{found[2]}", page.read_text(encoding="utf-8"))
    if places != 1:
        raise FileError(
            f"{page}: has no place for the table: <!-- python -m xlite.training.table --> ... <!-- end -->"
        )
    page.write_text(text, encoding="utf-8")
    return len(runs)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m xlite.training.table PAGE.md")
    print(f"{sys.argv[1]}: {update(Path(sys.argv[1]))} runs")
