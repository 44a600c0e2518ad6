"""From an op's buffers to the struct by which C calls a kernel."""

from __future__ import annotations

import ctypes

import numpy as np

from xlite.interpreter.kernels.base import Buffers, OpSpec
from xlite.interpreter.kernels.c import params
from xlite.interpreter.kernels.c.library import Library
from xlite.interpreter.kernels.c.steps import CStep
from xlite.interpreter.kernels.c.structs import Op, Part
from xlite.interpreter.kernels.c.threads import Threads
from xlite.schema.errors import KernelError
from xlite.schema.records import TYPE_CHECKING
from xlite.schema.types import OpKind

if TYPE_CHECKING:
    from typing import Optional


def make_step(
    library: Library, name: str, made: ctypes.Structure, spec: OpSpec, buffers: Buffers, keep: tuple = ()
) -> CStep:
    """A step that calls the function ``name`` with the parameters ``made``. keep: what these point into."""
    pointers, parts = _inputs(spec, buffers)
    op = Op(library.kernel(name), ctypes.addressof(made))
    for i, pointer in enumerate(pointers):
        op.inputs[i] = pointer
    op.out = address(buffers.outputs[0], spec)
    op.workspace = buffers.workspace.ctypes.data if buffers.workspace.nbytes else None
    op.workspace_bytes = min(buffers.workspace.nbytes, 2**32 - 1)
    if isinstance(buffers.threads, Threads):
        op.threads = buffers.threads.address
    return CStep(library, [op], (made, parts, buffers, keep))


def _inputs(spec: OpSpec, buffers: Buffers) -> tuple[list[Optional[int]], Optional[ctypes.Array]]:
    """The op's input pointers. CONCATENATE takes any number of them through one array, which is returned too."""
    addresses = [None if x is None else address(x, spec) for x in buffers.inputs]
    if spec.kind is not OpKind.CONCATENATE:
        return addresses, None
    made = (Part(*pair) for pair in zip(addresses, params.part_extents(spec)))
    parts = (Part * len(addresses))(*made)
    return [ctypes.addressof(parts)], parts


def address(array: np.ndarray, spec: OpSpec) -> int:
    """Where an array lies. Raises KernelError where C could not read it there."""
    if not (array.flags.c_contiguous and array.flags.aligned):
        raise KernelError(f"op '{spec.op.name or spec.op.label}' was given memory with gaps or at an odd address")
    return array.ctypes.data
