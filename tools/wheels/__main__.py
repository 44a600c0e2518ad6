"""python -m tools.wheels [--out FOLDER] [MACHINE ...]"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from tools.wheels import cross, pack
from tools.wheels.targets import WHEELS, Library, Wheel
from xlite.interpreter.c.build import BuildError


def main(arguments: Optional[Sequence[str]] = None) -> int:
    machines = [wheel.machine for wheel in WHEELS]
    summary = "Cross-compiles the C library and writes a wheel for each machine."
    parser = argparse.ArgumentParser(prog="python -m tools.wheels", description=summary)
    parser.add_argument("machines", nargs="*", metavar="MACHINE", help=f"all of {', '.join(machines)} by default")
    parser.add_argument("--out", type=Path, default=pack.ROOT / "dist", help="folder for the wheels")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.machines if name not in machines]
    if unknown:
        parser.error(f"there is no wheel for '{unknown[0]}', there are: {', '.join(machines)}")
    if not cross.available():
        parser.error("the cross compiler is not installed: pip install 'xlite[wheels]', or make wheels")
    try:
        for path in make(
            [wheel for wheel in WHEELS if not options.machines or wheel.machine in options.machines], options.out
        ):
            print(f"{path.stat().st_size / 1024:7.0f} KiB  {path.name}", flush=True)
    except (BuildError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def make(wheels: Sequence[Wheel], out: Path, built: Path = pack.ROOT / "build" / "wheels") -> list[Path]:
    """Writes ``wheels`` to ``out``; each library is compiled once, to ``built``/<its name>."""
    pure = pack.pure_files()
    paths: dict[Library, Path] = {}
    made = []
    for wheel in wheels:
        for _, library in wheel.libraries:
            if library not in paths:
                paths[library] = cross.build_library(library, built / library.name)
        libraries = {name: paths[library] for name, library in wheel.libraries}
        made.append(pack.pack(pure, libraries, pack.platforms(wheel, libraries.values()), out))
    return made


if __name__ == "__main__":
    sys.exit(main())
