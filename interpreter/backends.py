"""The backends: which there are, which are available here, and their kernels.

Each is a package under ``kernels`` with ``available()``, ``unavailable_reason()`` and ``KERNELS``; one that can
run several of its steps in one call also has ``link(steps)``, one whose kernels share work among threads
``Threads(count)``, and one that can be broken where it is installed says so in ``check()``. Asking whether a
backend is available never imports what it needs; its kernels are imported when it is first used.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import lru_cache
from types import ModuleType

from xlite.interpreter.kernels.base import Kernel, Step
from xlite.schema.errors import BackendError
from xlite.schema.records import TYPE_CHECKING
from xlite.schema.types import OpKind

if TYPE_CHECKING:
    from typing import Optional

REFERENCE = "numpy"  # has a kernel for every op and is always available
BACKENDS = ("c", "numba", REFERENCE)  # the fastest first
_PACKAGES = {"c": "c", "numba": "numba", REFERENCE: "reference"}


def available(name: str) -> bool:
    """Whether this backend can run here. Raises BackendError for a name that is no backend."""
    package = _package(name)
    return package is not None and bool(package.available())


def unavailable_reason(name: str) -> str:
    """Why a backend cannot run here, and the mend; empty if it can."""
    package = _package(name)
    return "it is not part of this installation" if package is None else str(package.unavailable_reason() or "")


def check(name: str) -> None:
    """Before this backend is passed over because it is not available: warns or raises BackendError where that is a
    fault, and does nothing where it was simply not installed."""
    complain = getattr(_package(name), "check", None)
    if complain is not None:
        complain()


def available_backends() -> list[str]:
    """Names of the backends that can run here, the fastest first."""
    return [name for name in BACKENDS if available(name)]


def require(name: str) -> None:
    """Raises BackendError with the reason where the backend is not available."""
    if not available(name):
        raise BackendError(f"backend '{name}' is not available: {unavailable_reason(name)}")


@lru_cache(maxsize=len(BACKENDS))
def kernels_of(name: str) -> dict[OpKind, tuple[Kernel, ...]]:
    """The kernels of an available backend by op kind, in its order of preference."""
    require(name)
    package = _package(name)
    found: dict[OpKind, list[Kernel]] = {}
    try:
        kernels: Sequence[Kernel] = getattr(package, "KERNELS")  # noqa: B009 (made on first access)
    except ImportError as error:
        raise BackendError(f"backend '{name}' is not available: {error}") from error
    for kernel in kernels:
        found.setdefault(kernel.kind, []).append(kernel)
    return {kind: tuple(group) for kind, group in found.items()}


def link(name: str, steps: Sequence[Step]) -> list[Step]:
    """Joins consecutive steps of one backend into fewer calls where the backend can; else the steps as they
    are. ``name`` may also be the backend of a user's own kernels, which are never joined."""
    if name not in _PACKAGES:
        return list(steps)
    joined = getattr(_package(name), "link", None)
    return list(steps) if joined is None else list(joined(list(steps)))


def make_threads(name: str, count: int) -> Optional[object]:
    """What this backend's kernels share work by, on ``count`` threads; None where it has no such thing."""
    make = getattr(_package(name), "Threads", None) if name in _PACKAGES and count > 1 else None
    return None if make is None else make(count)


def _package(name: str) -> Optional[ModuleType]:
    """The backend's package; None where it was left out of the installation."""
    try:
        package = f"xlite.interpreter.kernels.{_PACKAGES[name]}"
    except (KeyError, TypeError):
        known = ", ".join(f"'{b}'" for b in BACKENDS)
        raise BackendError(f"there is no backend {name!r}: choose one of {known}") from None
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name == package:
            return None
        raise
