"""Makes the environment in which Larq works, apart from the project's own: ``python -m tests.zoo.environment``.

Larq needs Keras 2, larq-zoo a TensorFlow of its time, and that a Python of 3.9 to 3.11. Everything lands in
build/zoo/venv, once (about 1.5 GB); prints the path of its Python.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.environment import run, say, stop

FOLDER = Path(__file__).resolve().parents[2] / "build" / "zoo"
VENV = FOLDER / "venv"
PACKAGES = ("tensorflow==2.15.1", "larq==0.14.0", "larq-zoo==2.4.0", "numpy<2", "setuptools<81")
VERSIONS = ((3, 9), (3, 10), (3, 11))
CHECK = "import larq, larq_zoo"


def python() -> Path:
    return VENV / ("Scripts" if os.name == "nt" else "bin") / "python"


def is_ready() -> bool:
    """Whether the environment was made, by these very lines."""
    stamp = VENV / "packages.txt"
    return stamp.is_file() and stamp.read_text() == _stamp() and python().exists()


def make() -> None:
    """Makes it, unless it is ready; ends the program with one sentence where that fails."""
    if is_ready():
        return
    base = _base()
    say(f"making the environment of Larq in {VENV} with {base} (log: {FOLDER / 'pip.log'})")
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run([base, "-m", "venv", "--clear", str(VENV)], check=True)
    log = FOLDER / "pip.log"
    command = [str(python()), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    if run([*command, *PACKAGES], log):
        stop("pip failed:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-15:]))
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([str(python()), "-c", CHECK], capture_output=True, text=True, env=quiet)
    if done.returncode:
        stop(f"Larq does not import in {VENV}: {done.stderr.strip().splitlines()[-1]}")
    (VENV / "packages.txt").write_text(_stamp())


def _stamp() -> str:
    return "\n".join(PACKAGES)


def _base() -> str:
    """A Python that TensorFlow 2.15 runs on: this one, or one on the path."""
    if sys.version_info[:2] in VERSIONS:
        return sys.executable
    for major, minor in reversed(VERSIONS):
        found = shutil.which(f"python{major}.{minor}")
        if found and subprocess.run([found, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0:
            return found
    return stop("Larq's TensorFlow needs Python 3.9, 3.10 or 3.11; install one, so that python3.11 is on the path")


if __name__ == "__main__":
    make()
    print(python())
