"""A run as lines of JSON: one for each start, one for each epoch, one for the end."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xlite.schema.errors import FileError


@dataclass
class Run:
    """What a log says. ``start``: of the last beginning, ``epochs`` one entry each, ``end``: empty while it
    runs."""

    start: dict[str, Any] = field(default_factory=dict)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    end: dict[str, Any] = field(default_factory=dict)


def write_line(path: Path, event: str, facts: Mapping[str, Any]) -> None:
    """Adds a line in one write."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps({"event": event, **facts}) + "\n")


def cut_back(path: Path, epochs: int) -> None:
    """Drops the epochs behind the first ``epochs``, which a resumed run will do again, and what ended it."""
    lines = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            try:
                found = json.loads(line)
            except json.JSONDecodeError:  # the process was killed while it wrote
                continue
            if found["event"] == "start" or (found["event"] == "epoch" and found["epoch"] < epochs):
                lines.append(line if epochs else "")
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text("".join(lines), encoding="utf-8")
    os.replace(partial, path)


def is_log(path: Path) -> bool:
    """Whether the file holds lines of runs and nothing else; the last one may be cut short."""
    try:
        *whole, rest = path.read_text(encoding="utf-8").split("\n")
        found = [json.loads(line) for line in whole]
    except (OSError, ValueError):
        return False
    begin = '{"event": '
    return all(isinstance(line, dict) and "event" in line for line in found) and (
        rest.startswith(begin) or begin.startswith(rest)
    )


def read_run(path: Path) -> Run:
    """Raises FileError where the file is no run's log."""
    run = Run()
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            found = json.loads(line)
            event = found.pop("event")
            if event == "epoch":
                run.epochs.append(found)
            elif event in ("start", "end"):
                setattr(run, event, found)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path}: is no log of a training run ({error})") from None
    return run


def versions() -> dict[str, str]:
    """Of what a run depends on."""
    import keras
    import numpy

    from xlite.schema.version import __version__

    found = {"xlite": __version__, "keras": keras.__version__, "numpy": numpy.__version__}
    backend = keras.backend.backend()
    module = sys.modules.get({"tensorflow": "tensorflow"}.get(backend, backend))
    found[backend] = str(getattr(module, "__version__", "?"))
    return {
        **found,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
