"""Random networks over every op as C: compiled, run, compared byte by byte with the C backend."""

from __future__ import annotations

import numpy as np
import pytest

from tests.converter.codegen.programs import compile_program, generate_all, run_program
from tests.golden import stored
from tests.interpreter.random_networks import random_network
from xlite.converter import convert
from xlite.converter.codegen.golden import run_on, sample
from xlite.schema.types import Model

pytestmark = pytest.mark.usefixtures("compiler")


def inputs_of(model: Model, seed: int) -> list[np.ndarray]:
    """Both signs, unlike the example's."""
    found, state = [], seed + 1
    for tensor in model.inputs:
        made, state = sample(model.tensors[tensor].type, state)
        found.append(made * 2 - 1 if made.dtype == np.float32 else made)
    return found


def check(models: list[Model], folder, **options) -> None:
    made = generate_all(models, **options)
    inputs = [inputs_of(model, seed) for seed, model in enumerate(models)]
    got = run_program(compile_program(folder, made), made, inputs)
    for i, g in enumerate(made):
        expected = run_on(g.network.model, inputs[i], "c")
        for ours, theirs in zip(got[i], expected):
            assert ours.tobytes() == theirs.tobytes(), f"network {i}"


@pytest.mark.parametrize("arena", ["static", "caller"])
@pytest.mark.parametrize("first", [0, 12])
def test_random_networks_give_the_same_bytes(tmp_path, arena, first):
    check([random_network(seed) for seed in range(first, first + 12)], tmp_path, arena=arena)


@pytest.mark.parametrize("first", [0, 3])
def test_golden_networks_give_the_same_bytes(tmp_path, first):
    """Networks whose outputs TensorFlow recorded, which the interpreter is compared with elsewhere."""
    models = []
    for name in stored.names()[first::9]:
        (tmp_path / "model.h5").write_bytes(stored.load(name)["h5"].tobytes())
        models.append(convert(tmp_path / "model.h5", **stored.options(name)).model)
    check(models, tmp_path)
