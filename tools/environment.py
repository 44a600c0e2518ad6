"""Sets up what a make target needs: the virtual environment .venv, the packages, the C library.

    python3 tools/environment.py [EXTRA ...]

Installs xlite in place (pip install -e) with the extras of pyproject.toml that are named. Does only what has
changed since the last time, so that a second run costs nothing. Needs Python's standard library alone.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMPS = VENV / "stamps"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
OLDEST = (3, 9)

# What pip says that is worth a line: a download that takes a while, and errors.
_WORTH = re.compile(r"^\s*(Downloading .*\(\d[\d.]* [MG]B\)|ERROR|error:)")


def main(extras: list[str]) -> None:
    if sys.version_info < OLDEST:
        found = f"{sys.executable} is {sys.version.split()[0]}"
        stop(f"xlite needs Python 3.9 or newer, {found}; name another one: make PYTHON=python3.11")
    make_venv()
    install(sorted(set(extras)))
    build_library()


def make_venv() -> None:
    """Makes .venv if it is not there or does not run any more."""
    python = BIN / "python"
    if python.exists() and subprocess.run([str(python), "-c", "import pip"], capture_output=True).returncode == 0:
        return
    say(f"making the virtual environment .venv with {sys.executable}")
    try:
        import ensurepip  # noqa: F401  (Debian leaves it out of python3; without it venv ends in a traceback)
        import venv
    except ImportError:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        stop(
            f"Python's venv module is not complete here: apt-get install python3-venv (or python{version}-venv), "
            "then run make again"
        )
    venv.EnvBuilder(clear=True, with_pip=True).create(VENV)


def install(extras: list[str]) -> None:
    """Installs xlite with ``extras``, unless that was done for the same pyproject.toml and setup.py."""
    stamp = STAMPS / ("-".join(["xlite", *extras]))
    state = digest([ROOT / "pyproject.toml", ROOT / "setup.py"])
    if stamp.exists() and stamp.read_text() == state:
        return
    what = f".[{','.join(extras)}]" if extras else "."
    say(f"installing xlite{what[1:]} and what it needs (log: .venv/{STAMPS.name}/pip.log)")
    STAMPS.mkdir(exist_ok=True)
    log = STAMPS / "pip.log"
    command = [str(BIN / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    code = run([*command, "--editable", what], log)
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        stop(f"pip failed:\n{tail}")
    stamp.write_text(state)


def build_library() -> None:
    """Builds the C library where a source is newer. Without a compiler the other backends do the work."""
    builder = ROOT / "interpreter" / "c" / "build.py"
    done = subprocess.run([str(BIN / "python"), str(builder), "--if-stale"], capture_output=True, text=True)
    if done.returncode:
        say(f"the C library was not built, the other backends take its place: {done.stderr.strip()}")


def digest(paths: list[Path]) -> str:
    found = hashlib.sha256()
    for path in paths:
        found.update(str(path.relative_to(ROOT)).encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def run(command: list[str], log: Path) -> int:
    """Runs pip; everything goes to ``log``, what is worth it to the screen as it happens."""
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            if _WORTH.match(line):
                say(f"  {line.strip()}")
        return process.wait()


def say(text: str) -> None:
    print(text, flush=True)


def stop(text: str) -> None:
    sys.exit(f"setting up: {text}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("\nsetting up: interrupted")
