"""Where a sample left Keras's path: the first sign, or level of a quantizer of bit planes, that is another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

import numpy as np

from xlite.interpreter import Resolver
from xlite.interpreter.details import read_array
from xlite.interpreter.kernels.base import Buffers
from xlite.interpreter.program import aligned_bytes
from xlite.schema.types import DType, Op, OpKind
from xlite.verification.results import FlippedSign

if TYPE_CHECKING:
    from xlite.verification.walk import Run

_TINY = np.finfo(np.float32).tiny


def first_flip(run: Run, sample: int) -> Optional[FlippedSign]:
    """The first one, in running order, of ``sample`` in a run that has gone straight through; None if there is
    none."""
    for number, op in enumerate(run.model.ops):
        if op.kind is OpKind.BIT_PLANES:
            found = _level(run, number, op, sample)
            if found is not None:
                return found
            continue
        for index in op.outputs:
            if run.type(index).dtype is DType.BIT:
                found = _sign(run, op, index, sample)
                if found is not None:
                    return found
    return None


def _sign(run: Run, op: Op, index: int, sample: int) -> Optional[FlippedSign]:
    expected = run.expected(index)
    if expected is None:
        return None
    differs = (run.read(index)[sample] < 0) != (expected[sample] < 0)
    if not differs.any():
        return None
    # where several differ, the one that is furthest from zero: the others need it no less
    size = _relative(np.abs(expected[sample]), run.magnitude(index, expected))
    where = _largest(size, differs)
    actual = float(run.read(op.inputs[0])[sample][where]) if op.kind is OpKind.SIGN else None
    return _flip(run, op, index, sample, where, expected, size, actual)


def _level(run: Run, number: int, op: Op, sample: int) -> Optional[FlippedSign]:
    """As many planes of bits as its levels need: a value has another level where one of its bits differs."""
    x, index = op.inputs[0], op.outputs[0]
    expected = run.expected(x)
    if expected is None:
        return None
    differs = run.read(index)[sample] != _planes(run, number, expected)[sample]
    if not differs.any():
        return None
    channels = expected.shape[-1]
    differs = differs.reshape(*differs.shape[:-1], -1, channels).any(axis=-2)
    actual = run.read(x)
    # a level's border lies between the two values, so that neither is further from it than they are apart
    size = _relative(np.abs(expected[sample] - actual[sample]), run.magnitude(x, expected))
    where = _largest(size, differs)
    return _flip(run, op, index, sample, where, expected, size, float(actual[sample][where]))


def _planes(run: Run, number: int, x: np.ndarray) -> np.ndarray:
    """What op ``number`` makes of Keras's own values, by the reference."""
    spec = run.program.specs[number]
    kernel = Resolver("numpy").resolve(spec).kernel
    out = np.zeros_like(run.loaded.arrays[spec.op.outputs[0]])
    values = np.ascontiguousarray(x, np.float32)
    kernel.prepare(spec, Buffers((values,), (out,), aligned_bytes(kernel.workspace(spec))))()
    return read_array(out, run.type(spec.op.outputs[0]))


def _relative(size: np.ndarray, magnitude: np.ndarray) -> np.ndarray:
    """A NaN among Keras's values, or an infinity over another, counts as infinitely far off: no rounding explains
    it."""
    relative = size / np.maximum(magnitude, _TINY)
    return np.where(np.isnan(relative), np.inf, relative)


def _largest(size: np.ndarray, among: np.ndarray) -> tuple[int, ...]:
    where = np.unravel_index(int(np.where(among, size, -1.0).argmax()), among.shape)
    return tuple(int(axis) for axis in where)


def _flip(
    run: Run,
    op: Op,
    index: int,
    sample: int,
    where: tuple[int, ...],
    expected: np.ndarray,
    size: np.ndarray,
    actual: Optional[float],
) -> FlippedSign:
    return FlippedSign(
        sample=run.start + sample,
        tensor=run.model.tensors[index].name,
        index=where,
        expected=float(expected[sample][where]),
        relative=float(size[where]),
        op=op.name or op.label,
        actual=actual,
    )
