"""The C backend: the C99 library, loaded with ctypes. Importing it never fails; :func:`available` says whether
the library can be used here, and :func:`unavailable_reason` why not."""

from xlite.interpreter.kernels.c.kernels import KERNELS
from xlite.interpreter.kernels.c.library import available, check, isa, unavailable_reason
from xlite.interpreter.kernels.c.steps import link
from xlite.interpreter.kernels.c.threads import Threads

__all__ = ["KERNELS", "Threads", "available", "check", "isa", "link", "unavailable_reason"]
