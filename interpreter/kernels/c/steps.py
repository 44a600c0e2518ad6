"""Prepared ops of the C backend, and joining them: any number of consecutive ops is one call into C."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import partial

from xlite.interpreter.kernels.base import Step
from xlite.interpreter.kernels.c.library import Library
from xlite.interpreter.kernels.c.structs import Op, Timer


class CStep:
    """One or more ops, run in order by one call of ``xl_run``. The interpreter lock is released while they run.

    ``ops`` is the array that C reads; ``keep`` holds everything that it points into.
    """

    __slots__ = ("_call", "keep", "library", "ops")

    def __init__(self, library: Library, ops: Sequence[Op], keep: tuple) -> None:
        self.library = library
        self.ops = (Op * len(ops))(*ops)
        self.keep = keep
        self._call = partial(library.run, ctypes.addressof(self.ops), len(ops))

    def __call__(self) -> None:
        self._call()

    def profile(self) -> list[int]:
        """Runs the ops once; nanoseconds each took, by the clock of the operating system read in C."""
        times = (ctypes.c_uint64 * len(self.ops))()
        timer = Timer(0, ctypes.cast(times, ctypes.POINTER(ctypes.c_uint64)))
        cdll = self.library.cdll
        cdll.xl_run_profiled.restype = None
        cdll.xl_run_profiled(self.ops, ctypes.c_uint32(len(self.ops)), cdll.xl_time_op, ctypes.byref(timer))
        return list(times)


def link(steps: Sequence[Step]) -> list[Step]:
    """Joins consecutive steps of this backend into one; other steps stay as they are, where they are."""
    linked: list[Step] = []
    run: list[CStep] = []
    for step in [*steps, None]:
        if isinstance(step, CStep):
            run.append(step)
            continue
        if run:
            linked.append(_joined(run))
            run = []
        if step is not None:
            linked.append(step)
    return linked


def _joined(steps: Sequence[CStep]) -> CStep:
    if len(steps) == 1:
        return steps[0]
    ops = [op for step in steps for op in step.ops]
    return CStep(steps[0].library, ops, tuple(kept for step in steps for kept in step.keep))
