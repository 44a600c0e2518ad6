"""Networks of every op: the C reader gives the bytes that Python's interpreter gives with the same kernels."""

from __future__ import annotations

from pathlib import Path

import pytest

import xlite
from tests.interpreter.c.reader import models
from tests.interpreter.c.reader.comparing import check
from tests.interpreter.networks import residual_network
from tests.interpreter.random_networks import random_network
from tests.schema.models import chain_model, simple_plan
from xlite.interpreter.kernels.c.library import ISA_ENVIRONMENT, PORTABLE
from xlite.schema import Model
from xlite.schema.types import DType, OpKind
from xlite.schema.writer import write_model

DEMO = Path(__file__).parents[4] / "examples" / "fashion" / "model.h5"


@pytest.fixture(autouse=True)
def _portable(monkeypatch):
    monkeypatch.setenv(ISA_ENVIRONMENT, PORTABLE)


def same(reader: Path, networks: list[Model]) -> None:
    files = [write_model(model) for model in networks]
    accepted, refused = check(reader, files, run=True)
    assert (accepted, refused) == (len(files), 0)


def test_every_op(reader):
    networks = models.of_cases(range(14))
    assert {model.ops[0].kind for model in networks} == {*OpKind} - {OpKind.CUSTOM}
    dtypes = {(op.kind, model.tensors[op.inputs[0]].type.dtype) for model in networks for op in model.ops}
    assert len(dtypes) > 50
    same(reader, networks)


def test_random_networks(reader):
    networks = [random_network(seed) for seed in range(80)]
    assert {op.kind for model in networks for op in model.ops} >= {*OpKind} - {OpKind.CUSTOM, OpKind.CONV_3D}
    same(reader, networks)


def test_long_and_branching_networks(reader):
    chain = chain_model(3000)
    chain.plan = simple_plan(chain)
    same(reader, [residual_network(), residual_network(1, 5, 64), chain])


def test_the_demo(reader):
    same(reader, [xlite.Interpreter(xlite.convert(DEMO).data).model])


def test_bits_as_inputs_and_outputs(reader):
    networks = models.of_cases(range(20, 26))
    ends = {model.tensors[t].type.dtype for model in networks for t in (*model.inputs, *model.outputs)}
    assert ends == {*DType}
    same(reader, networks)
