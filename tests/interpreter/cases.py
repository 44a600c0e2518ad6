"""One op at a time, with random options at the edges of their ranges, and a way to run one kernel on it.

Values are logical: float32 or int32 arrays, int8 +1 and -1 for bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.interpreter import cases_filtered, cases_shapes, cases_values
from tests.interpreter.making import BIT, F32, I32, Case
from xlite.interpreter.kernels.base import Buffers, Kernel
from xlite.schema.bits import pack_signs, unpack_signs
from xlite.schema.contracts import ContractError, inplace_inputs
from xlite.schema.types import DType, OpKind, TensorType

__all__ = ["BIT", "F32", "FAMILIES", "I32", "Case", "make_case", "run_kernel"]

GUARD = 64  # bytes around a kernel's memory that it must leave alone

# a function of a seed for every kind of op
FAMILIES = (
    cases_filtered.conv_2d,
    cases_filtered.depthwise_conv_2d,
    cases_filtered.dense,
    cases_filtered.conv_2d_of_integers,
    cases_filtered.depthwise_conv_2d_of_integers,
    cases_filtered.dense_of_integers,
    cases_filtered.conv_3d,
    cases_filtered.conv_3d_transpose,
    cases_filtered.locally_connected_2d,
    cases_values.max_pool_2d,
    cases_values.max_pool_2d_of_integers,
    cases_values.quantize,
    cases_values.dequantize,
    cases_values.average_pool_2d,
    cases_values.batch_norm,
    cases_values.sign,
    cases_values.unpack,
    cases_values.activation,
    cases_values.prelu,
    cases_values.softmax,
    cases_values.max_pool_3d,
    cases_values.average_pool_3d,
    cases_values.add,
    cases_values.subtract,
    cases_values.multiply,
    cases_values.divide,
    cases_values.maximum,
    cases_values.minimum,
    cases_values.bit_planes,
    cases_values.from_planes,
    cases_values.reduce,
    cases_values.resize_bilinear_2d,
    cases_values.embedding,
    cases_shapes.concatenate,
    cases_shapes.reshape,
    cases_shapes.pad,
    cases_shapes.transpose,
    cases_shapes.slice_,
    cases_shapes.tile,
)


def make_case(family, seed: int) -> Case:
    """A case whose options fit its shapes: tries seeds from ``seed * 1000`` on."""
    for attempt in range(seed * 1000, seed * 1000 + 50):
        try:
            return family(attempt)
        except ContractError:  # a window larger than its image, and the like
            continue
    raise AssertionError(f"{family.__name__} makes no valid case")


# -- running one kernel --------------------------------------------------------------------------------------


def run_kernel(kernel: Kernel, case: Case, alias: int | None = None) -> np.ndarray:
    """The kernel's output as a logical array. All memory starts as garbage, is no larger than the kernel asked
    for, and is guarded on both sides. alias: the slot whose memory the output takes over."""
    spec = case.spec
    blocks: list[np.ndarray] = []
    inputs = []
    shared = inplace_inputs(case.op.kind, case.types, [case.output])
    for slot, (value, type_) in enumerate(zip(case.values, case.types)):
        if value is None or type_ is None:
            inputs.append(None)
            continue
        stored = pack_signs(value, type_.packed_axes) if type_.dtype is BIT else value
        array = _guarded(type_, blocks)
        array[...] = stored
        array.flags.writeable = slot == 0 or slot in shared or case.op.kind is OpKind.CONCATENATE
        inputs.append(array)
    output = _guarded(case.output, blocks) if alias is None else inputs[alias].reshape(case.output.storage_shape)
    workspace = _guarded(TensorType((kernel.workspace(spec),), DType.UINT8), blocks)
    step = kernel.prepare(spec, Buffers(tuple(inputs), (output,), workspace))
    step()
    _check_guards(blocks)
    if alias is None:
        first = output.copy()
        step()  # a second run must not depend on what the first left behind
        np.testing.assert_array_equal(output, first)
    if case.output.dtype is not BIT:
        return output.copy()
    logical = unpack_signs(output, case.output.shape)
    np.testing.assert_array_equal(output, pack_signs(logical), "unused bits must be zero")
    return logical


def _guarded(type_: TensorType, blocks: list[np.ndarray]) -> np.ndarray:
    size = type_.nbytes
    block = np.full(size + 3 * GUARD, 0xA5, np.uint8)
    start = GUARD + (-(block.ctypes.data + GUARD) % GUARD)
    blocks.append(block[:start])
    blocks.append(block[start + size :])
    return block[start : start + size].view(type_.dtype.numpy).reshape(type_.storage_shape)


def _check_guards(blocks: Sequence[np.ndarray]) -> None:
    assert all((block == 0xA5).all() for block in blocks), "a kernel wrote outside its memory"
