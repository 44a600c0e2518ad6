"""The table of runs, made of their logs::

python -m xlite.training.table [FOLDER]           prints it; the logs are FOLDER/*.jsonl, by default docs/runs
python -m xlite.training.table docs/training.md   writes it into the page, from the folder runs/ beside it
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from xlite.schema.errors import Error, FileError
from xlite.training.runlog import Run, read_run

PLACE = re.compile(r"(<!-- python -m xlite.training.table -->\n).*?(<!-- end -->)", re.DOTALL)
HEAD = (
    "recipe",
    "data",
    "epochs",
    "seeds",
    "test accuracy",
    "float twin",
    "before: float, binarized",
    "parameters",
    "packed bytes",
    "minutes",
)
NO_RUNS = "There is no log of a finished run yet.\n"

Key = tuple[str, str, int, int]


def table(runs: Sequence[Run]) -> str:
    """One line for the finished runs of a recipe with the same data and epochs, whatever their seeds."""
    groups: dict[Key, list[Run]] = {}
    for run in sorted((run for run in runs if run.end), key=lambda run: (_key(run), int(run.start["seed"]))):
        groups.setdefault(_key(run), []).append(run)
    if not groups:
        return NO_RUNS
    lines = [f"| {' | '.join(HEAD)} |", "| --- | --- |" + " ---: |" * (len(HEAD) - 2)]
    rows = [_row(group, groups.get(_twin(key), [])) for key, group in groups.items()]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def _key(run: Run) -> Key:
    start = run.start
    return str(start["recipe"]), str(start["data_sha256"]), int(start["train_images"]), int(start["epochs"])


def _twin(key: Key) -> Key:
    """Of the float runs to compare with: the same images and epochs."""
    from xlite.training import recipe

    name = key[0]
    return (recipe.find(name).twin if name in recipe.names() else "", *key[1:])


def _row(runs: list[Run], twins: list[Run]) -> tuple[str, ...]:
    start = runs[0].start
    packed = [run.end["packed_bytes"] for run in runs if run.end.get("packed_bytes") is not None]
    return (
        f"`{start['recipe']}`",
        f"{start['data']}, {start['train_images']:,} + {start['test_images']:,} images",
        str(start["epochs"]),
        ", ".join(str(run.start["seed"]) for run in runs),
        _percent([run.end["test_accuracy"] for run in runs]),
        _percent([run.end["test_accuracy"] for run in twins]),
        _before(runs),
        _span([run.end["deployed_parameters"] for run in runs]),
        _span(packed),
        f"{_mean([run.end['seconds'] for run in runs]) / 60:,.1f}",
    )


def _before(runs: list[Run]) -> str:
    """Test accuracy of the model that the runs began with, and of its binarized clone before any training."""
    values = [
        [run.start[name] for run in runs if name in run.start] for name in ("start_accuracy", "untrained_accuracy")
    ]
    return ", ".join(_percent(some) for some in values) if all(values) else "-"


def _percent(shares: Sequence[float]) -> str:
    """The mean, and behind it the lowest and the highest where there are several."""
    if not shares:
        return "-"
    mean = f"{100 * _mean(shares):.2f} %"
    return mean if len(shares) == 1 else f"{mean} ({100 * min(shares):.2f} to {100 * max(shares):.2f})"


def _span(counts: Sequence[int]) -> str:
    if not counts:
        return "-"
    ends = sorted({min(counts), max(counts)})
    return " to ".join(f"{count:,}" for count in ends)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def of_folder(folder: Path) -> str:
    """The table of all logs of a folder, which need not be there. Raises FileError for a file that is no log."""
    return table([read_run(path) for path in sorted(folder.glob("*.jsonl"))])


def update(page: Path) -> None:
    """Puts the table of the logs in ``runs/`` beside ``page`` into it. Raises FileError."""
    try:
        old = page.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"{page}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    made = of_folder(page.parent / "runs")
    text, places = PLACE.subn(lambda found: f"{found[1]}{made}{found[2]}", old)
    if places != 1:
        raise FileError(
            f"{page}: has no place for the table: <!-- python -m xlite.training.table --> ... <!-- end -->"
        )
    page.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str]) -> None:
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        sys.exit((__doc__ or "").strip())
    path = Path(arguments[0] if arguments else "docs/runs")
    try:
        if path.suffix == ".md":
            update(path)
        else:
            print(of_folder(path), end="")
    except Error as error:
        sys.exit(f"xlite: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
