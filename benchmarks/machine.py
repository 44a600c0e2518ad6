"""The machine that a figure means nothing without."""

from __future__ import annotations

import os
import platform
from typing import Any

# what matters to the kernels here, in the names of /proc/cpuinfo
FLAGS = (
    "popcnt",
    "avx2",
    "fma",
    "avx_vnni",
    "avx512f",
    "avx512bw",
    "avx512_vnni",
    "avx512_vpopcntdq",
    "avx512_bitalg",
    "neon",
    "asimd",
    "asimddp",
    "i8mm",
    "sve",
)


def describe() -> dict[str, Any]:
    """Processor, its instruction sets, cores, kernel, what else keeps it busy."""
    from xlite.benchmarking import describe_machine

    own = describe_machine()
    return {
        "processor": own["processor"],
        "flags": _flags(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": own["python"],
    }


def load() -> float:
    """Processes that want to run, over the last minute; 0 where the system does not say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _flags() -> list[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            words = set(file.read().split())
    except OSError:
        return []
    return [flag for flag in FLAGS if flag in words]
