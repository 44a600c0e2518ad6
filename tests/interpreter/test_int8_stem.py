"""What a refusal takes an int8 stem for is what the converter makes of it: ops, types and options one by one."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from tests.converter.passes.build import Builder
from xlite.converter.emit import emit
from xlite.converter.integer_inputs import preprocessing_of, read_integers
from xlite.converter.passes import run_passes
from xlite.converter.quantize_weights import quantize_weights
from xlite.interpreter.int8_stem import with_int8_stem
from xlite.schema.records import replace
from xlite.schema.types import ActivationKind, DType, OpKind

SAME = {"pad_top": 1, "pad_bottom": 1, "pad_left": 1, "pad_right": 1}


def made(graph):
    run_passes(graph)
    return emit(graph)


def converted(graph):
    """As ``--input-dtype uint8 --input-range -1,1 --quantize int8-stem`` does."""
    read_integers(graph, DType.UINT8, preprocessing_of(DType.UINT8, -1, 1))
    quantize_weights(graph, stem_only=True)
    return made(graph)


def described(model):
    """Every op with what it reads and gives; which numbers bytes stand for is for the user to say."""

    def types(indices):
        found = [
            ("", False) if t < 0 else (str(model.tensors[t].type), model.tensors[t].is_constant) for t in indices
        ]
        while found and found[-1] == ("", False):
            found.pop()
        return found

    def options(op):
        plain = {"input_multiplier": 1, "input_zero_point": 0}
        return replace(op.options, **plain) if hasattr(op.options, "input_multiplier") else op.options

    return [(op.label, types(op.inputs), types(op.outputs), options(op)) for op in model.ops]


def stem(b, bias=False, layer="conv", size=28):
    x = b.input(size, size, 3)
    if layer == "dense":
        return b.dense(x, 40, b.rng.normal(size=(40, 3)))
    return b.conv(x, 40, bias=bias, weights=b.rng.normal(size=(40, 3, 3, 3)), stride_h=2, stride_w=2, **SAME)


def ends(b, y):
    """A binary layer behind it, whose sign is what the stem ends in."""
    return b.conv(b.quantized(y), 32)


def norm(b, y, rising=True):
    scale = np.abs(b.rng.normal(size=40)) if rising else b.rng.normal(size=40)
    return b.norm(y, scale, b.rng.normal(size=40))


def two_readers(b, y):
    y = norm(b, y)
    return b.op(OpKind.ADD, b.conv(b.quantized(y), 40, **SAME), y)


PROGRAMS = {
    "sign": lambda b: ends(b, stem(b)),
    "norm, sign": lambda b: ends(b, norm(b, stem(b))),
    "bias, norm, relu, norm, sign": lambda b: ends(b, norm(b, b.activation(norm(b, stem(b, True))))),
    "pool, norm, sign": lambda b: ends(b, norm(b, b.pool(stem(b)))),
    "pool, falling norm, sign": lambda b: ends(b, norm(b, b.pool(stem(b)), rising=False)),
    "falling norm, pool, sign": lambda b: ends(b, b.pool(norm(b, stem(b), rising=False))),
    "pool, norm, pool, norm, sign": lambda b: ends(
        b, norm(b, b.pool(norm(b, b.pool(stem(b)), rising=False)), rising=False)
    ),
    "sign, pool": lambda b: b.conv(b.pool(b.quantized(norm(b, stem(b)))), 32),
    "norm, sign and sum": lambda b: two_readers(b, stem(b)),
    "bias, norm, sign and sum": lambda b: two_readers(b, stem(b, True)),
    "pool, sign and sum": lambda b: two_readers(b, b.pool(stem(b))),
    "norm, relu, output": lambda b: b.activation(norm(b, stem(b, True))),
    "relu, norm, output": lambda b: norm(b, b.activation(stem(b, True))),
    "output": stem,
    "dense, norm, sign": lambda b: ends(b, norm(b, stem(b, layer="dense"))),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_is_what_the_converter_makes(name):
    b = Builder(3)
    graph = b.done(PROGRAMS[name](b))
    found = with_int8_stem(made(copy.deepcopy(graph)))
    wanted = converted(graph)
    assert described(found) == described(wanted)
    sizes = [sum(t.type.nbytes for t in model.tensors if t.is_constant) for model in (found, wanted)]
    assert sizes[0] == sizes[1]


def falling(b):
    return ends(b, b.activation(stem(b), ActivationKind.SILU))


def of_an_image_that_is_added(b):
    x = b.input(12, 12, 3)
    return b.op(OpKind.ADD, b.conv(x, 3, weights=b.rng.normal(size=(3, 3, 3, 3)), **SAME), x)


def without_a_stem(b):
    return ends(b, b.input(8, 8, 3))


@pytest.mark.parametrize("program", [falling, of_an_image_that_is_added, without_a_stem])
def test_what_nobody_can_tell_is_not_told(program):
    b = Builder(3)
    assert with_int8_stem(made(b.done(program(b)))) is None
