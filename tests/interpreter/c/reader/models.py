"""Networks that the C reader and Python's interpreter both run, and random inputs for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.interpreter.cases import FAMILIES, make_case
from tests.interpreter.making import Case
from xlite.interpreter import planner
from xlite.schema import Model
from xlite.schema.bits import pack_signs
from xlite.schema.contracts import SLOTS, ContractError, infer, with_optional_inputs
from xlite.schema.types import RANGES, DType, Op, Tensor, TensorType


def of_case(case: Case) -> Model | None:
    """One op as a network of batch 1; None where it allows no such batch."""
    tensors, indices, inputs = [], [], []
    for slot, (value, type_) in enumerate(zip(case.values, case.types)):
        if value is None or type_ is None:
            indices.append(-1)
            continue
        slots = SLOTS[case.op.kind]
        constant = slots is not None and slots[slot].constant
        value = value if constant else value[:1]
        type_ = replace(type_, shape=value.shape)
        stored = pack_signs(value, type_.packed_axes) if type_.dtype is DType.BIT else value
        data = np.ascontiguousarray(stored, type_.dtype.numpy) if constant else None
        if not constant:
            inputs.append(len(tensors))
        indices.append(len(tensors))
        tensors.append(Tensor(f"in{slot}", type_, data))
    try:
        (output,) = infer(case.op.kind, [None if i < 0 else tensors[i].type for i in indices], case.op.options)
    except ContractError:
        return None
    tensors.append(Tensor("out", output))
    op = Op(case.op.kind, with_optional_inputs(case.op.kind, tuple(indices)), (len(tensors) - 1,), case.op.options)
    model = Model(tensors, [op], tuple(inputs), (len(tensors) - 1,))
    return replace(model, plan=planner.plan(model))


def of_cases(seeds: range) -> list[Model]:
    """Networks of one op, of every kind."""
    made = [of_case(make_case(family, seed)) for family in FAMILIES for seed in seeds]
    return [model for model in made if model is not None and len(model.tensors[model.inputs[0]].type.shape) > 1]


def random_input(type_: TensorType, rng: np.random.Generator) -> np.ndarray:
    """Logical values of an activation: what ``set_tensor`` takes."""
    if type_.dtype is DType.BIT:
        return rng.choice(np.array([-1, 1], np.int8), size=type_.shape)
    if type_.dtype is DType.FLOAT32:
        return rng.normal(size=type_.shape).astype(np.float32)
    low, high = RANGES[type_.dtype]
    return rng.integers(max(low, -50), min(high, 50) + 1, size=type_.shape).astype(type_.dtype.numpy)


def stored(type_: TensorType, value: np.ndarray) -> bytes:
    """A logical value as its bytes in the arena."""
    if type_.dtype is DType.BIT:
        return pack_signs(value).tobytes()
    return np.ascontiguousarray(value, type_.dtype.numpy).tobytes()
