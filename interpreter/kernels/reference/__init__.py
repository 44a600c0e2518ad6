"""The reference: every op of the contracts in plain numpy, written to be read and to be right.

The other backends are tested against it and fall back to it. It is always available. Large intermediates are
made a slice at a time, so that what numpy allocates beside the arena stays near ``slicing.BUDGET`` bytes.
"""

from xlite.interpreter.kernels.reference import (
    conv,
    conv_transpose,
    dense,
    depthwise,
    elementwise,
    embedding,
    locally_connected,
    moving,
    pairwise,
    planes,
    pool,
    quantize,
    reduce,
    resize,
    shape,
    signs,
)

__all__ = ["KERNELS", "available", "unavailable_reason"]

_FILTERED = (conv, depthwise, dense, conv_transpose, locally_connected)
_VALUES = (elementwise, pairwise, signs, planes, quantize, pool, reduce, resize, embedding)
_FAMILIES = (*_FILTERED, *_VALUES, shape, moving)
KERNELS = tuple(kernel for family in _FAMILIES for kernel in family.KERNELS)


def available() -> bool:
    return True


def unavailable_reason() -> str:
    return ""
