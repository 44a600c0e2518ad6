"""Fuzzing of the C reader under sanitizers: ``make fuzz``, or ``python -m tests.fuzz --minutes 60``.

With clang and its libFuzzer it looks for new paths for so many minutes, from the files in ``seeds/`` and what
earlier runs found (build/fuzz/corpus). Then ``--files`` mutated files are opened by a driver that needs neither; a
finding of either ends the run with the sanitizer's report, and libFuzzer's with the file in build/fuzz.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from tests.interpreter.c.reader import harness
from tests.interpreter.c.reader.conftest import sanitizing

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build" / "fuzz"
LARGEST = 65536  # bytes of a file


def build_many(command: Sequence[str]) -> Path:
    """The driver without libFuzzer."""
    return harness.compile_program(BUILD / "many", [HERE / n for n in ("many.c", "target.c", "mutate.c")], command)


def build_libfuzzer() -> Optional[Path]:
    """The fuzzer guided by coverage; None where clang or its library is missing."""
    command = ["clang", "-fsanitize=fuzzer", *harness.SANITIZERS]
    probe = "#include <stddef.h>\nint LLVMFuzzerTestOneInput(const char *d, size_t n) { (void)d; return n > 1e9; }"
    if not shutil.which("clang"):
        return None
    tried = subprocess.run(
        [*command, "-x", "c", "-", "-o", "/dev/null"], input=probe, capture_output=True, text=True, check=False
    )
    if tried.returncode:
        return None
    sources = [HERE / n for n in ("libfuzzer.c", "target.c", "mutate.c")]
    return harness.compile_program(BUILD / "libfuzzer", sources, command)


def run_libfuzzer(program: Path, minutes: float) -> int:
    corpus = BUILD / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={int(60 * minutes)}", f"-max_len={LARGEST}", "-timeout=20", "-rss_limit_mb=1024"]
    options = [*limits, f"-artifact_prefix={BUILD}/", "-print_final_stats=1", "-verbosity=0"]
    return subprocess.run([str(program), *options, str(corpus), str(HERE / "seeds")], check=False).returncode


def run_many(program: Path, files: int, seed: int) -> int:
    seeds = sorted(str(path) for path in (HERE / "seeds").glob("*.xlite"))
    return subprocess.run([str(program), str(files), str(seed), *seeds], check=False).returncode


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Fuzzes the C reader under sanitizers."
    )
    parser.add_argument("--minutes", type=float, default=3, help="of libFuzzer; 0 leaves it out (default 3)")
    parser.add_argument("--files", type=int, default=200_000, help="mutated without it (default 200000)")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers of these")
    options = parser.parse_args(arguments)
    command = sanitizing()
    if not command:
        print("fuzz: skipped, there is no C compiler with -fsanitize=address,undefined here")
        return 0
    if options.minutes > 0:
        program = build_libfuzzer()
        if program is None:
            print("fuzz: without libFuzzer, which comes with clang ('apt install clang' on Debian)")
        elif run_libfuzzer(program, options.minutes):
            return 1
    return 1 if options.files and run_many(build_many(command), options.files, options.seed) else 0


if __name__ == "__main__":
    sys.exit(main())
