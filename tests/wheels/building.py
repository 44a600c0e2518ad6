"""The wheels and libraries that the tests here open, each made once in a session, under build/."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tools.wheels import cross
from tools.wheels.__main__ import make
from tools.wheels.lock import locked
from tools.wheels.targets import WHEELS, Library

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "wheels"


@cache
def all_wheels() -> dict[str, Path]:
    """Every wheel's file by the machine it is for."""
    with locked(BUILD / "tested.lock"):
        return dict(zip([wheel.machine for wheel in WHEELS], make(WHEELS, BUILD / "tested")))


@cache
def library_with_symbols(library: Library) -> Path:
    """The library as it is in the wheel, but with symbols."""
    return cross.build_library(library, BUILD / library.name).with_name("_xlite_symbols.so")
