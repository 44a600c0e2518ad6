"""python -m tools.packages [--out FOLDER]"""

from __future__ import annotations

import argparse
import shutil
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Optional

from tools.packages.demo import demo_files
from tools.packages.library import library_files
from tools.packages.metadata import metadata_files
from xlite.schema.version import __version__

ROOT = Path(__file__).resolve().parents[2]
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same archive from the same sources


def main(arguments: Optional[Sequence[str]] = None) -> int:
    summary = "Lays out the C library for Arduino, PlatformIO, ESP-IDF, Zephyr and CMake."
    parser = argparse.ArgumentParser(prog="python -m tools.packages", description=summary)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "packages", help="where to put it")
    options = parser.parse_args(arguments)
    files = package_files()
    folder = write(options.out, files)
    archive = pack(options.out, files)
    print(f"{folder}: {len(files)} files, for Arduino, PlatformIO, ESP-IDF, Zephyr and CMake")
    print(f"{archive}: the same, {archive.stat().st_size:,} bytes")
    return 0


def package_files() -> dict[str, str]:
    """Path -> text of the whole package."""
    library = library_files()
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    return {**library, **metadata_files(list(library)), **demo_files(), "LICENSE": licence}


def write(out: Path, files: Mapping[str, str]) -> Path:
    """Replaces the folder ``xlite`` in ``out``."""
    folder = out / "xlite"
    if folder.exists():
        shutil.rmtree(folder)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return folder


def pack(out: Path, files: Mapping[str, str]) -> Path:
    """The folder as a .zip, which the Arduino IDE installs."""
    path = out / f"xlite-{__version__}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(f"xlite/{name}", _EPOCH), files[name], zipfile.ZIP_DEFLATED)
    return path


if __name__ == "__main__":
    sys.exit(main())
