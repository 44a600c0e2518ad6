"""Activations of NaN and infinities: what Keras makes of them, the lowered program makes."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed")
pytestmark = pytest.mark.keras

from tests.converter.evaluate import evaluate  # noqa: E402
from xlite.converter.frontend import read  # noqa: E402
from xlite.converter.lowering import lower  # noqa: E402

ODD = np.array([[np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.3, -0.3]], np.float32)
NAMES = """relu relu6 leaky_relu hard_tanh elu selu celu gelu silu mish softplus softsign sigmoid tanh exponential
hard_sigmoid hard_silu log_sigmoid tanh_shrink soft_shrink hard_shrink squareplus sparse_plus sparse_sigmoid"""

# The op is alpha * (x - threshold) below the threshold, with alpha = 0 too: 0 * inf.
NAN_OF_MINUS_INFINITY = ("relu", "relu6")


@pytest.mark.parametrize("name", NAMES.split())
def test_as_keras(name):
    model = keras.Sequential([keras.Input(ODD.shape[1:]), keras.layers.Activation(name)])
    expected = np.asarray(model(ODD))
    with np.errstate(all="ignore"):
        (got,) = evaluate(lower(read(model)), ODD)
    if name in NAN_OF_MINUS_INFINITY:
        expected = np.where(np.isneginf(ODD), np.nan, expected)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
