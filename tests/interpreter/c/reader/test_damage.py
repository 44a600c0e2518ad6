"""Damaged files: the C reader accepts what Python's verifier accepts, and nothing else; what both accept runs, and
gives the same. All of it under sanitizers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import xlite
from tests.interpreter.c.reader import damage
from tests.interpreter.c.reader.comparing import check
from tests.interpreter.random_networks import random_network
from tests.schema.models import every_op_model, small_model
from xlite.interpreter.kernels.c.library import ISA_ENVIRONMENT, PORTABLE
from xlite.schema.writer import write_model

DEMO = Path(__file__).parents[4] / "examples" / "fashion" / "model.h5"


@pytest.fixture(autouse=True)
def _portable(monkeypatch):
    monkeypatch.setenv(ISA_ENVIRONMENT, PORTABLE)


@pytest.fixture(scope="module")
def small() -> bytes:
    return write_model(small_model())


@pytest.fixture(scope="module")
def every_op() -> bytes:
    return write_model(every_op_model())


def test_truncated(reader, small, every_op):
    for data in (small, every_op):
        step = 1 if data is small else 5
        accepted, _ = check(reader, [data[:length] for length in range(0, len(data), step)])
        assert accepted < 16, "without the padding at its end a file may be valid"


def test_the_demo_truncated_and_changed(reader):
    demo = xlite.convert(DEMO).data
    pick = random.Random(3)
    lengths = [*range(0, len(demo), 997), *range(len(demo) - 64, len(demo))]
    assert check(reader, [demo[:length] for length in lengths])[0] == 0
    accepted, refused = check(reader, [*damage.with_fields_at_edges(demo, pick, 2)], run=True)
    assert accepted > 50
    assert refused > 500


@pytest.mark.parametrize("model", [small_model, every_op_model], ids=lambda model: model.__name__)
def test_every_field_at_the_edges_of_its_range(reader, model):
    data = write_model(model())
    each = 40 if model is small_model else 6
    accepted, refused = check(reader, [*damage.with_fields_at_edges(data, random.Random(0), each)])
    assert accepted > 200
    assert refused > 3000


@pytest.mark.parametrize("seed", range(6))
def test_fields_of_random_networks(reader, seed):
    """Run, where they are still valid."""
    pick = random.Random(seed)
    data = write_model(random_network(seed, ops=6))
    files = [*damage.with_fields_at_edges(data, pick, 2), *damage.with_fields_swapped(data, pick, 200)]
    accepted, refused = check(reader, pick.sample(files, min(len(files), 600)), run=True)
    assert accepted > 20
    assert refused > 100


def test_fields_swapped(reader, small, every_op):
    pick = random.Random(1)
    files = [*damage.with_fields_swapped(small, pick, 3000), *damage.with_fields_swapped(every_op, pick, 2000)]
    accepted, refused = check(reader, files)
    assert accepted > 20
    assert refused > 3000


def test_bytes_changed(reader, small, every_op):
    pick = random.Random(2)
    files = [*damage.with_bytes_changed(small, pick, 3000), *damage.with_bytes_changed(every_op, pick, 2000)]
    accepted, refused = check(reader, files)
    assert accepted > 100
    assert refused > 1000
