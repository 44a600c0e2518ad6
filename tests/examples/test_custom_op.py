"""The example of an op of one's own runs, and its op is where the file says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("keras", reason="the example builds a Keras model")
pytestmark = pytest.mark.keras

import xlite  # noqa: E402

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_op" / "custom_op.py"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("custom_op_example", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_packed_model_equals_keras(example):
    assert example.main() < 1e-4


def test_without_the_function_the_error_names_the_op_and_the_mend(example):
    data = xlite.convert(example.build_model()).data
    with pytest.raises(xlite.Error, match=r"examples\.SoftGate.*register_custom"):
        xlite.Interpreter(data)
