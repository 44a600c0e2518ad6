"""The files that the engines load, a folder a row under build/bench/models. What takes long is built once and kept
until its recipe changes; the .xlite is converted anew in every run, since the converter is what changes here.

The binary network is the same file for xlite and for Larq Compute Engine: built by Larq, saved as .h5, which xlite
converts. On machines without Larq it is xlite's own (xlite.layers, xlite.zoo), for xlite alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import environment
from benchmarks.engines import BINARY
from benchmarks.rows import Row

HERE = Path(__file__).resolve().parent
MODELS = environment.FOLDER / "models"
INPUT = "input.npy"
TWINS = ("float.tflite", "int8.tflite")
RECIPE = ("rows.py", "chain.py")  # of every file that is built here, with its program
MAKE_LARQ, MAKE_OWN = HERE / "make_larq.py", HERE / "make_own.py"
LARQ_WEIGHTS = environment.ROOT / "tests" / "zoo" / "build.py"


@dataclass
class Models:
    """What there is for a row. missing: file -> why it is not there. macs: "binary", "float", "int8" ->
    multiply-accumulates by precision, of the whole model."""

    folder: Path
    missing: dict[str, str] = field(default_factory=dict)
    macs: dict[str, dict[str, int]] = field(default_factory=dict)
    source: str = ""


def prepare(row: Row, files: set[str], larq_missing: str, fresh: bool = False) -> Models:
    """Builds those of ``files`` that are not there. larq_missing: why there is no environment of Larq, empty if
    there is. fresh: build what is there, too."""
    models = Models(MODELS / row.key)
    models.folder.mkdir(parents=True, exist_ok=True)
    reason = _binary(row, models, larq_missing, fresh)
    if reason:
        models.missing.update(dict.fromkeys(files, reason))
        return models
    if files & set(TWINS):
        recipe = _recipe(MAKE_OWN)
        command = [
            str(environment.python("own")),
            "-m",
            "benchmarks.make_own",
            row.key,
            str(models.folder),
            "twins",
        ]
        reason = _build(models.folder, "twins", recipe, command, fresh)
        if reason:
            models.missing.update(dict.fromkeys(TWINS, reason))
        else:
            macs = json.loads((models.folder / "twins.json").read_text())["macs"]
            models.macs["float"] = macs
            models.macs["int8"] = {"i8xi8": sum(macs.values())}
    return models


def _binary(row: Row, models: Models, larq_missing: str, fresh: bool) -> str:
    """The binary network, and what Larq's engine and xlite make of it. Returns why there is none."""
    larq = larq_missing
    if not larq:
        command = [str(environment.python("larq")), str(MAKE_LARQ), row.key, str(models.folder)]
        larq = _build(models.folder, "larq", _recipe(MAKE_LARQ, LARQ_WEIGHTS), command, fresh)
    source, models.source = models.folder / "binary.h5", "Larq"
    if larq:
        models.missing["larq.tflite"] = larq
        source, models.source = models.folder / "binary.keras", "xlite"
        own = [str(environment.python("own")), "-m", "benchmarks.make_own", row.key, str(models.folder), "binary"]
        reason = _build(models.folder, "own", _recipe(MAKE_OWN), own, fresh)
        if reason:
            return f"{reason}; and there is no Larq: {larq}"
    return _convert(source, models)


def _convert(source: Path, models: Models) -> str:
    from xlite import Error, convert

    try:
        models.macs["binary"] = convert(source, models.folder / BINARY).report.macs
    except Error as error:
        return f"xlite does not convert it: {error}"
    return ""


def _build(folder: Path, name: str, recipe: str, command: list[str], fresh: bool) -> str:
    """Runs a program unless it has run with this recipe; returns the last line that it said if it failed."""
    stamp = folder / f"{name}.recipe"
    if not fresh and stamp.is_file() and stamp.read_text() == recipe:
        return ""
    stamp.unlink(missing_ok=True)
    log = folder / f"{name}.log"
    with open(log, "w", encoding="utf-8") as file:
        done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, env=_quiet())
    if done.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no message"]
        return f"building it failed: {lines[-1].strip()[:200]} (log: {log.relative_to(environment.ROOT)})"
    stamp.write_text(recipe)
    return ""


def _quiet() -> dict[str, str]:
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


def _recipe(*programs: Path) -> str:
    """A digest of what a file is built by."""
    found = hashlib.sha256()
    for path in (*programs, *(HERE / name for name in RECIPE)):
        found.update(path.read_bytes())
    return found.hexdigest()
