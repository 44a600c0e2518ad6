"""What cannot be lowered: the layer's name, its class and the mend, in one sentence."""

from __future__ import annotations

import numpy as np
import pytest

from tests.converter.lowering.build import conv, layer, model
from xlite.converter.frontend import Call, KerasLayer, KerasModel, Ref
from xlite.converter.lowering import lower
from xlite.schema.errors import ConversionError, UnsupportedLayerError

ONES = np.ones(2)
BN = [ONES, ONES, ONES, ONES]
LAMBDA = {"class_name": "__lambda__", "config": {"value": "code"}}

# (layers of the model, kind of error, pattern)
REFUSED = {
    "unknown layer": (
        layer("Warp", registered_name="MyPkg>Warp"),
        UnsupportedLayerError,
        r"layer 'layer' \(MyPkg>Warp\) has no lowering; .*@xlite.converter.lowering\(\"MyPkg>Warp\"\)",
    ),
    "somebody else's Dense": (
        layer("Dense", {"units": 2}, module="their.layers"),
        UnsupportedLayerError,
        r"\(Dense\) has no lowering",
    ),
    "code": (layer("Lambda", {"function": LAMBDA}), UnsupportedLayerError, "holds Python code.*; replace it"),
    "channels first": (
        conv(data_format="channels_first"),
        UnsupportedLayerError,
        "has data_format='channels_first'; build the model with data_format='channels_last'",
    ),
    "channels first, pool": (
        layer("MaxPooling2D", {"pool_size": [2, 2], "data_format": "channels_first"}),
        UnsupportedLayerError,
        "channels_first",
    ),
    "padding": (conv(padding="causal"), UnsupportedLayerError, "has padding='causal'; use 'same' or 'valid'"),
    "kernel size": (conv(kernel_size=[5, 3]), ConversionError, r"kernel of shape \(3, 3, 2, 3\).*\(5, 3, 2, 3\)"),
    "channels": (conv(channels=5), ConversionError, r"has a kernel of shape \(3, 3, 5, 3\)"),
    "no images": (layer("MaxPooling2D", {"pool_size": 2}), ConversionError, "has an input of 2 axes"),
    "unknown quantizer": (
        conv(kernel_quantizer="sign_of_the_times"),
        ConversionError,
        r"kernel_quantizer 'sign_of_the_times', which is unknown; use one of annealed_sign, approx_sign.*"
        r"@xlite.converter.lowering.kernel_quantizer\(\"sign_of_the_times\"\)",
    ),
    "unknown input quantizer": (
        conv(input_quantizer={"class_name": "Q", "config": {}, "registered_name": "MyPkg>Q"}),
        ConversionError,
        r"@xlite.converter.lowering.input_quantizer\(\"MyPkg>Q\"\)",
    ),
    "a kernel's quantizer on an input": (
        conv(input_quantizer="magnitude_aware_sign"),
        ConversionError,
        "input by magnitude_aware_sign, which takes a mean",
    ),
    "quantizer of code": (conv(kernel_quantizer=LAMBDA), ConversionError, "code, which is never run"),
    "unknown activation": (
        conv(activation="my_own"),
        UnsupportedLayerError,
        r"the activation 'my_own', which has no op.*@xlite.converter.lowering.activation",
    ),
    "activation of code": (conv(activation=LAMBDA), ConversionError, "code, which is never run"),
    "training batch norm": (
        layer("BatchNormalization", {}, BN, training=True),
        ConversionError,
        "is called with training=True; build the model without it",
    ),
    "training dropout": (layer("Dropout", training=True), ConversionError, "is called with training=True"),
    "mask": (layer("Softmax", mask=Ref("x")), UnsupportedLayerError, "is called with a tensor as mask="),
    "batch norm axis": (layer("BatchNormalization", {"axis": 1}, BN), UnsupportedLayerError, "over axis 1"),
    "batch norm renorm": (layer("BatchNormalization", {"renorm": True}, BN), UnsupportedLayerError, "renorm"),
    "batch norm variance": (
        layer("BatchNormalization", {}, [*BN[:3], -ONES]),
        ConversionError,
        "give no finite scale",
    ),
    "batch norm weights": (
        layer("BatchNormalization", {}, BN[:3]),
        ConversionError,
        r"should have 4 weights \(gamma, beta, moving_mean, moving_variance\) and the file holds 3",
    ),
    "softmax axis": (layer("Softmax", {"axis": 0}), UnsupportedLayerError, "over the batch axis"),
    "relu": (layer("ReLU", {"max_value": 1.0, "threshold": 2.0}), UnsupportedLayerError, "max_value below"),
    "reshape": (layer("Reshape", {"target_shape": [5, 5]}), ConversionError, "reshapes .* other elements"),
    "reshape by nothing": (layer("Reshape", {"target_shape": [-1, 5]}), ConversionError, "other elements"),
    "concatenate the batch": (
        layer("Concatenate", {"axis": 0}, inputs=("x", "x")),
        UnsupportedLayerError,
        "runs over the batch axis",
    ),
    "nothing to add": (layer("Add", inputs=()), ConversionError, "could not be lowered|has no inputs"),
    "too many inputs": (layer("ReLU", inputs=("x", "x")), ConversionError, r"could not be lowered \(TypeError"),
    "prelu": (layer("PReLU", {}, [np.ones((4, 4))]), ConversionError, "layer: prelu slope"),
    "rescaling": (layer("Rescaling", {"scale": [1, 2, 3]}), UnsupportedLayerError, r"scale of shape \(3,\)"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused(name):
    refused, kind, pattern = REFUSED[name]
    layers = [layer("Flatten", name="flat"), refused] if name == "no images" else [refused]
    if name == "no images":
        refused.calls = [Call([Ref("flat")])]
    if name == "nothing to add":
        refused.calls = [Call([])]
    with pytest.raises(kind, match=pattern) as caught:
        lower(model(*layers))
    assert "\n" not in str(caught.value)
    assert "layer" in str(caught.value)


def test_addends_of_different_shapes():
    flat = layer("Flatten", name="flat")
    with pytest.raises(ConversionError, match=r"layer: add shapes .* do not broadcast"):
        lower(model(flat, layer("Add", inputs=("x", "flat"))))


@pytest.mark.parametrize(
    ("shape", "pattern"),
    [
        (None, r"input 'x' has no shape; give the model one"),
        ([], "no shape"),
        ([None], "a batch axis only"),
        ([None, None, 8, 3], r"unknown axis besides the batch; build the model .*keras.Input\(\(32, 8, 3\)\)"),
        ([None, 0, 3], "give it whole numbers above 0"),
        ([None, "a", 3], "give it whole numbers above 0"),
    ],
)
def test_inputs(shape, pattern):
    x = KerasLayer("x", "InputLayer", "InputLayer", {"batch_shape": shape}, [Call()])
    with pytest.raises(ConversionError, match=pattern):
        lower(KerasModel("m", [x], [("x", 0)], [Ref("x")], [Ref("x")]))


def test_a_fixed_batch_becomes_one():
    x = KerasLayer("x", "InputLayer", "InputLayer", {"batch_shape": [16, 5]}, [Call()])
    graph = lower(KerasModel("m", [x], [("x", 0)], [Ref("x")], [Ref("x")]))
    assert graph.inputs[0].type.shape == (1, 5)
