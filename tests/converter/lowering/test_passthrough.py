"""Layers that do nothing at inference, and functions that only have another name, against Keras."""

from __future__ import annotations

import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed")
pytestmark = pytest.mark.keras

from tests.converter.lowering.checking import check, one  # noqa: E402
from xlite.converter.lowering import passthrough, registry  # noqa: E402

ops = keras.ops

# What the constructors insist on.
ARGUMENTS = {
    "AlphaDropout": {"rate": 0.5},
    "Dropout": {"rate": 0.5},
    "GaussianDropout": {"rate": 0.5},
    "GaussianNoise": {"stddev": 0.5},
    "RandomBrightness": {"factor": 0.2},
    "RandomColorDegeneration": {"factor": 0.2},
    "RandomContrast": {"factor": 0.2},
    "RandomHue": {"factor": 0.2},
    "RandomPosterization": {"factor": 4},
    "RandomRotation": {"factor": 0.2},
    "RandomSaturation": {"factor": 0.2},
    "RandomSharpness": {"factor": 0.2},
    "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.2},
    "RandomZoom": {"height_factor": 0.2},
    "SpatialDropout1D": {"rate": 0.5},
    "SpatialDropout2D": {"rate": 0.5},
    "SpatialDropout3D": {"rate": 0.5},
}
SHAPES = {"SpatialDropout1D": (4, 3), "SpatialDropout3D": (2, 4, 4, 3)}
SILENT = sorted(
    name
    for name, function in registry._LOWERINGS.items()
    if function.__module__ == passthrough.__name__ and hasattr(keras.layers, name)
)


@pytest.mark.parametrize("name", SILENT)
def test_nothing_happens_at_inference(name):
    layer = getattr(keras.layers, name)(**ARGUMENTS.get(name, {}))
    graph = one(layer, SHAPES.get(name, (6, 6, 3)))
    assert graph.outputs[0].type == graph.inputs[0].type


def test_most_of_them_are_in_this_keras():
    assert len(SILENT) > 30


@pytest.mark.parametrize(
    "function",
    [
        ops.copy,
        ops.stop_gradient,
        ops.absolute,
        lambda x: ops.true_divide(x, 4.0),
        lambda x: keras.activations.relu(x, negative_slope=0.1, max_value=2.0, threshold=0.5),
    ],
)
def test_functions_of_other_names(function):
    inputs = keras.Input((4, 3))
    check(keras.Model(inputs, function(inputs)))


def test_a_synchronized_batch_norm_is_one():
    one(keras.layers.BatchNormalization(synchronized=True))
