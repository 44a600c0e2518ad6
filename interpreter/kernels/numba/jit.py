"""How this backend compiles: with a cache where one can be written, and with popcount as one instruction."""

from __future__ import annotations

from typing import Any, Callable

import numba
import numpy as np
from numba.extending import intrinsic

# Compiled once: what numba may assume. Floats keep IEEE's order and rounding (no fastmath): scale and bias are
# two roundings in every backend.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles ``function`` on its first call. The machine code is kept beside this file, or in the user's cache
    folder where that cannot be written (NUMBA_CACHE_DIR names another); without either it lives in memory."""
    try:
        return numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # numba found no folder for its cache
        return numba.njit(**_OPTIONS)(function)


def _popcount(typing_context, word):  # type: ignore[no-untyped-def]
    """The number of set bits of an integer, in its own type (LLVM's ctpop)."""

    def emit(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctpop(arguments[0])

    return word(word), emit


popcount: Any = intrinsic(_popcount)  # in a kernel: popcount(word)


def constant(array: np.ndarray) -> np.ndarray:
    """A read-only view, so that every constant has one numba type and a kernel is compiled once."""
    view = array.view()
    view.flags.writeable = False
    return view


NO_F32 = constant(np.empty(0, np.float32))  # stands for an absent scale or bias
