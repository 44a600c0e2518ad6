"""Converts one network in a process of its own and prints what that took:

python -m tests.zoo.measure H5 XLITE
"""

from __future__ import annotations

import json
import re
import resource
import sys
from pathlib import Path
from typing import Any

import xlite
from tests.zoo.orders import least_arena
from xlite.converter.emit import emit
from xlite.converter.frontend import read
from xlite.converter.lowering import lower
from xlite.converter.passes import run_passes


def measure(source: str, target: str) -> dict[str, Any]:
    """``seconds`` of the processor and ``memory``, resident bytes at most, with all imports; ``modules``: of
    TensorFlow and Keras that were imported; bytes as in the report; ``arena_as_lowered``: the plan's without the
    op order; ``arena_least``: what any order needs."""
    report = xlite.convert(source, target, strict=True).report
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": used.ru_utime + used.ru_stime,
        "memory": resident(),
        "modules": sorted({"tensorflow", "keras"} & set(sys.modules)),
        "file": report.file_bytes,
        "information": report.information_bytes,
        "binary_macs": report.macs.get("bitxbit", 0),
        "live_as_lowered": report.live_bytes_as_lowered,
        "live": report.live_bytes,
        "arena": report.arena_bytes,
        **arenas(source),
    }


def resident() -> int:
    """Bytes of this process at most. (What Linux keeps for ``getrusage`` begins with the parent's.)"""
    status = Path("/proc/self/status")
    if status.exists():
        (peak,) = re.findall(r"^VmHWM:\s*(\d+) kB$", status.read_text(), re.MULTILINE)
        return int(peak) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def arenas(source: str) -> dict[str, int | None]:
    graph = lower(read(source))
    run_passes(graph)
    plan = emit(graph).plan
    assert plan is not None
    return {"arena_as_lowered": plan.arena_bytes, "arena_least": least_arena(graph)}


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:])))
