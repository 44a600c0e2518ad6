"""The C library's kernels as another device has them.

Whether look-ups pay and how much scratch a kernel takes depends on the core that the library is compiled for.
Every build of it answers for ARMv6 as well, which has kernels of its own (interpreter/c/host/needs_on_armv6.c):
so an account is the same on any computer.
"""

from __future__ import annotations

from collections.abc import Sequence

from xlite.interpreter.kernels.base import Kernel, OpSpec
from xlite.interpreter.kernels.c import lookup
from xlite.interpreter.kernels.c.kernels import PARAMS, WORKSPACES
from xlite.interpreter.kernels.c.library import available, load
from xlite.schema.records import replace

_CORES = {"armv6+vfp2": "armv6", "armv7-a+neon": "armv6"}  # instruction set -> core: that of all 32-bit Arm
_LOOKUP = frozenset(kernel.name for kernel in lookup.KERNELS)


def on_isa(kernels: Sequence[Kernel], spec: OpSpec, isa: str) -> list[Kernel]:
    """``kernels``, those of this machine that take the op, as they are on a device of another instruction set:
    with look-ups where they pay there, before the portable kernels that they stand in for."""
    core = _CORES.get(isa, "")
    found = [_on_core(kernel, core) for kernel in kernels if kernel.name not in _LOOKUP]
    if not core or not available():
        return found
    looked_up = [kernel for kernel in lookup.kernels(core) if kernel.kind is spec.kind and kernel.supports(spec)]
    portable = next((i for i, kernel in enumerate(found) if kernel.name in PARAMS), len(found))
    return [*found[:portable], *looked_up, *found[portable:]]


def _on_core(kernel: Kernel, core: str) -> Kernel:
    function = WORKSPACES.get(kernel.name, "")
    there = function.replace("xl_", f"xl_{core}_", 1)
    if not core or not function or not hasattr(load().cdll, there):
        return kernel
    make_params = PARAMS[kernel.name]
    return replace(kernel, workspace=lambda spec: load().workspace(there, make_params(spec, load())))
