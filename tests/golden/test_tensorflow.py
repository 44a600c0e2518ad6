"""The recorded outputs against the TensorFlow that is installed, and live models against both."""

from __future__ import annotations

import os

import numpy as np
import pytest

from tests.golden import stored

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras", reason="Keras is not installed: the recorded outputs are checked alone")
pytestmark = pytest.mark.keras

import xlite  # noqa: E402
import xlite.layers  # noqa: E402
from tests.golden.cases import all_cases  # noqa: E402
from tests.golden.record import outputs_of, seeded  # noqa: E402

CASES = {f"{case.family}:{case.name}": case for case in all_cases()}
OTHERS = "larq:"  # recorded by record_larq.py, from the Keras that Larq needs


def test_the_store_has_every_case_and_no_other():
    assert sorted(CASES) == sorted(name for name in stored.names() if not name.startswith(OTHERS))


@pytest.mark.parametrize("name", list(CASES))
def test_recorded_outputs_are_current(name):
    """The model as built and seeded now gives what was recorded, and a live model converts to the same bytes."""
    arrays = stored.load(name)
    model = seeded(CASES[name])
    outputs = outputs_of(model, stored.numbered(arrays, "x"))
    for got, want in zip(outputs, stored.numbered(arrays, "y")):
        np.testing.assert_allclose(got, want, rtol=0, atol=stored.RELATIVE * np.abs(want).max())
    live = xlite.Interpreter(xlite.convert(model, **stored.options(name)).data, backend="numpy")(
        *stored.numbered(arrays, "x")
    )
    live = live if isinstance(live, (list, tuple)) else [live]
    assert stored.compare([np.asarray(y) for y in live], arrays) <= 1
