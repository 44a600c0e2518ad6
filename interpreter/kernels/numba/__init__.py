"""Kernels compiled by numba, for machines without the C library.

Importing this package does not import numba; reading ``KERNELS`` does. The first call of a kernel on a machine
compiles it (seconds), later ones take it from numba's cache. The ops that have no kernel here, and the options
that a kernel's ``supports`` refuses (broadcasting, ternary masks except of bits in tiles), are left to numpy, as
all ops on integers are.
"""

from __future__ import annotations

import importlib.util
from typing import Any

from xlite.interpreter.kernels.numba.threads import Threads

__all__ = ["KERNELS", "Threads", "available", "unavailable_reason"]


def available() -> bool:
    return importlib.util.find_spec("numba") is not None


def unavailable_reason() -> str:
    return "" if available() else "numba is not installed: pip install xlite[numba]"


def __getattr__(name: str) -> Any:
    if name != "KERNELS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from xlite.interpreter.kernels.numba import conv, dense, depthwise, elementwise, pool, signs, tiled

    families = (tiled, conv, dense, depthwise, elementwise, signs, pool)
    return tuple(kernel for family in families for kernel in family.KERNELS)
