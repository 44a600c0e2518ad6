"""``make device-bench``: instructions on an emulated Raspberry Pi Zero, as one page and one JSON file.

Counts are exact and do not depend on what else this machine does. A count is no time: the emulator knows nothing
of caches and stalls.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from benchmarks.device import figures
from benchmarks.device.networks import BUILD, KINDS, NETWORKS, path_of
from benchmarks.device.page import page
from tests.device.setup import Unavailable
from tools.wheels import cross


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device", description=__doc__)
    parser.add_argument("--markdown", type=Path, help="where the page goes")
    parser.add_argument("--layers", action="store_true", help="no whole networks")
    options = parser.parse_args(arguments)
    if not cross.available():
        print("error: the cross compiler is not installed: pip install ziglang", file=sys.stderr)
        return 1
    try:
        own, plain = figures.loops(portable=False), figures.loops(portable=True)
        networks = [] if options.layers else _networks()
    except Unavailable as error:
        print(f"not counted: {error}", file=sys.stderr)
        return 0
    everything = {
        "loops": [dataclasses.asdict(loop) for loop in own.values()],
        "loops in plain C": [dataclasses.asdict(loop) for loop in plain.values()],
        "networks": [dataclasses.asdict(network) for network in networks],
    }
    (BUILD / "results.json").write_text(json.dumps(everything, indent=1))
    text = page(own, plain, networks)
    (BUILD / "table.md").write_text(text[text.index("## ") :].replace("## ", "### "))  # for docs/pi-zero.md
    print(text)
    if options.markdown:
        options.markdown.write_text(text)
    return 0


def _networks() -> list[figures.Network]:
    if not all(path_of(name, kind).is_file() for name in NETWORKS for kind in KINDS):
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        subprocess.run([sys.executable, "-m", "benchmarks.device.networks"], check=True, env=environment)
    return figures.networks()


if __name__ == "__main__":
    sys.exit(main())
