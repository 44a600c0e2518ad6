"""What a kernel is: code that computes one kind of op on one backend.

An op's life on a backend has three moments. The resolver asks ``supports`` and ``workspace`` with types alone,
before any memory exists. ``prepare`` then gets the buffers and does all shape work once. What it returns, a
:class:`Step`, runs on every invoke: no allocation, no shape work, no look-ups.
"""

from __future__ import annotations

import numpy as np

from xlite.schema.records import TYPE_CHECKING, record
from xlite.schema.types import Op, OpKind, TensorType

if TYPE_CHECKING:
    from typing import Callable, Optional, Protocol
else:
    Protocol = object


@record(frozen=True)
class OpSpec:
    """One op with the types of its operands; what a kernel is chosen by. ``inputs`` has one entry a slot of the
    op's contract, None where an optional input is absent. ``threads``: how many a kernel may run on."""

    op: Op
    inputs: tuple[Optional[TensorType], ...]
    outputs: tuple[TensorType, ...]
    threads: int = 1

    @property
    def kind(self) -> OpKind:
        return self.op.kind


@record(frozen=True)
class Buffers:
    """The memory of one op. Arrays have their type's ``storage_shape``: activations are views into the arena,
    constants are read-only. ``workspace`` is uint8, as long as the kernel asked for, 64-byte aligned, and shared
    with other ops: its content does not survive the step. ``threads``: what the backend gives its kernels to share
    work by; None for the caller's thread alone."""

    inputs: tuple[Optional[np.ndarray], ...]
    outputs: tuple[np.ndarray, ...]
    workspace: np.ndarray
    threads: Optional[object] = None


class Step(Protocol):
    """One prepared op. Calling it computes the op from and into the buffers it was prepared with."""

    def __call__(self) -> None: ...


def _any_spec(spec: OpSpec) -> bool:
    return True


def _no_bytes(spec: OpSpec) -> int:
    return 0


@record(frozen=True)
class Kernel:
    """name: as in ``xl_<op>_<in>_<weights>_<out>``; backend: ``numpy``, ``numba`` or ``c``.

    supports: whether it takes this spec (its kind already matches). workspace: scratch bytes while it runs.
    prepacked: bytes of weights in another layout that it keeps while ``prepack`` is on. consumes: slots of
    constants that ``prepare`` reads and a run does not, so that their pages need not stay in memory.
    """

    name: str
    backend: str
    kind: OpKind
    prepare: Callable[[OpSpec, Buffers], Step]
    supports: Callable[[OpSpec], bool] = _any_spec
    workspace: Callable[[OpSpec], int] = _no_bytes
    prepacked: Callable[[OpSpec], int] = _no_bytes
    consumes: tuple[int, ...] = ()
