"""DENSE: a matrix product of rows."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.numba.bit_gemm import add_plane, as_wide, dot_rows, fits_wide, wide_words, widen
from xlite.interpreter.kernels.numba.bit_windows import cut_rows
from xlite.interpreter.kernels.numba.finish import make_finish, takes_filter
from xlite.interpreter.kernels.numba.float_windows import unpack_rows
from xlite.interpreter.kernels.numba.jit import constant
from xlite.interpreter.kernels.numba.scratch import Part, carve, total
from xlite.schema.types import DenseOptions, DType, OpKind, TensorType

_ROWS = 256  # of x at a time
_FILTER_BYTES = 1 << 18  # of filters in their wide form at a time


def _types(spec: OpSpec) -> tuple[TensorType, TensorType]:
    x, filters = spec.inputs[0], spec.inputs[1]
    assert x is not None
    assert filters is not None
    return x, filters


def _sizes(spec: OpSpec, bytes_a_filter: int) -> tuple[int, int, int]:
    """Rows of x, rows at a time, units at a time."""
    x, filters = _types(spec)
    rows = x.elements // x.shape[-1]
    return rows, min(rows, _ROWS), min(filters.shape[0], max(1, _FILTER_BYTES // bytes_a_filter))


def _takes_bit(spec: OpSpec) -> bool:
    return takes_filter(spec) and _types(spec)[0].dtype is DType.BIT


def _takes_float(spec: OpSpec) -> bool:
    return takes_filter(spec) and _types(spec)[0].dtype is DType.FLOAT32


def _planes(spec: OpSpec) -> int:
    options = spec.op.options
    assert isinstance(options, DenseOptions)
    return options.planes


# -- bits ----------------------------------------------------------------------------------------------------


def _bit_parts(spec: OpSpec) -> list[Part]:
    """rows of x, filters, accumulators, those of one plane where there are more. A chunk of rows meets all units,
    since a bit output packs them."""
    _, filters = _types(spec)
    narrow = filters.storage_shape[1]
    words = wide_words(narrow)
    _, rows, units = _sizes(spec, 8 * words)
    copies, planes = not fits_wide(narrow) or _planes(spec) > 1, _planes(spec)
    accumulators = 0 if spec.outputs[0].dtype is DType.INT32 else rows
    return [
        Part((rows if copies else 0, words), np.uint64),
        Part((units if copies else 0, words), np.uint64),
        Part((accumulators, filters.shape[0]), np.int32),
        Part((rows if planes > 1 else 0, filters.shape[0]), np.int32),
    ]


def _prepare_bit(spec: OpSpec, buffers: Buffers) -> Step:
    _, filter_type = _types(spec)
    x, filters = buffers.inputs[0], buffers.inputs[1]
    assert x is not None
    assert filters is not None
    wide_x, wide, scratch, one_plane = carve(buffers.workspace, _bit_parts(spec))
    finish = make_finish(spec, buffers)
    units, features = filter_type.shape
    rows = x.reshape(-1, x.shape[-1])
    out = buffers.outputs[0].reshape(len(rows), -1)
    count, step_rows, _ = _sizes(spec, 1)
    chunks = [(start, min(start + step_rows, count)) for start in range(0, count, step_rows)]
    integers = spec.outputs[0].dtype is DType.INT32
    accumulators = [out[a:b] if integers else scratch[: b - a] for a, b in chunks]

    def step_in_place() -> None:
        for (start, stop), acc in zip(chunks, accumulators):
            dot_rows(all_x[start:stop], stop - start, weights, 0, units, features, acc, 0)
            finish(acc, stop - start, out[start:stop], 0)

    def dot_widened(count: int, acc: np.ndarray) -> None:
        for first in range(0, units, len(wide)):
            some = filters[first : first + len(wide)]
            widen(some, wide[: len(some)])
            dot_rows(wide_x, count, constant_wide, 0, len(some), features, acc, first)

    def step_widened() -> None:
        for (start, stop), acc in zip(chunks, accumulators):
            widen(rows[start:stop], wide_x[: stop - start])
            dot_widened(stop - start, acc)
            finish(acc, stop - start, out[start:stop], 0)

    def step_planes() -> None:
        for (start, stop), acc in zip(chunks, accumulators):
            for plane in range(planes):
                cut_rows(rows[start:stop], plane * features, features, halves[: stop - start])
                dot_widened(stop - start, one_plane if plane else acc)
                if plane:
                    add_plane(acc, one_plane[: stop - start], plane)
            finish(acc, stop - start, out[start:stop], 0)

    planes, halves = _planes(spec), wide_x.view(np.uint32)
    if len(wide):
        constant_wide = constant(wide)
        return step_planes if planes > 1 else step_widened
    all_x, weights = as_wide(rows), constant(as_wide(filters))
    return step_in_place


# -- floats --------------------------------------------------------------------------------------------------


def _float_parts(spec: OpSpec) -> list[Part]:
    """filters as floats, accumulators."""
    _, filters = _types(spec)
    bits = filters.dtype is DType.BIT
    _, rows, units = _sizes(spec, 4 * filters.shape[1])
    units = units if bits else filters.shape[0]
    return [Part((units if bits else 0, filters.shape[1]), np.float32), Part((rows, units), np.float32)]


def _prepare_float(spec: OpSpec, buffers: Buffers) -> Step:
    _, filter_type = _types(spec)
    x, filters = buffers.inputs[0], buffers.inputs[1]
    assert x is not None
    assert filters is not None
    unpacked, scratch = carve(buffers.workspace, _float_parts(spec))
    finish = make_finish(spec, buffers)
    units, features = filter_type.shape
    rows = x.reshape(-1, x.shape[-1])
    out = buffers.outputs[0].reshape(len(rows), -1)
    narrow, step_units = constant(filters), scratch.shape[1]
    accumulators = scratch.reshape(-1)
    blocks = [(first, min(first + step_units, units)) for first in range(0, units, step_units)]
    chunks = [(rows[i : i + len(scratch)], out[i : i + len(scratch)]) for i in range(0, len(rows), len(scratch))]

    def step() -> None:
        for first, last in blocks:
            if unpacked.size:
                unpack_rows(narrow, first, last, features, unpacked)
                weights = unpacked[: last - first]
            else:
                weights = narrow[first:last]
            for source, target in chunks:
                count = len(source)
                acc = accumulators[: count * (last - first)].reshape(count, last - first)
                np.dot(source, weights.T, out=acc)
                finish(acc, count, target, first)

    return step


def _bit_workspace(spec: OpSpec) -> int:
    return total(_bit_parts(spec))


def _float_workspace(spec: OpSpec) -> int:
    return total(_float_parts(spec))


KERNELS = (
    Kernel("nb_dense_bit", "numba", OpKind.DENSE, _prepare_bit, _takes_bit, _bit_workspace),
    Kernel("nb_dense_f32", "numba", OpKind.DENSE, _prepare_float, _takes_float, _float_workspace),
)
