"""The networks that run on boards: random ones that have every op, the demo; and what "the same output" means."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np

from tests.interpreter.random_networks import random_network
from tests.mcu.networks import Golden, golden
from xlite.converter import convert
from xlite.interpreter.c.build import INCLUDE
from xlite.schema.types import Model, Op, OpKind, Preprocessing

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SEEDS = 120
KINDS = frozenset(OpKind) - {OpKind.CUSTOM}

# Those that cut a float to something coarser: another last digit can come out as something else altogether.
_CUTS = frozenset({OpKind.SIGN, OpKind.BIT_PLANES, OpKind.QUANTIZE, OpKind.EMBEDDING})


@cache
def _libm_names() -> frozenset[str]:
    """Names of the activations that call the C library's math.h, as xlite.h says."""
    header = (INCLUDE / "xlite.h").read_text()
    behind = header[header.index("/* These need libm. */") :]
    return frozenset(re.findall(r"^XL_ACTIVATION\(xl_(\w+)\)", behind, re.MULTILINE))


def calls_libm(op: Op) -> bool:
    """Whether its result may depend on the C library, in the last bit."""
    activation = getattr(op.options, "activation", None)
    kind = getattr(activation, "kind", None)
    return op.kind is OpKind.SOFTMAX or (kind is not None and kind.name.lower() in _libm_names())


def is_exact(model: Model) -> bool:
    return not any(calls_libm(op) for op in model.ops)


def is_stable(model: Model) -> bool:
    """Whether results are near on any C library: nothing is cut to bits or integers behind a function of it."""
    called = [i for i, op in enumerate(model.ops) if calls_libm(op)]
    return not called or all(op.kind not in _CUTS for op in model.ops[called[0] :])


@cache
def random_networks() -> tuple[Golden, ...]:
    """As few as the first seeds give for every op of the format."""
    found, missing = [], set(KINDS)
    for seed in range(SEEDS):
        model = random_network(seed)
        kinds = {op.kind for op in model.ops}
        if kinds & missing and is_stable(model):
            missing -= kinds
            found.append(golden(f"random-{seed}", model, seed))
    assert not missing, f"no network has {missing}"
    return tuple(found)


def demo_model(integers: bool) -> Model:
    """The trained network of examples/fashion. integers: takes an image's bytes, its float layers have int8
    weights."""
    path = EXAMPLES / "fashion" / "model.h5"
    if not integers:
        return convert(path).model
    return convert(path, input_dtype="uint8", preprocessing=Preprocessing(1 / 255), quantize="int8").model


@cache
def demo(integers: bool) -> Golden:
    return golden("demo", demo_model(integers))


def assert_same(network: Golden, outputs: tuple[np.ndarray, ...]) -> None:
    """The board's outputs are the Python interpreter's: byte for byte, but for the last digits of floats where the
    C library was called."""
    for got, expected in zip(outputs, network.outputs):
        if is_exact(network.model) or expected.dtype != np.float32:
            assert got.tobytes() == expected.tobytes(), network.name
        else:
            np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6, err_msg=network.name)
