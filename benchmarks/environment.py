"""The environments in which peers run, each a venv of its own under build/bench, made once.

A peer may have no package for this platform or this Python. That is no error: :func:`make` says why, and the table
shows it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "bench"
OWN = "own"  # the environment that this runs in


@dataclass(frozen=True)
class Environment:
    """packages: what pip is given. pythons: versions that have these packages; empty: the one that runs this.
    check: a statement that fails where they do not work."""

    name: str
    packages: tuple[str, ...]
    check: str
    pythons: tuple[tuple[int, int], ...] = ()

    @property
    def folder(self) -> Path:
        return FOLDER / self.name


ENVIRONMENTS = {
    "litert": Environment("litert", ("ai-edge-litert==2.3.0", "numpy"), "import ai_edge_litert.interpreter"),
    "larq": Environment(
        "larq",
        (
            "tensorflow==2.15.1",
            "larq==0.14.0",
            "larq-zoo==2.4.0",
            "larq-compute-engine==0.16.0",
            "numpy<2",
            "setuptools<81",
        ),
        "import larq, larq_zoo, larq_compute_engine",
        ((3, 9), (3, 10), (3, 11)),
    ),
}


def python(name: str) -> Path:
    """The interpreter of an environment that is ready."""
    if name == OWN:
        return Path(sys.executable)
    return ENVIRONMENTS[name].folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make(name: str) -> str:
    """Makes an environment unless it is there, made by these very packages. Returns why it cannot be had; empty
    where it is ready."""
    if name == OWN:
        return ""
    wanted = ENVIRONMENTS[name]
    stamp = wanted.folder / "packages.txt"
    if stamp.is_file() and stamp.read_text() == _stamp(wanted) and python(name).exists():
        return ""
    base = _base(wanted)
    if base is None:
        versions = ", ".join(f"{major}.{minor}" for major, minor in wanted.pythons)
        return f"its packages need one of Python {versions}, and none is on the path"
    reason = _install(wanted, base)
    if not reason:
        stamp.write_text(_stamp(wanted))
    return reason


def _install(wanted: Environment, base: str) -> str:
    FOLDER.mkdir(parents=True, exist_ok=True)
    log = FOLDER / f"{wanted.name}.log"
    pip = [
        str(python(wanted.name)),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--progress-bar",
        "off",
    ]
    for command in ([base, "-m", "venv", "--clear", str(wanted.folder)], [*pip, *wanted.packages]):
        with open(log, "w", encoding="utf-8") as file:
            if subprocess.run(command, stdout=file, stderr=subprocess.STDOUT).returncode:
                return f"{' '.join(wanted.packages)} cannot be installed: {_error(log)}"
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [str(python(wanted.name)), "-c", wanted.check], capture_output=True, text=True, env=quiet
    )
    if done.returncode:
        return f"it does not import: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
    return ""


def _error(log: Path) -> str:
    """The line of pip's log that says what was wrong: the first error."""
    lines = [
        line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()
    ]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines[-1:] or ["no message"])[0][:200]


def _base(wanted: Environment) -> str | None:
    """A Python that the packages run on, with what a venv needs: this one, or one on the path."""
    if not wanted.pythons or sys.version_info[:2] in wanted.pythons:
        return sys.executable
    for major, minor in reversed(wanted.pythons):
        found = shutil.which(f"python{major}.{minor}")
        if found and not subprocess.run([found, "-c", "import venv, ensurepip"], capture_output=True).returncode:
            return found
    return None


def _stamp(wanted: Environment) -> str:
    return "\n".join(wanted.packages)
