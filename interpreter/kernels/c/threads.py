"""The threads that the C kernels of one interpreter share."""

from __future__ import annotations

import ctypes
import weakref

from xlite.interpreter.kernels.c.library import load


class Threads:
    """``count`` threads, the caller's among them; ``address`` is what an op points to, None where the system gives
    no threads. They end with this object."""

    def __init__(self, count: int) -> None:
        cdll = load().cdll
        cdll.xl_threads_new.restype = ctypes.c_void_p
        cdll.xl_threads_free.restype = None
        self.address = cdll.xl_threads_new(ctypes.c_int32(count))
        if self.address:
            weakref.finalize(self, cdll.xl_threads_free, ctypes.c_void_p(self.address))
