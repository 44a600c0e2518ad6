"""What Python says of a file, to hold the C reader against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

import xlite
from tests.interpreter.c.reader import harness
from tests.interpreter.c.reader.harness import Request, Verdict
from tests.interpreter.c.reader.models import random_input, stored
from tests.schema.raw import survives
from xlite.schema import Model
from xlite.schema.types import DType, OpKind

ARENA = 1 << 22  # bytes that a file may ask for in tests
ROOM = 1 << 20  # of these, for the workspace


@dataclass(frozen=True)
class Expected:
    """model: None where Python refuses the file. outputs: their bytes, if it was run."""

    model: Optional[Model]
    inputs: bytes = b""
    outputs: Optional[list[np.ndarray]] = None


def expect(data: bytes, run: bool, seed: int = 0) -> Expected:
    """The verdict of Python's verifier; with ``run``, inputs and outputs too, where the file can be run."""
    model = survives(data)
    if model is None:
        return Expected(None)
    if not run or not runs(model):
        return Expected(model)
    rng = np.random.default_rng(seed)
    values = {t: random_input(model.tensors[t].type, rng) for t in model.inputs}
    inputs = b"".join(stored(model.tensors[t].type, value) for t, value in values.items())
    return Expected(model, inputs, outputs_of(model, values))


def runs(model: Model) -> bool:
    """Whether the C reader has what it needs: a plan of a size that tests allow, and no op of the user's."""
    small = model.plan is not None and model.plan.arena_bytes + ROOM <= ARENA
    return small and all(op.kind is not OpKind.CUSTOM for op in model.ops)


def outputs_of(model: Model, values: dict[int, np.ndarray]) -> list[np.ndarray]:
    """Storage arrays of the outputs, by the portable kernels in C."""
    interpreter = xlite.Interpreter(model, backend="c", prepack=False)
    for tensor, value in values.items():
        interpreter.set_tensor(tensor, value)
    interpreter.invoke()
    return [interpreter.tensor(t)().copy() for t in model.outputs]


def check(reader: Path, files: Sequence[bytes], *, run: bool = False) -> tuple[int, int]:
    """Holds the C reader to Python's verdict on each file, and to its outputs where ``run`` says so. Returns how
    many were accepted and how many refused."""
    expected = [expect(data, run, seed) for seed, data in enumerate(files)]
    requests = [Request(data, ARENA, e.inputs) for data, e in zip(files, expected)]
    verdicts = harness.ask(reader, requests)
    assert len(verdicts) == len(files)
    for number, (verdict, e) in enumerate(zip(verdicts, expected)):
        problem = difference(verdict, e)
        assert not problem, (
            f"file {number}: {problem}; C says {verdict.rule}, op {verdict.op}, tensor {verdict.tensor}"
        )
    accepted = sum(e.model is not None for e in expected)
    return accepted, len(files) - accepted


def difference(verdict: Verdict, expected: Expected) -> str:
    """What is different, or nothing."""
    model = expected.model
    if model is None:
        return "Python refuses it" if verdict.accepted else ""
    if verdict.rule in PROGRAM:
        return "" if may_lack(verdict, model) else "nothing is missing"
    if not verdict.accepted:
        return "Python accepts it"
    if expected.outputs is None:
        return ""
    return "" if verdict.ran and same(verdict.outputs, expected.outputs, model) else "the outputs differ"


# What a program may lack for a file that is valid.
PROGRAM = {"NO_ENTRY", "NO_PLAN", "ARENA_BYTES", "TOO_LARGE"}


def may_lack(verdict: Verdict, model: Model) -> bool:
    if verdict.rule == "NO_ENTRY":
        return model.ops[verdict.op].kind is OpKind.CUSTOM
    if verdict.rule == "NO_PLAN":
        return model.plan is None
    return model.plan is not None and model.plan.arena_bytes + ROOM > ARENA


def same(data: bytes, outputs: Sequence[np.ndarray], model: Model) -> bool:
    """Equal bytes; a NaN is equal to any NaN, whose sign and payload no rule sets."""
    at = 0
    for output, index in zip(outputs, model.outputs):
        got = np.frombuffer(data, output.dtype, output.size, at).reshape(output.shape)
        at += output.nbytes
        floats = model.tensors[index].type.dtype is DType.FLOAT32
        equal = np.array_equal(got, output, equal_nan=True) if floats else np.array_equal(got, output)
        if not equal or (floats and not same_zeros(got, output)):
            return False
    return at == len(data)


def same_zeros(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal signs of zeros."""
    return np.array_equal(np.signbit(a[a == 0]), np.signbit(b[b == 0]))
