"""Ways in which older Keras wrote the same thing, crafted by hand."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from tests.converter.evaluate import evaluate
from tests.converter.frontend.files import write_h5
from xlite.converter.frontend import Ref, read
from xlite.converter.frontend.config import parse_model
from xlite.converter.frontend.inline import inline
from xlite.converter.frontend.keras_zip import snake_case
from xlite.converter.lowering import lower
from xlite.schema.errors import ConversionError

RNG = np.random.default_rng(0)
KERNEL, BIAS = RNG.normal(size=(3, 2)).astype(np.float32), RNG.normal(size=2).astype(np.float32)
WEIGHTS = {"d": {"d/kernel:0": KERNEL, "d/bias:0": BIAS}}
X = RNG.normal(size=(4, 3)).astype(np.float32)


def dense(**changes):
    return {"class_name": "Dense", "config": {"name": "d", "units": 2, **changes}}


def is_the_dense_layer(path):
    got = evaluate(lower(read(path)), X)[0]
    np.testing.assert_allclose(got, X @ KERNEL + BIAS, rtol=1e-6, atol=1e-6)


def test_sequential_as_a_list_and_shape_in_its_first_layer(tmp_path):
    """Keras before 2.2.3."""
    config = {"class_name": "Sequential", "config": [dense(batch_input_shape=[None, 3])]}
    write_h5(tmp_path / "m.h5", config, WEIGHTS)
    is_the_dense_layer(tmp_path / "m.h5")
    assert read(tmp_path / "m.h5").inputs == [Ref("d_input")]


def test_sequential_with_its_input_shape_beside_the_layers(tmp_path):
    config = {
        "class_name": "Sequential",
        "config": {"name": "m", "layers": [dense()], "build_input_shape": [None, 3]},
    }
    write_h5(tmp_path / "m.h5", config, WEIGHTS)
    is_the_dense_layer(tmp_path / "m.h5")


def test_sequential_without_any_shape(tmp_path):
    write_h5(
        tmp_path / "m.h5", {"class_name": "Sequential", "config": {"name": "m", "layers": [dense()]}}, WEIGHTS
    )
    with pytest.raises(ConversionError, match="input 'd_input' has no shape; give the model one"):
        lower(read(tmp_path / "m.h5"))
    write_h5(tmp_path / "m.h5", {"class_name": "Sequential", "config": {"name": "m", "layers": []}}, {})
    with pytest.raises(ConversionError, match="'m' has no layers"):
        read(tmp_path / "m.h5")


@pytest.mark.parametrize("call", [["x", 0, 0, {}], ["x", 0, 0], [["x", 0, 0, {}]], [["x", 0, 0]]])
@pytest.mark.parametrize("boundary", [["x", 0, 0], [["x", 0, 0]], {"x": ["x", 0, 0]}])
def test_calls_and_inputs_with_and_without_lists(call, boundary, tmp_path):
    x = {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [None, 3]}, "inbound_nodes": []}
    config = {
        "name": "m",
        "layers": [{**x, "name": "x"}, {**dense(), "name": "d", "inbound_nodes": [call]}],
        "input_layers": boundary,
        "output_layers": [["d", 0, 0]],
    }
    write_h5(tmp_path / "m.h5", {"class_name": "Model", "config": config}, WEIGHTS)
    is_the_dense_layer(tmp_path / "m.h5")


def test_names_as_lists_and_keys_that_newer_keras_refuses(tmp_path):
    kernel = RNG.normal(size=(2, 2, 3, 1)).astype(np.float32)
    layers = [
        {"class_name": "InputLayer", "config": {"name": ["x"], "batch_input_shape": [None, 4, 4, 3]}},
        {
            "class_name": "DepthwiseConv2D",
            "config": {
                "name": ["dw"],
                "kernel_size": [2, 2],
                "groups": 1,
                "depth_multiplier": 1,
                "use_bias": False,
            },
        },
        {"class_name": "BatchNormalizationV2", "config": {"name": "bn", "axis": [3], "epsilon": 0.001}},
        {"class_name": "LeakyReLU", "config": {"name": "act", "alpha": 0.25}},
        {"class_name": "ThresholdedReLU", "config": {"name": "cut", "theta": 0.5}},
    ]
    ones = np.ones(3, np.float32)
    statistics = {f"bn/{i}:0": ones for i in range(4)}
    weights = {"dw": {"dw/depthwise_kernel:0": kernel}, "bn": statistics, "act": {}, "cut": {}}
    write_h5(tmp_path / "m.h5", {"class_name": "Sequential", "config": {"name": "m", "layers": layers}}, weights)
    model = read(tmp_path / "m.h5")
    assert [layer.name for layer in model.layers] == ["x", "dw", "bn", "act", "cut"]
    x = RNG.normal(size=(2, 4, 4, 3))
    taps = np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(1, 2))
    y = np.einsum("nhwcij,ijc->nhwc", taps, kernel[..., 0])
    y = (y - 1) / np.sqrt(1.001) + 1
    y = np.where(y > 0, y, 0.25 * y)
    np.testing.assert_allclose(evaluate(lower(model), x)[0], np.where(y > 0.5, y, 0), rtol=1e-5, atol=1e-6)


def test_names_in_several_attributes(tmp_path):
    """Keras splits a list of names that does not fit one HDF5 attribute."""
    path = tmp_path / "m.h5"
    write_h5(path, {"class_name": "Sequential", "config": [dense(batch_input_shape=[None, 3])]}, WEIGHTS)
    with h5py.File(path, "a") as file:
        group = file["model_weights/d"]
        del group.attrs["weight_names"]
        group.attrs["weight_names0"] = [b"d/kernel:0"]
        group.attrs["weight_names1"] = [b"d/bias:0"]
    is_the_dense_layer(path)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_weights_of_another_width(dtype, tmp_path):
    weights = {"d": {name: array.astype(dtype) for name, array in WEIGHTS["d"].items()}}
    policy = {"class_name": "Policy", "config": {"name": "float16"}}
    config = {"class_name": "Sequential", "config": [dense(batch_input_shape=[None, 3], dtype=policy)]}
    write_h5(tmp_path / "m.h5", config, weights)
    model = read(tmp_path / "m.h5")
    assert [w.dtype for w in model.layer("d").weights] == [np.float32, np.float32]
    np.testing.assert_array_equal(model.layer("d").weights[0], KERNEL.astype(dtype).astype(np.float32))
    assert model.notes == ["d: 'float16' in Keras, computed in float32 here"]


@pytest.mark.parametrize(
    "policy",
    [
        "int8_from_float32",
        {
            "module": "keras.dtype_policies",
            "class_name": "QuantizedDTypePolicy",
            "config": {"mode": "int8", "source_name": "float32"},
        },
        "int32",
    ],
)
def test_policies_that_cannot_be_honoured(policy, tmp_path):
    config = {"class_name": "Sequential", "config": [dense(batch_input_shape=[None, 3], dtype=policy)]}
    write_h5(tmp_path / "m.h5", config, WEIGHTS)
    with pytest.raises(
        ConversionError, match=r"layer 'd' has the dtype policy .*convert the model as it was before"
    ):
        read(tmp_path / "m.h5")


def test_integer_inputs_are_noted(tmp_path):
    x = {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 3], "dtype": "uint8"}}
    write_h5(tmp_path / "m.h5", {"class_name": "Sequential", "config": {"layers": [x, dense()]}}, WEIGHTS)
    is_the_dense_layer(tmp_path / "m.h5")
    assert read(tmp_path / "m.h5").notes == [
        "input x is uint8 in Keras and float32 here: give it the same numbers as float32"
    ]


def test_subclassed_models(tmp_path):
    write_h5(tmp_path / "m.h5", {"class_name": "MyModel", "config": {"width": 3}}, {})
    with pytest.raises(ConversionError, match=r"\(MyModel\) is a subclassed model.*rebuild it as a functional"):
        read(tmp_path / "m.h5")


def spec(*, legacy, offset):
    """A model that calls a nested one twice, in a row; call numbers as a dialect counts them."""

    def call(name, number):
        if legacy:
            return [[name, number, 0, {}]]
        tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": [name, number, 0]}}
        return {"args": [tensor], "kwargs": {"mask": None}}

    def model(name, layers, output):
        x = {"class_name": "InputLayer", "config": {"batch_shape": [None, 2]}, "name": "x", "inbound_nodes": []}
        config = {"name": name, "layers": [x, *layers], "input_layers": [["x", 0, 0]], "output_layers": [output]}
        return {"class_name": "Functional", "config": config, "name": name}

    act = {"class_name": "ReLU", "config": {}, "name": "act", "inbound_nodes": [call("x", 0)]}
    inner = model("inner", [act], ["act", 0, 0])
    inner["inbound_nodes"] = [call("x", 0), call("inner", offset)]
    return model("outer", [inner], ["inner", 1 + offset if legacy else 2, 0])


@pytest.mark.parametrize(("legacy", "offset"), [(True, 0), (True, 1), (False, 0)])
def test_call_numbers_of_nested_models(legacy, offset):
    """Keras 2 counts a nested model's calls from 1 or from 0; Keras 3 from 0, but from 1 among the outputs."""
    model, paths = inline(parse_model(spec(legacy=legacy, offset=offset)))
    assert model.order == [("x", 0), ("inner/act", 0), ("inner/act", 1)]
    assert [call.inputs for call in model.layer("inner/act").calls] == [[Ref("x")], [Ref("inner/act", 0)]]
    assert model.outputs == [Ref("inner/act", 1)]
    assert paths["inner/act"] == ("inner", "act")


def test_keyword_arguments_and_training_reach_inner_layers():
    config = spec(legacy=True, offset=1)
    inner = config["config"]["layers"][1]
    inner["inbound_nodes"][0][0][3] = {"training": True}
    model, _ = inline(parse_model(config))
    first, second = model.layer("inner/act").calls
    assert first.kwargs == {"training": True}
    assert second.kwargs == {}


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Conv2D", "conv2d"),
        ("QuantConv2D", "quant_conv2d"),
        ("BatchNormalization", "batch_normalization"),
        ("PReLU", "p_re_lu"),
        ("ReLU", "re_lu"),
        ("GlobalAveragePooling2D", "global_average_pooling2d"),
        ("LSTM", "lstm"),
        ("TFOpLambda", "tf_op_lambda"),
    ],
)
def test_folder_names(name, folder):
    assert snake_case(name) == folder
