"""The comparison itself: one op at a time on Keras's own inputs, then the whole model straight through."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

import numpy as np

from xlite.inputs import as_numbers
from xlite.interpreter import Resolver
from xlite.interpreter.details import read_array, write_array
from xlite.interpreter.memory import Limit
from xlite.interpreter.program import Settings, compile_program, load_program
from xlite.schema.errors import InputError
from xlite.schema.types import DType, Model, TensorType
from xlite.verification.cause import likely_cause
from xlite.verification.flips import first_flip
from xlite.verification.results import Difference, OutputCheck, TensorCheck, Verification

TOLERANCE = 1e-5
CHUNK = 16  # samples at a time: all tensors of all of them are kept

# A sum of a few rounded terms is off by a few units in the last place of the largest of them.
ROUNDING = 32 * float(np.finfo(np.float32).eps)

# End to end, float layers add up their differences before a sign sees them.
_ACCUMULATED = 10


@dataclass(frozen=True)
class Reference:
    """What Keras computes for some samples. ``tensors``: every layer's output by name, samples first; ``outputs``:
    the model's. ``magnitudes``: for some layers, a channel's largest term in the sum that gives its output, where
    the output itself may be smaller (a batch norm's mean and beta)."""

    tensors: Mapping[str, np.ndarray]
    outputs: Sequence[np.ndarray]
    magnitudes: Mapping[str, np.ndarray] = field(default_factory=dict)


Source = Callable[[Sequence[np.ndarray]], Reference]  # from the model's inputs to what Keras makes of them


def compare(
    model: Model,
    inputs: Sequence[np.ndarray],
    source: Source,
    *,
    tolerance: float = TOLERANCE,
    resolver: Optional[Resolver] = None,
    chunks: Callable[[range], Any] = iter,
) -> Verification:
    """Holds ``model`` against ``source`` on ``inputs`` (one array an input: the model's own values, samples
    first).

    tolerance: the largest relative difference of floats. chunks: wraps the range over samples, for a progress bar.
    Raises InputError where the two models' outputs do not have the same shapes, and for a tolerance that is not a
    finite number of 0 or more.
    """
    check_tolerance(tolerance)
    resolver = resolver if resolver is not None else Resolver()
    count = len(inputs[0])
    result = Verification(count, resolver.default_backend, tolerance)
    checks: dict[int, TensorCheck] = {}
    for start in chunks(range(0, count, CHUNK)):
        chunk = [array[start : start + CHUNK] for array in inputs]
        run = Run(model, chunk, source(as_numbers(model, chunk)), resolver, start)
        with quiet():
            _walk(run, checks, tolerance)
            _end_to_end(run, result)
        known = run.matched | {model.tensors[index].name for index in model.inputs}
        result.unmatched = [name for name in run.reference.tensors if name not in known]
    result.tensors = list(checks.values())
    return result


def quiet() -> np.errstate:
    """Samples may hold infinities and NaN. What becomes of them is compared and told like any other value, and no
    matter for numpy's warnings."""
    return np.errstate(invalid="ignore", over="ignore")


def check_tolerance(tolerance: float) -> None:
    """Raises InputError for a NaN, an infinity and what is below 0: the first two would call all that there is
    equal."""
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise InputError(f"the tolerance must be a finite number of 0 or more, is {tolerance}")


class Run:
    """One chunk of samples in memory, with Keras's values for it."""

    def __init__(
        self, model: Model, inputs: Sequence[np.ndarray], reference: Reference, resolver: Resolver, start: int
    ) -> None:
        self.model, self.reference, self.start = model, reference, start
        settings = Settings(Limit(), preserve_all=True)
        self.program = compile_program(model, len(inputs[0]), resolver, settings)
        self.loaded = load_program(self.program)
        self.matched: set[str] = set()
        for index, array in zip(model.inputs, inputs):
            self.write(index, array)

    def type(self, index: int) -> TensorType:
        return self.program.types[index]

    def read(self, index: int) -> np.ndarray:
        return read_array(self.loaded.arrays[index], self.type(index))

    def write(self, index: int, value: np.ndarray) -> None:
        name = f"tensor '{self.model.tensors[index].name}'"
        write_array(self.loaded.arrays[index], self.type(index), value, name)

    def layer(self, index: int) -> str:
        """The Keras layer whose output the tensor (or the value before its signs) should equal."""
        name = self.model.tensors[index].name
        is_sign = self.type(index).dtype is DType.BIT and name.endswith(":sign")
        return name[: -len(":sign")] if is_sign else name

    def expected(self, index: int) -> Optional[np.ndarray]:
        """Keras's floats for this tensor; None where Keras has no such tensor."""
        found = self.reference.tensors.get(self.layer(index))
        if found is None or found.shape != self.type(index).shape:
            return None
        self.matched.add(self.layer(index))
        return found

    def magnitude(self, index: int, expected: np.ndarray) -> np.ndarray:
        """For each channel the largest finite value over the samples and, where it is known, the largest term
        behind it. Beside an infinity every value would be near zero."""
        finite = np.where(np.isfinite(expected), np.abs(expected), np.float32(0))
        largest = finite.reshape(-1, expected.shape[-1]).max(axis=0)
        terms = self.terms(index)
        return largest if terms is None else largest + terms

    def terms(self, index: int) -> Optional[np.ndarray]:
        """The largest term behind each channel, where it is known."""
        found = self.reference.magnitudes.get(self.layer(index))
        return None if found is None or found.shape != self.type(index).shape[-1:] else found


# -- one op at a time ---------------------------------------------------------------------------------------


def _walk(run: Run, checks: dict[int, TensorCheck], tolerance: float) -> None:
    for number, (op, step) in enumerate(zip(run.model.ops, run.loaded.steps)):
        step()
        for index in op.outputs:
            expected = run.expected(index)
            if expected is None:
                continue
            check = checks.setdefault(index, _new_check(run, number, index))
            actual = run.read(index)
            check.elements += actual.size
            if run.type(index).dtype is DType.BIT:
                wrong = _wrong_bits(run, index, expected, actual, check)
                kept = np.where(expected < 0, -1, 1).astype(np.int8)
            else:
                wrong = _wrong_floats(expected, actual, check, tolerance) & ~_rounded(run, index, expected, actual)
                kept = expected.astype(actual.dtype)
            if wrong.any() and not check.diverges:
                check.worst = _worst(expected, actual, wrong, run)
                check.cause = likely_cause(run.program, run.loaded, number, index, expected, actual, wrong)
            run.write(index, kept)


def _new_check(run: Run, number: int, index: int) -> TensorCheck:
    op, kernel = run.model.ops[number], run.program.choices[number].kernel
    return TensorCheck(
        run.model.tensors[index].name, op.name or op.label, kernel.name, run.type(index).dtype.short
    )


def _wrong_bits(run: Run, index: int, expected: np.ndarray, actual: np.ndarray, check: TensorCheck) -> np.ndarray:
    """Where a sign differs though Keras's value before it is clear of zero; counts those and the others."""
    differs = (actual < 0) != (expected < 0)
    near = np.abs(expected) <= ROUNDING * run.magnitude(index, expected)
    check.near_zero += int(np.count_nonzero(differs & near))
    wrong: np.ndarray = differs & ~near
    check.bits += int(np.count_nonzero(wrong))
    return wrong


def _wrong_floats(expected: np.ndarray, actual: np.ndarray, check: TensorCheck, tolerance: float) -> np.ndarray:
    """Where a value differs by more than the tolerance; keeps the largest difference."""
    difference = relative_difference(expected, actual)
    check.difference = max(check.difference, float(difference.max()))
    return difference > tolerance


def _rounded(run: Run, index: int, expected: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Where two floats are as near as rounding the terms behind them leaves them, for layers whose terms are
    known: these may cancel to a smaller output."""
    terms = run.terms(index)
    if terms is None:
        return np.zeros(expected.shape, bool)
    near: np.ndarray = np.abs(actual.astype(np.float64) - expected) <= ROUNDING * terms
    return near


def relative_difference(expected: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """``abs(actual - expected)`` of each element over the largest finite value of its sample (first axis); values
    that are the same, NaN and infinities included, differ by 0, a NaN on one side alone by infinity."""
    expected, actual = expected.astype(np.float64), actual.astype(np.float64)
    finite = np.where(np.isfinite(expected), np.abs(expected), 0.0).reshape(len(expected), -1)
    largest = finite.max(axis=1).reshape(-1, *(1,) * (expected.ndim - 1))
    with np.errstate(invalid="ignore"):
        difference = np.abs(actual - expected) / np.where(largest > 0, largest, 1.0)
    same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    return np.where(same, 0.0, np.where(np.isnan(difference), np.inf, difference))


def _worst(expected: np.ndarray, actual: np.ndarray, wrong: np.ndarray, run: Run) -> Difference:
    """The wrong element that is furthest off."""
    distance = np.where(wrong, relative_difference(expected, actual), -1.0)
    where = np.unravel_index(int(distance.argmax()), distance.shape)
    index = (int(where[0]) + run.start, *(int(axis) for axis in where[1:]))
    return Difference(index, float(expected[where]), float(actual[where]))


# -- end to end ---------------------------------------------------------------------------------------------


def _end_to_end(run: Run, result: Verification) -> None:
    for step in run.loaded.steps:
        step()
    actual = [run.read(index) for index in run.model.outputs]
    names = [run.model.tensors[index].name for index in run.model.outputs]
    beyond = compare_outputs(names, run.reference.outputs, actual, result, run.start)
    for sample in sorted(beyond):
        flip = first_flip(run, sample - run.start)
        if flip is not None:
            result.flips.append(flip)
        if flip is None or flip.relative > _ACCUMULATED * result.tolerance:
            result.unexplained.append(sample)


def compare_outputs(
    names: Sequence[str],
    expected: Sequence[np.ndarray],
    actual: Sequence[np.ndarray],
    result: Verification,
    start: int = 0,
) -> set[int]:
    """Adds some samples' outputs to ``result``; returns the numbers of the samples beyond the tolerance."""
    if len(expected) != len(actual):
        raise InputError(f"the reference has {len(expected)} outputs, the .xlite file has {len(actual)}")
    if not result.outputs:
        result.outputs = [OutputCheck(name) for name in names]
    beyond: set[int] = set()
    for check, wanted, found in zip(result.outputs, expected, actual):
        if wanted.shape != found.shape:
            raise InputError(f"output '{check.name}' has shape {found.shape}, the reference's has {wanted.shape}")
        difference = relative_difference(wanted, found).reshape(len(found), -1).max(axis=1)
        same = (wanted.argmax(axis=-1) == found.argmax(axis=-1)).reshape(len(found), -1).all(axis=1)
        check.samples += len(found)
        check.relative = max(check.relative, float(difference.max()))
        check.absolute = max(check.absolute, _largest(np.abs(wanted - found)))
        check.argmax_equal += int(np.count_nonzero(same))
        late = [start + int(i) for i in np.flatnonzero(difference > result.tolerance)]
        check.beyond += late
        beyond.update(late)
    return beyond


def _largest(difference: np.ndarray) -> float:
    return float(np.nan_to_num(difference, nan=np.inf).max())
