"""How this backend compiles: with a cache where one can be written, and with popcount as one instruction."""

from __future__ import annotations

from typing import Any, Callable

import numba
import numpy as np
from llvmlite import ir
from numba import types
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


def _choose(typing_context, condition, a, b):  # type: ignore[no-untyped-def]
    """``a if condition else b`` of two values that are there: a select, where Python's own form is a branch. LLVM
    vectorises what it is part of; of a branch that stores what was there before it makes masked stores, which
    are slow on AMD's processors (vmaskmovps is microcode there)."""

    def emit(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.select(*arguments)

    return a(types.boolean, a, a), emit


choose: Any = intrinsic(_choose)  # in a kernel: choose(condition, a, b), a and b of one type


def _pack_less(typing_context, values, limits):  # type: ignore[no-untyped-def]
    """Bit i set where ``values[i] < limits[i]``, as uint32, of 32 elements each: in vectors, which LLVM does not
    find by itself. Where a NaN takes part the bit is clear."""
    vector = ir.VectorType(ir.IntType(32) if values.dtype is types.int32 else ir.FloatType(), 32)

    def emit(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        def load(i):  # type: ignore[no-untyped-def]
            data = context.make_array(signature.args[i])(context, builder, arguments[i]).data
            return builder.load(builder.bitcast(data, vector.as_pointer()), align=4)

        compare = builder.icmp_signed if values.dtype is types.int32 else builder.fcmp_ordered
        return builder.bitcast(compare("<", load(0), load(1)), ir.IntType(32))

    return types.uint32(values, limits), emit


pack_less: Any = intrinsic(_pack_less)  # in a kernel: pack_less(values, limits), arrays of int32 or float32


def constant(array: np.ndarray) -> np.ndarray:
    """A read-only view, so that every constant has one numba type and a kernel is compiled once."""
    view = array.view()
    view.flags.writeable = False
    return view


NO_F32 = constant(np.empty(0, np.float32))  # stands for an absent scale or bias
