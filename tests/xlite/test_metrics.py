"""FlipRatio against a count by hand."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from xlite.metrics import FlipRatio  # noqa: E402


@pytest.mark.parametrize("shape", [(7,), (3, 3, 4, 5)])
@pytest.mark.parametrize("compiled", [False, True])
def test_flip_ratio_is_the_mean_share_of_changed_signs(shape, compiled):
    tf = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(2)
    steps = [rng.normal(size=shape).astype(np.float32) for _ in range(5)]
    steps[1].flat[0], steps[2].flat[0] = 0.0, -0.0  # both zeros are +1: no flip between them
    metric = FlipRatio(shape)
    update = tf.function(metric.update_state) if compiled else metric.update_state
    for values in steps:
        update(tf.constant(values))
    signs = [values >= 0 for values in steps]
    expected = np.mean([np.mean(a != b) for a, b in zip(signs, signs[1:])])
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-6)


def test_reset_starts_a_new_mean_but_remembers_the_signs():
    metric = FlipRatio((4,))
    assert float(metric.result()) == 0
    metric.update_state(np.array([1, 1, 1, 1], np.float32))
    metric.update_state(np.array([-1, -1, -1, -1], np.float32))
    assert float(metric.result()) == 1
    metric.reset_state()
    assert float(metric.result()) == 0
    metric.update_state(np.array([-1, -1, -1, 1], np.float32))
    assert float(metric.result()) == 0.25


def test_config_round_trip():
    metric = FlipRatio((3, 2), name="flips")
    config = keras.saving.serialize_keras_object(metric)
    restored = keras.saving.deserialize_keras_object(config)
    assert (restored.shape, restored.name) == ((3, 2), "flips")
