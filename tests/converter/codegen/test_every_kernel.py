"""Every portable kernel of the library, called from generated C: optimised, and under sanitizers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.converter.codegen.chains import random_chain
from tests.converter.codegen.programs import FLAGS, compile_program, generate_all, run_program
from tests.converter.codegen.test_generated import inputs_of
from tests.interpreter.cases import FAMILIES, Case, make_case
from tests.interpreter.random_networks import random_network
from xlite.converter.codegen.calls import make_calls
from xlite.converter.codegen.golden import run_on
from xlite.converter.codegen.literals import FunctionNames
from xlite.interpreter.kernels.c.kernels import PARAMS
from xlite.schema.bits import pack_signs
from xlite.schema.contracts import infer
from xlite.schema.contracts.slots import SLOTS
from xlite.schema.types import DType, Model, Op, Tensor

SANITIZED = (*FLAGS, "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
TRIES = 120  # cases of a family, to find one for each kernel


def one_op(case: Case) -> tuple[Model, list[np.ndarray]]:
    """A network of this op alone, and its inputs as stored."""
    slots, tensors, inputs, given, indices, types = SLOTS[case.op.kind], [], [], [], [], []
    for slot, (value, type_) in enumerate(zip(case.values, case.types)):
        if value is None or type_ is None:
            indices.append(-1)
            types.append(None)
            continue
        variable = slot == 0 or slots is None  # of any number of inputs none is a constant
        if variable:  # a file's activations have batch 1
            value, type_ = value[:1], replace(type_, shape=(1, *type_.shape[1:]))
        stored = pack_signs(value, type_.packed_axes) if type_.dtype is DType.BIT else np.ascontiguousarray(value)
        types.append(type_)
        indices.append(len(tensors))
        if variable:
            inputs.append(len(tensors))
            given.append(stored.reshape(-1))
        tensors.append(Tensor(f"t{slot}", type_, None if variable else stored))
    op = Op(case.op.kind, tuple(indices), (len(tensors),), case.op.options, "op")
    tensors.append(Tensor("y", infer(case.op.kind, types, case.op.options)[0]))
    return Model(tensors, [op], tuple(inputs), (len(tensors) - 1,)), given


@cache
def one_of_each() -> dict[str, tuple[Model, list[np.ndarray]]]:
    """By kernel."""
    found: dict[str, tuple[Model, list[np.ndarray]]] = {}
    for family in FAMILIES:
        for seed in range(TRIES):
            model, given = one_op(make_case(family, seed))
            (call,) = make_calls(model, FunctionNames(), {})
            found.setdefault(call.function, (model, given))
    return found


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("flags", [FLAGS, SANITIZED], ids=["plain", "sanitizers"])
def test_every_kernel_gives_the_same_bytes(tmp_path, flags):
    cases = one_of_each()
    assert set(cases) == set(PARAMS)
    made = generate_all([model for model, _ in cases.values()])
    inputs = [given for _, given in cases.values()]
    got = run_program(compile_program(tmp_path, made, flags), made, inputs)
    for name, g, given, outputs in zip(cases, made, inputs, got):
        expected = run_on(g.network.model, given, "c")
        assert [y.tobytes() for y in outputs] == [y.tobytes() for y in expected], name


@pytest.mark.usefixtures("compiler")
def test_networks_by_bands_are_clean_under_sanitizers(tmp_path):
    models = [random_network(seed) for seed in range(40, 46)] + [random_chain(seed) for seed in range(50, 56)]
    made = generate_all(models, arena="caller")
    inputs = [inputs_of(model, seed) for seed, model in enumerate(models)]
    got = run_program(compile_program(tmp_path, made, SANITIZED), made, inputs)
    for g, given, outputs in zip(made, inputs, got):
        expected = run_on(g.network.model, given, "c")
        assert [y.tobytes() for y in outputs] == [y.tobytes() for y in expected]
