"""The memory of a whole Python process on the emulated Raspberry Pi Zero, for every network that is counted."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional

from benchmarks.device.networks import KINDS, NETWORKS, path_of
from tests.device import account
from tests.device.account import MIB, MODEL, Measured
from tests.device.setup import Unavailable
from tests.interpreter.large_network import write_large_network

LARGE = "large"
_KINDS = {"binary": "float stem", "int8-stem": "int8 stem", "float": "float twin"}


@dataclass(frozen=True)
class Limited:
    """A run in a control group of ``limit`` bytes: the most that were in use, or why there was no run."""

    limit: int
    peak: Optional[int] = None
    reason: str = ""


@dataclass(frozen=True)
class Memory:
    """By name of the network."""

    networks: Mapping[str, Measured]
    limited: Limited

    def to_dict(self) -> dict[str, Any]:
        """Ready for ``json.dumps``."""
        found = {name: {**asdict(each), "expected": each.expected} for name, each in self.networks.items()}
        return {"networks": found, "limited": asdict(self.limited)}


def memory() -> Memory:
    """Of every network that is counted and of one of BinaryAlexNet's size. Raises Unavailable where a Python
    cannot be emulated."""
    found = {}
    for name in NETWORKS:
        for kind in KINDS:
            found[f"{name}, {_KINDS[kind]}"] = account.measure({MODEL: path_of(name, kind)})
    with tempfile.TemporaryDirectory() as folder:
        large = {MODEL: write_large_network(Path(folder) / MODEL)}
        found[LARGE] = account.measure(large)
        return Memory(found, _limited(large, 64 * MIB))


def _limited(files: Mapping[str, Path], limit: int) -> Limited:
    try:
        _, done = account.run(files, limit=limit, memory_limit=limit)
    except Unavailable as reason:
        return Limited(limit, reason=str(reason))
    return Limited(limit, done.limit_peak)
