"""NaN and infinities through every activation: what the reference does, every backend does."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.interpreter.making import activation_of
from tests.interpreter.networks import Builder
from xlite.interpreter import Interpreter, backends
from xlite.schema.types import ActivationKind, ActivationOptions, OpKind

ODD = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 3e38, -3e38, 1.0, -1.0, 0.5, -0.5], np.float32)
KINDS = [kind for kind in ActivationKind if kind is not ActivationKind.NONE]

# As in Keras, which compares and else takes a constant: NaN is above no threshold.
STOP_NAN = {ActivationKind.THRESHOLD, ActivationKind.SOFT_SHRINK, ActivationKind.HARD_SHRINK}


def activated(kind, backend):
    b = Builder()
    x = b.input((len(ODD),))
    options = ActivationOptions(activation_of(kind, random.Random(0)))
    model = b.model([b.op(OpKind.ACTIVATION, (x,), options)])
    with np.errstate(all="ignore"):
        return options.activation, Interpreter(model, backend=backend)(ODD[None])[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backend", [name for name in backends.available_backends() if name != "numpy"])
def test_backends_agree(kind, backend):
    (_, expected), (_, got) = activated(kind, "numpy"), activated(kind, backend)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_nan_goes_through_but_for_comparisons(kind):
    activation, got = activated(kind, "numpy")
    if kind in STOP_NAN:
        wanted = activation.alpha if kind is ActivationKind.THRESHOLD else 0.0
        np.testing.assert_array_equal(got[:2], np.float32(wanted))
    else:
        assert np.isnan(got[:2]).all()
