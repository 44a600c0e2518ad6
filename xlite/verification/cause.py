"""A guess at why a tensor is not what Keras computes, from the pattern of what differs."""

from __future__ import annotations

from typing import Optional

import numpy as np

from xlite.interpreter import Resolver
from xlite.interpreter.details import read_array
from xlite.interpreter.kernels.base import Buffers
from xlite.interpreter.program import Loaded, Program, aligned_bytes
from xlite.schema.contracts import with_optional_inputs
from xlite.schema.types import DType, OpKind

_REFERENCE = "numpy"


def likely_cause(
    program: Program,
    loaded: Loaded,
    op: int,
    tensor: int,
    expected: np.ndarray,
    actual: np.ndarray,
    wrong: np.ndarray,
) -> str:
    """One clause about output ``tensor`` of op number ``op``, which has just run on Keras's own inputs.

    wrong: where ``actual`` and ``expected`` differ, samples first.
    """
    kernel = program.choices[op].kernel
    plain = _by_reference(program, loaded, op, tensor)
    if plain is not None and not np.array_equal(plain, actual, equal_nan=actual.dtype.kind == "f"):
        return f"the kernel {kernel.name}: the numpy reference computes other values from the same input"
    if np.isnan(expected).any() != np.isnan(actual).any():
        return "a NaN on one side alone"
    pattern = _pattern(expected, actual, wrong, program.types[tensor].dtype is DType.BIT)
    if plain is not None or kernel.backend == _REFERENCE:
        return f"the conversion of this op: {pattern}"
    return pattern


def _by_reference(program: Program, loaded: Loaded, op: int, tensor: int) -> Optional[np.ndarray]:
    """What the numpy kernel makes of the same inputs; None if it is the one that ran, or
    for a custom op."""
    spec = program.specs[op]
    if spec.kind is OpKind.CUSTOM or program.choices[op].kernel.backend == _REFERENCE:
        return None
    kernel = Resolver(_REFERENCE).resolve(spec).kernel
    indices = with_optional_inputs(spec.kind, spec.op.inputs)
    inputs = tuple(None if t < 0 else loaded.arrays[t] for t in indices)
    outputs = tuple(np.zeros_like(loaded.arrays[t]) for t in spec.op.outputs)
    kernel.prepare(spec, Buffers(inputs, outputs, aligned_bytes(kernel.workspace(spec))))()
    return read_array(outputs[spec.op.outputs.index(tensor)], program.types[tensor])


def _pattern(expected: np.ndarray, actual: np.ndarray, wrong: np.ndarray, bits: bool) -> str:
    """Where and how the wrong elements lie."""
    channels = np.flatnonzero(wrong.reshape(-1, wrong.shape[-1]).any(axis=0))
    if wrong.ndim == 4 and min(wrong.shape[1:3]) > 2 and not wrong[:, 1:-1, 1:-1].any():
        return "only the border differs, as it does with another padding"
    if len(channels) < wrong.shape[-1] / 2:
        listed = ", ".join(map(str, channels[:5])) + (", ..." if len(channels) > 5 else "")
        return f"only channels {listed} differ, as they do with another {'threshold' if bits else 'scale or bias'}"
    if bits and wrong.all():
        return "every sign is the opposite one"
    if not bits:
        even = _even(expected, actual)
        if even:
            return even
    share = 100 * float(wrong.mean())
    return (
        f"{share:.3g} % of the elements differ, in all channels; were the weights trained on after the conversion?"
    )


def _even(expected: np.ndarray, actual: np.ndarray) -> str:
    """Whether one factor or one summand makes up the whole difference."""
    difference = actual.astype(np.float64) - expected
    spread = float(np.ptp(difference))
    if spread <= 1e-4 * float(np.abs(difference).max()):
        return f"all values are off by {float(difference.mean()):.6g}, as they are with another bias"
    denominator = float(np.square(expected, dtype=np.float64).sum())
    factor = float((expected.astype(np.float64) * actual).sum()) / denominator if denominator else 0.0
    if factor and np.allclose(actual, factor * expected, rtol=1e-4, atol=1e-4 * float(np.abs(actual).max())):
        return f"all values are {factor:.6g} times Keras's, as they are with another scale"
    return ""
