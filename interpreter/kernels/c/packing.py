"""What kernels in register tiles share: their parameters, and memory for what is packed at load."""

from __future__ import annotations

import ctypes

import numpy as np

from xlite.interpreter.kernels.base import Buffers, OpSpec
from xlite.interpreter.kernels.c import params, structs
from xlite.interpreter.kernels.c.calling import address
from xlite.interpreter.kernels.c.library import Library, isa
from xlite.schema.types import OpKind

ALIGNMENT = 64
CONSUMED = (1, 5)  # slots: filter and mask, which a run reads in their packed form alone


def tiled_params(spec: OpSpec, library: Library) -> structs.TiledConv2DParams:
    """Of CONV_2D or DENSE, without what is packed."""
    conv = params.conv_2d(spec, library) if spec.kind is OpKind.CONV_2D else params.dense_as_conv_2d(spec, library)
    return structs.TiledConv2DParams(conv=conv, isa=isa()[1], threads=spec.threads)


def aligned(size: int) -> np.ndarray:
    """``uint8 [size]`` at a multiple of ALIGNMENT; it takes up to as many bytes more."""
    block = np.empty(size + ALIGNMENT, np.uint8)
    start = -block.ctypes.data % ALIGNMENT
    return block[start : start + size]


def pointers(spec: OpSpec, buffers: Buffers, *slots: int) -> list[ctypes.c_void_p]:
    """Where these inputs are; NULL where absent. An op that is not of a file may name fewer slots than its
    contract has."""
    given = [buffers.inputs[slot] if slot < len(buffers.inputs) else None for slot in slots]
    return [ctypes.c_void_p(None if x is None else address(x, spec)) for x in given]
