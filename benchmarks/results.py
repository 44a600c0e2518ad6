"""The results file: JSON, written after every row, so that a run that was interrupted goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import environment

FORMAT = 1
Results = dict[str, Any]


def load(path: Path) -> Results:
    """What a former run left, or nothing."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):  # half a file cannot happen, an older or foreign one can
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        return {"format": FORMAT, "machine": {}, "rows": {}}
    return found


def save(path: Path, results: Results) -> None:
    """The file is there in full or as it was before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(path.suffix + ".part")
    part.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)


def circumstances(machine: dict[str, Any], settings: dict[str, Any], engines: Iterable[str]) -> str:
    """A digest of all that a row's figures depend on: another one means that the row is to be measured again."""
    found = hashlib.sha256(json.dumps([machine, settings, sorted(engines)], sort_keys=True).encode())
    for folder in ("schema", "interpreter", "converter", "benchmarks"):
        for path in sorted((environment.ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".c", ".h", ".so", ".dylib", ".dll"):
                found.update(path.read_bytes())
    return found.hexdigest()
