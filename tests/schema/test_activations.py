"""What is said to rise, by its function in float64."""

from __future__ import annotations

import numpy as np
import pytest

from xlite.converter.passes.chains import FUNCTIONS
from xlite.schema.activations import is_rising
from xlite.schema.types import Activation, ActivationKind


@pytest.mark.parametrize("kind", ActivationKind)
@pytest.mark.parametrize(("alpha", "threshold"), [(0.1, 0.0), (-0.1, 0.0), (0.1, -1.0)])
def test_activations_rise_where_their_values_do(kind, alpha, threshold):
    activation = Activation(kind, alpha=alpha, threshold=threshold)
    if kind not in FUNCTIONS:  # stays an op of its own
        assert not is_rising(activation)
        return
    with np.errstate(over="ignore", invalid="ignore"):
        values = FUNCTIONS[kind](np.linspace(-8, 8, 4001), activation)
        rises = bool(np.all(np.diff(values) >= -1e-12))
    if alpha < 0 and kind is ActivationKind.CELU:  # exp(x / alpha) rises with both signs of alpha; Keras wants one
        assert not is_rising(activation)
        return
    assert is_rising(activation) == rises
