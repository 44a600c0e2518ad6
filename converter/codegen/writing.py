"""Generated files on disk: all of them or none, and never over a file that is somebody else's."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from xlite.schema.errors import FileError

MANIFEST = "xlite.json"


def write_folder(out: str | os.PathLike, files: Mapping[str, str]) -> None:
    """Writes ``files`` (path -> text) into the folder ``out``, which may hold an earlier generation: what of that
    is no longer made goes away. Raises FileError, and changes nothing, where a file there is not ours."""
    folder = Path(out)
    try:
        _write(folder, files)
    except OSError as error:
        raise FileError(f"cannot write {folder}: {(error.strerror or str(error)).lower()}") from None


def _write(folder: Path, files: Mapping[str, str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise FileError(f"{folder}: is a file, and not a folder to write C into; choose another with -o")
    ours = _earlier(folder)
    for name in files:
        if (folder / name).exists() and name not in ours:
            raise FileError(
                f"{folder / name}: is there already and is not of xlite compile; choose another folder with -o"
            )
    parent = folder.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".xlite-", dir=parent) as scratch:
        staged = Path(scratch) / "out"
        for name, text in files.items():
            path = staged / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        if not folder.exists():
            os.replace(staged, folder)
            return
        _replace(staged, folder, files, ours)


def _replace(staged: Path, folder: Path, files: Mapping[str, str], ours: frozenset[str]) -> None:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(staged / name, folder / name)
    for name in sorted(ours - set(files)):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(staged)


def _earlier(folder: Path) -> frozenset[str]:
    """The files that an earlier generation says it wrote."""
    try:
        listed = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()
    return frozenset(name for name in listed if isinstance(name, str) and ".." not in Path(name).parts)
