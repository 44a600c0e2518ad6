"""``make device-bench``: an emulated Raspberry Pi Zero, as one page and one JSON file: instructions of loops,
layers and networks, memory of the process, and instructions of its start.

Counts are exact and do not depend on what else this machine does. A count is no time: the emulator knows nothing
of caches and stalls. What cannot be measured here says why in a line, and the rest comes all the same.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Optional, TypeVar

from benchmarks.device import figures, process
from benchmarks.device.networks import BUILD, ready
from benchmarks.device.page import MEMORY, NETWORKS_HEADING, START, page
from tests.device import start
from tests.device.setup import Unavailable
from tools.wheels import cross

_Part = TypeVar("_Part")
PARTS = ("networks", "memory", "start")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device", description=__doc__)
    parser.add_argument("--markdown", type=Path, help="where the page goes")
    parser.add_argument("--json", type=Path, default=BUILD / "results.json", help="where the figures go")
    parser.add_argument("--parts", nargs="*", default=PARTS, choices=PARTS, help="beside loops and layers")
    options = parser.parse_args(arguments)
    if not cross.available():
        print("error: the cross compiler is not installed: pip install ziglang", file=sys.stderr)
        return 1
    try:
        own, plain = figures.loops(portable=False), figures.loops(portable=True)
    except Unavailable as error:
        print(f"not counted: {error}", file=sys.stderr)
        return 0
    missing: dict[str, str] = {}
    networks = _tried(NETWORKS_HEADING, _networks, missing) if "networks" in options.parts else None
    memory = _tried(MEMORY, _memory, missing) if "memory" in options.parts else None
    started = _tried(START, start.parts, missing) if "start" in options.parts else None
    text = page(own, plain, networks or (), memory, started, missing)
    everything = {
        "loops": [dataclasses.asdict(loop) for loop in own.values()],
        "loops in plain C": [dataclasses.asdict(loop) for loop in plain.values()],
        "networks": [dataclasses.asdict(network) for network in networks or ()],
        "memory": None if memory is None else memory.to_dict(),
        "start": started,
        "not measured": missing,
    }
    options.json.write_text(json.dumps(everything, indent=1))
    if set(options.parts) == set(PARTS):
        (BUILD / "page.md").write_text(text)  # tools/pi_zero_page.py takes parts of it
    print(text)
    if options.markdown:
        options.markdown.write_text(text)
    return 0


def _tried(heading: str, part: Callable[[], _Part], missing: dict[str, str]) -> Optional[_Part]:
    """What a part measures; where it cannot, None, and the reason under its heading."""
    try:
        return part()
    except Unavailable as reason:
        missing[heading] = str(reason)
        return None


def _networks() -> list[figures.Network]:
    ready()
    return figures.networks()


def _memory() -> process.Memory:
    ready()
    return process.memory()


if __name__ == "__main__":
    sys.exit(main())
