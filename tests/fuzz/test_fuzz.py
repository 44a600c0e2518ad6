"""A short run of the fuzzer in every test run; ``make fuzz`` makes it long."""

from __future__ import annotations

import subprocess

import pytest

from tests.fuzz import __main__ as fuzz
from tests.interpreter.c.reader.conftest import sanitizing

FILES = 100_000


def test_mutated_files_are_refused_or_run():
    command = sanitizing()
    if not command:
        pytest.skip("there is no C compiler with -fsanitize=address,undefined here")
    seeds = sorted(str(path) for path in (fuzz.HERE / "seeds").glob("*.xlite"))
    assert len(seeds) > 100
    program = fuzz.build_many(command)
    done = subprocess.run([program, str(FILES), "7", *seeds], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    words = done.stdout.splitlines()[-1].replace(",", "").split()
    files, refused, ran = (int(words[words.index(word) - 1]) for word in ("files", "refused", "run"))
    assert files == FILES
    assert refused > FILES // 2
    assert ran > FILES // 20
