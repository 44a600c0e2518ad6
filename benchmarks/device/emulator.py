"""Programs for the ARM1176, compiled with the wheels' compiler and run under qemu, their instructions counted.

They are for Debian's armel, as the library that `make device-test` runs: the code is that of the armv6l wheel, but
that floats are passed in integer registers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.device.networks import BUILD, ROOT
from tests.device import setup
from tests.device.machines import PI_ZERO
from tools.wheels import cross
from tools.wheels.targets import ARMV6L_SOFTFP
from xlite.interpreter.c import build

HERE = Path(__file__).resolve().parent
_CROSS = Path("/usr/arm-linux-gnueabi")
# What layers.c calls, some of which the library does not export.
_KERNELS = ("activation", "bits", "conv2d_b", "conv2d_f32", "store", "volume_b", "xor_popcount")


def layers(flags: Sequence[str] = ()) -> Path:
    """layers.c with what it needs of the library, compiled with ``flags``."""
    sources = [path for path in build.sources() if path.parent.name == "lookup" or path.match("armv6*.c")]
    sources += [build.ROOT / "kernels" / f"{name}.c" for name in _KERNELS]
    return _program("layers", sources, flags)


def network() -> Path:
    """network.c, linked with the library as the wheel has it."""
    library = cross.build_library(ARMV6L_SOFTFP, ROOT / "build" / "wheels" / ARMV6L_SOFTFP.name)
    return _program("network", [library], [f"-Wl,-rpath,{library.parent}"])


def _program(name: str, inputs: Sequence[Path], flags: Sequence[str]) -> Path:
    """Compiles ``<name>.c`` with ``inputs`` if a source is newer than what was made. Raises
    subprocess.CalledProcessError if the compiler fails; its words are on standard error."""
    made = BUILD / (f"{name}-plain" if "-DXL_PORTABLE" in flags else name)
    newest = max(path.stat().st_mtime for path in [HERE / f"{name}.c", *inputs, *build.ROOT.rglob("*.h")])
    if not made.is_file() or made.stat().st_mtime < newest:
        print(f"compiling {made.name} for the ARM1176", file=sys.stderr)
        BUILD.mkdir(parents=True, exist_ok=True)
        cross.use_cache()
        command = [*cross.compiler(ARMV6L_SOFTFP), *build.FLAGS, *flags, *build.include_flags()]
        files = [str(path) for path in (HERE / f"{name}.c", *inputs)]
        subprocess.run([*command, *files, "-lm", "-o", str(made)], check=True)
    return made


def machine() -> list[str]:
    """What comes before a program for the ARM1176, to run it here. Raises Unavailable."""
    return [setup.emulator(PI_ZERO), "-cpu", PI_ZERO.cpu, "-L", str(_libraries())]


def count(command: Sequence[str]) -> tuple[list[str], dict[int, int]]:
    """Runs a program for the ARM1176. Returns the lines that it prints and the instructions until each mark.
    Raises Unavailable where they cannot be counted here."""
    run, plugin = machine(), setup.counter(setup.emulator(PI_ZERO))
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        counted = [*run, "-plugin", f"{plugin},out={counts}", *command]
        environment = {**os.environ, "LC_ALL": "C"}
        done = subprocess.run(counted, stdout=subprocess.PIPE, text=True, check=True, env=environment)
        pairs = [line.split() for line in counts.read_text().splitlines() if line.startswith("mark ")]
    return done.stdout.splitlines(), {int(number): int(total) for _, number, total in pairs}


def _libraries() -> Path:
    """A folder with Debian's C library for armel: of the system with Python, else of the package for cross
    compilers, which takes no download. Raises Unavailable where neither is there."""
    try:
        return setup.system(PI_ZERO)
    except setup.Unavailable:
        if not any((_CROSS / "lib").glob("ld-linux.so.*")):
            raise
        return _CROSS
