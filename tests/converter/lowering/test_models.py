"""Whole models, live and through files, against Keras."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed")
pytestmark = pytest.mark.keras

from tests.converter.evaluate import evaluate  # noqa: E402
from tests.converter.lowering.checking import check, check_files, inputs_of, seeded  # noqa: E402
from xlite import layers as xl  # noqa: E402
from xlite.converter.frontend import read  # noqa: E402
from xlite.converter.lowering import lower  # noqa: E402
from xlite.quantizers import ApproxSign, SteSign  # noqa: E402
from xlite.schema.errors import UnsupportedLayerError  # noqa: E402

L = keras.layers


def test_outputs_that_are_inputs_or_equal():
    x = keras.Input((4,), name="x")
    y = L.ReLU()(x)
    graph = check(keras.Model(x, [x, y, y, L.Dropout(0.5)(y)]))
    assert len(set(graph.outputs)) == 4
    assert not set(graph.outputs) & set(graph.inputs)
    check(keras.Sequential([keras.Input((3,)), L.Dropout(0.5)]))


def test_values_are_named_after_the_layer_they_equal():
    x = keras.Input((6, 6, 3), name="image")
    shared = L.Conv2D(3, 3, padding="same", activation="relu", name="conv")
    y = shared(shared(x))
    model = keras.Model(x, L.Activation(SteSign(), name="bits")(y))
    graph = lower(read(model))
    names = [node.output.name for node in graph.nodes]
    assert names == ["conv/conv_2d", "conv", "conv/conv_2d", "conv:1", "conv:1:sign", "bits"]
    assert {node.layers for node in graph.nodes} == {("conv",), ("bits",)}
    kernels = [node.inputs[1] for node in graph.nodes if node.kind.name == "CONV_2D"]
    assert kernels[0] is kernels[1], "a shared layer has its weights once"
    assert [row.parameters for row in graph.layers] == [0, 3 * 3 * 3 * 3 + 3, 0]


def nested_model():
    """Two inputs, three outputs, a layer called three times, nested models called twice, models in models."""
    deep_in = keras.Input((6, 6, 3), name="deep_in")
    deep = keras.Model(deep_in, L.Conv2D(2, 1, name="point")(deep_in), name="deep")
    inner_in = [keras.Input((6, 6, 2), name="p"), keras.Input((6, 6, 2), name="q")]
    joined = L.Concatenate(name="joined")(inner_in)
    half = L.Conv2D(3, 3, padding="same", name="conv")(joined)
    half = L.BatchNormalization(name="norm")(half)
    inner = keras.Model(inner_in, [deep(half), half], name="inner")
    chain = keras.Sequential(
        [L.Conv2D(2, 1, name="conv"), L.BatchNormalization(name="norm"), L.ReLU(name="relu")], name="chain"
    )
    a, b = keras.Input((6, 6, 2), name="a"), keras.Input((6, 6, 2), name="b")
    shared = L.Conv2D(2, 1, name="shared")
    s, t = shared(a), shared(b)
    u, v = inner([s, t])
    w, z = inner([t, shared(s)])
    total = chain(L.Add(name="total")([u, w]))
    return keras.Model([a, b], [chain(total), v, L.Concatenate(name="last")([z, total])], name="outer")


@pytest.mark.parametrize("form", ["live", "h5", "keras"])
def test_nested_models_in_every_form(form, tmp_path):
    model = seeded(nested_model())
    xs = inputs_of(model)
    expected = model.predict_on_batch(xs)
    source = model
    if form != "live":
        source = tmp_path / f"model.{form}"
        model.save(source)
    read_model = read(source)
    assert read_model.keras_version == keras.__version__
    assert {"inner/deep/point", "inner/conv", "chain/conv", "shared"} <= {
        layer.name for layer in read_model.layers
    }
    for mine, theirs in zip(evaluate(lower(read_model), *xs), expected):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


def test_layers_of_one_name_inside_a_nested_model(tmp_path):
    """In a .h5 file all weights of ``both`` lie in one group, told apart by the chains' names."""
    chains = [keras.Sequential([L.Dense(4, name="mix"), L.ReLU()], name=name) for name in ("second", "first")]
    x = keras.Input((4,), name="x")
    both = keras.Model(x, chains[0](chains[1](x)), name="both")
    y = keras.Input((4,), name="y")
    found = check_files(keras.Model(y, both(y)), tmp_path)
    assert {"both/first/mix", "both/second/mix"} <= {layer.name for layer in found.layers}


@pytest.mark.parametrize("form", ["h5", "keras"])
def test_files_give_the_same_program_as_the_live_model(form, tmp_path):
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            L.Conv2D(8, 3, padding="same", use_bias=False),
            L.BatchNormalization(),
            L.Dropout(0.3),
            xl.QuantConv2D(8, 3, padding="same", input_quantizer="ste_sign", kernel_quantizer=SteSign(1.25)),
            L.MaxPooling2D(),
            L.PReLU(shared_axes=[1, 2]),
            xl.QuantDepthwiseConv2D(3, input_quantizer=ApproxSign(), depthwise_quantizer="magnitude_aware_sign"),
            L.Flatten(),
            xl.QuantDense(5, input_quantizer="ste_sign", kernel_quantizer="approx_sign", activation="softmax"),
        ]
    )
    graph = check(model)
    path = tmp_path / f"model.{form}"
    model.save(path)
    other = lower(read(path))
    assert other.text() == graph.text()
    assert [(r.name, r.parameters) for r in other.layers] == [(r.name, r.parameters) for r in graph.layers]
    for mine, theirs in zip(other.values(), graph.values()):
        if theirs.is_constant:
            np.testing.assert_array_equal(mine.data, theirs.data)


def test_a_sequential_that_was_built_by_its_first_batch(tmp_path):
    model = keras.Sequential([L.Conv2D(4, 3), L.Flatten(), L.Dense(2)])
    model(np.zeros((1, 6, 6, 3), np.float32))
    seeded(model)
    model.save(tmp_path / "m.keras")
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype(np.float32)
    got = evaluate(lower(read(tmp_path / "m.keras")), x)[0]
    np.testing.assert_allclose(got, model.predict_on_batch(x), rtol=1e-5, atol=1e-5)


def test_inputs_and_outputs_as_dicts():
    inputs = {"right": keras.Input((3,), name="right"), "left": keras.Input((4,), name="left")}
    outputs = {"y": L.Dense(2)(inputs["right"]), "x": L.Dense(2)(inputs["left"])}
    model = seeded(keras.Model(inputs, outputs))
    graph = lower(read(model))
    xs = inputs_of(model)  # model.inputs are flat, in the order of the sorted keys
    expected = model.predict_on_batch(dict(zip(sorted(inputs), xs)))
    assert [value.name for value in graph.inputs] == ["left", "right"]
    for key, mine in zip(sorted(outputs), evaluate(graph, *xs)):
        np.testing.assert_allclose(mine, expected[key], rtol=1e-5, atol=1e-5)


def test_a_nested_model_that_takes_a_dict():
    parts = {"p": keras.Input((3,), name="p"), "q": keras.Input((4,), name="q")}
    inner = keras.Model(parts, L.Concatenate()([parts["q"], parts["p"]]), name="inner")
    a, b = keras.Input((3,), name="a"), keras.Input((4,), name="b")
    check(keras.Model([a, b], L.Dense(2)(inner({"q": b, "p": a}))))


def test_a_layer_in_two_models(tmp_path):
    """Keras writes its weights once into a .keras file."""
    common = L.Dense(4, name="common")
    x = keras.Input((4,), name="x")
    inner = keras.Model(x, common(x), name="inner")
    y = keras.Input((4,), name="y")
    model = check_files(keras.Model(y, common(inner(y))), tmp_path)
    assert sum(layer.name.endswith("common") for layer in model.layers) == 2


def test_mixed_precision_is_computed_in_float32_and_noted(tmp_path):
    model = keras.Sequential([keras.Input((6,)), L.Dense(4, dtype="mixed_float16"), L.Dense(3, dtype="bfloat16")])
    seeded(model)
    model.save(tmp_path / "m.h5")
    model.save(tmp_path / "m.keras")
    kernels = [np.asarray(w).astype(np.float32) for w in model.get_weights()]
    for source in (tmp_path / "m.h5", tmp_path / "m.keras", model):
        found = read(source)
        assert len(found.notes) == 2
        assert "mixed_float16" in found.notes[0]
        weights = [w for layer in found.layers for w in layer.weights]
        for mine, theirs in zip(weights, kernels):
            assert mine.dtype == np.float32
            np.testing.assert_array_equal(mine, theirs)


def test_functions_between_layers(tmp_path):
    """``keras.ops`` in a functional model: no layers, without weights, and numbered apart from them."""
    ops = keras.ops
    a, b = keras.Input((4, 6), name="a"), keras.Input((4, 6), name="b")
    total = L.Dense(6)(a) + L.Add()([a, b])
    joined = ops.relu(ops.concatenate([ops.softmax(total, axis=-1), b], axis=1))
    outputs = [
        L.Dense(2)(ops.reshape(joined, (-1, 48))),
        keras.activations.relu(total, max_value=1.5, negative_slope=0.1),
        ops.leaky_relu(total, 0.3),
        ops.relu6(total),
        ops.tanh(total),
        ops.sigmoid(total),
        ops.hard_tanh(total),
    ]
    model = keras.Model([a, b], outputs)
    check(model)
    check_files(model, tmp_path)


def test_constants_between_layers(tmp_path):
    a = keras.Input((4,), name="a")
    model = keras.Model(a, L.Dense(2)(a * 0.5 + 2.0))
    check(model)
    check_files(model, tmp_path)


def test_functions_that_are_not_known():
    a = keras.Input((4,), name="a")
    model = keras.Model(a, keras.ops.cumsum(a, axis=1))
    with pytest.raises(UnsupportedLayerError, match=r'@xlite.converter.lowering\("keras.ops.Cumsum"\)'):
        lower(read(model))
