"""Writes wheels: the Python files and metadata as setuptools makes them, with libraries put in. Same bytes each
time."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.wheels.elf import read_elf
from tools.wheels.targets import Wheel

ROOT = Path(__file__).resolve().parents[2]
LIBRARY_FOLDER = "xlite/interpreter/kernels/c"
OLDEST_GLIBC = (2, 17)
ALIASES = {(2, 17): "manylinux2014"}  # the name that older versions of pip know
SOURCES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "xlite", "schema", "interpreter", "converter")
_BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
_EPOCH = 1577836800  # of files in the archive where $SOURCE_DATE_EPOCH says nothing: 2020-01-01

Files = dict[str, bytes]


def pure_files() -> Files:
    """What the wheel without a library holds, by name in the archive. Raises subprocess.CalledProcessError if
    setuptools fails."""
    with tempfile.TemporaryDirectory() as scratch:
        tree, made = Path(scratch, "tree"), Path(scratch, "made")
        tree.mkdir()
        for name in SOURCES:
            _copy(ROOT / name, tree / name)
        environment = {**os.environ, "XLITE_NO_LIBRARY": "1"}
        command = [sys.executable, "-c", _BUILD, str(made)]
        subprocess.run(
            command, cwd=tree, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        (wheel,) = made.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            return {name: archive.read(name) for name in archive.namelist()}


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        shutil.copy(source, target)
    else:
        shutil.copytree(
            source, target, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.egg-info", "build-*")
        )


def platforms(wheel: Wheel, libraries: Iterable[Path]) -> tuple[str, ...]:
    """The platform tags that are true of a wheel with these libraries."""
    floor = max([OLDEST_GLIBC, *(read_elf(library).glibc for library in libraries)])
    manylinux = [f"manylinux_{floor[0]}_{floor[1]}"]
    if floor in ALIASES:
        manylinux.append(ALIASES[floor])
    found: list[str] = []
    for platform in wheel.platforms:
        found += [f"{name}_{wheel.machine}" for name in manylinux] if platform == "manylinux" else [platform]
    return tuple(found)


def pack(pure: Mapping[str, bytes], libraries: Mapping[str, Path], tags: tuple[str, ...], folder: Path) -> Path:
    """Writes the wheel of ``pure`` and ``libraries``, which are by name, to ``folder`` and returns its path."""
    (info,) = {name.split("/")[0] for name in pure if name.split("/")[0].endswith(".dist-info")}
    files = {name: content for name, content in pure.items() if name != f"{info}/RECORD"}
    for name, path in libraries.items():
        files[f"{LIBRARY_FOLDER}/{name}"] = path.read_bytes()
    files[f"{info}/WHEEL"] = _wheel_file(tags, is_pure=not libraries)
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{info[: -len('.dist-info')]}-py3-none-{'.'.join(tags)}.whl"
    part = path.with_suffix(f".{os.getpid()}.part")
    _write(part, files, info)
    os.replace(part, path)
    return path


def _wheel_file(tags: tuple[str, ...], is_pure: bool) -> bytes:
    lines = ["Wheel-Version: 1.0", "Generator: xlite", f"Root-Is-Purelib: {str(is_pure).lower()}"]
    return "\n".join([*lines, *(f"Tag: py3-none-{tag}" for tag in tags), ""]).encode()


def _record(files: Mapping[str, bytes], own_name: str) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for name, content in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        rows.writerow([name, f"sha256={digest}", len(content)])
    rows.writerow([own_name, "", ""])
    return text.getvalue().encode()


def _write(path: Path, files: Mapping[str, bytes], info: str) -> None:
    """Sorted, metadata last, as the wheel format recommends; modes and times do not depend on the machine."""
    seconds = max(int(os.environ.get("SOURCE_DATE_EPOCH", _EPOCH)), 315532800)  # zip knows no year before 1980
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files, key=lambda name: (name.startswith(info), name)):
            entry = zipfile.ZipInfo(name, time.gmtime(seconds)[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whose modes these are
            entry.external_attr = (stat.S_IFREG | (0o755 if name.endswith(".so") else 0o644)) << 16
            archive.writestr(entry, files[name])
