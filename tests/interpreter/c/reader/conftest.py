"""The reader as a program, compiled with the sanitizers that this machine's compiler has."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interpreter.c.reader import harness

ROOT = Path(__file__).resolve().parents[4]


def sanitizing() -> list[str]:
    """A compiler with address and undefined behaviour sanitizers that work here; empty if there is none."""
    for compiler in ("clang", "gcc"):
        command = [compiler, *harness.SANITIZERS, "-x", "c", "-", "-o", "/dev/null"]
        if shutil.which(compiler):
            done = subprocess.run(
                command, input="int main(void){return 0;}", capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                return [compiler, *harness.SANITIZERS]
    return []


@pytest.fixture(scope="session")
def compiled(request: pytest.FixtureRequest) -> Callable[[Path], Path]:
    """What makes a program of a .c file and the library. They are kept in build/ between runs. A quick look runs
    too few files for optimized programs, which take three times as long to compile, to be of use."""
    command = sanitizing()
    if not command:
        pytest.skip("there is no C compiler with -fsanitize=address,undefined here")
    folder, optimize = ("reader-quick", "-O0") if request.config.getoption("--quick") else ("reader", "-O2")
    return lambda source: harness.compile_program(ROOT / "build" / folder, [source], command, optimize)


@pytest.fixture(scope="session")
def reader(compiled: Callable[[Path], Path]) -> Path:
    """The program of ``program.c``."""
    return compiled(harness.HERE / "program.c")
