"""xlite.binarize: which layers change, what becomes of activations and norms, and that the result trains and
packs."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import xlite  # noqa: E402
from xlite import layers as xl  # noqa: E402
from xlite.binarization import Style, binarize_with_changes  # noqa: E402
from xlite.schema.errors import TrainingError  # noqa: E402

pytestmark = pytest.mark.keras
kl = keras.layers


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 0.6, shape).astype(np.float32)


def filled(model):
    """Random weights; norms rise."""
    for seed, weight in enumerate(model.weights):
        positive = any(word in weight.path for word in ("variance", "gamma"))
        value = draw(*weight.shape, seed=seed)
        weight.assign(np.abs(value) + 0.5 if positive else value)
    return model


_LINEAR = [False]  # while set, activations of the models below are there and do nothing


def relu(name):
    """As a layer of its own, of one kind or the other."""
    if _LINEAR[0]:
        return kl.LeakyReLU(negative_slope=1.0, name=name)
    return kl.Activation("relu", name=name) if name.endswith("2") else kl.ReLU(name=name)


def fused():
    return "linear" if _LINEAR[0] else "relu"


@pytest.fixture
def linear():
    _LINEAR[0] = True
    yield
    _LINEAR[0] = False


def classic():
    """As in every beginner's example: activations inside of the layers, no norms."""
    return keras.Sequential(
        [
            keras.Input((12, 12, 2)),
            kl.Conv2D(8, 3, activation=fused(), name="first"),
            kl.MaxPooling2D(name="pool"),
            kl.Conv2D(12, 3, activation=fused(), name="second"),
            kl.Flatten(name="flat"),
            kl.Dropout(0.5, name="drop"),
            kl.Dense(9, activation=fused(), name="third"),
            kl.Dense(4, activation="softmax", name="last"),
        ],
        name="classic",
    )


def normed():
    """Convolution, norm, activation, pooling."""
    stack = [keras.Input((12, 12, 3)), kl.Conv2D(8, 3, use_bias=False, name="stem")]
    for i, filters in enumerate((12, 10)):
        stack += [
            kl.BatchNormalization(name=f"norm{i}"),
            relu(f"relu{i}"),
            kl.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv{i}"),
        ]
    stack += [
        kl.BatchNormalization(name="norm2"),
        relu("relu2"),
        kl.MaxPooling2D(name="pool"),
        kl.Conv2D(6, 3, name="conv2"),
        kl.GlobalAveragePooling2D(name="mean"),
        kl.Dense(4, name="last"),
    ]
    return keras.Sequential(stack, name="normed")


def residual():
    """ResNet's blocks, with an activation as an operation, an addition as one, and a ReLU that the head reads."""
    image = keras.Input((8, 8, 3), name="image")
    x = relu("stem_relu")(kl.BatchNormalization(name="stem_norm")(kl.Conv2D(8, 3, name="stem")(image)))
    for i in range(2):
        y = kl.Conv2D(8, 3, padding="same", name=f"a{i}")(x)
        y = kl.BatchNormalization(name=f"a{i}_norm")(y)
        y = y if _LINEAR[0] else keras.ops.relu(y)
        y = kl.BatchNormalization(name=f"b{i}_norm")(kl.Conv2D(8, 3, padding="same", name=f"b{i}")(y))
        x = relu(f"out{i}")(kl.Add(name=f"add{i}")([x, y]) if i else x + y)
    return keras.Model(image, kl.Dense(3, name="head")(kl.GlobalAveragePooling2D(name="mean")(x)), name="residual")


def shared():
    """One convolution in two places, and one ReLU object in two places."""
    image = keras.Input((8, 8, 3), name="image")
    act = relu("relu")
    twice = kl.Conv2D(6, 3, padding="same", name="twice")
    x = act(kl.BatchNormalization(name="norm0")(kl.Conv2D(6, 3, name="stem")(image)))
    x = act(kl.BatchNormalization(name="norm1")(twice(x)))
    x = kl.BatchNormalization(name="norm2")(twice(x))
    return keras.Model(image, kl.Dense(3, name="head")(kl.Flatten(name="flat")(x)), name="shared")


def nested():
    inner_in = keras.Input((10, 10, 4), name="inner_in")
    y = kl.Conv2D(8, 3, padding="same", activation=fused(), name="inner_conv")(inner_in)
    inner = keras.Model(inner_in, kl.BatchNormalization(name="inner_norm")(y), name="inner")
    image = keras.Input((12, 12, 2), name="image")
    x = inner(kl.BatchNormalization(name="norm")(kl.Conv2D(4, 3, name="stem")(image)))
    return keras.Model(image, kl.Dense(3, name="head")(kl.Flatten(name="flat")(x)), name="nested")


def two_heads():
    """Two inputs, two outputs: each has its own first and last layer."""
    a, b = keras.Input((6, 6, 3), name="a"), keras.Input((6, 6, 3), name="b")
    x = kl.Concatenate(name="join")(
        [kl.BatchNormalization(name=f"{t.name}_norm")(kl.Conv2D(5, 3, name=f"{t.name}_conv")(t)) for t in (a, b)]
    )
    x = kl.BatchNormalization(name="norm")(kl.Conv2D(8, 3, name="middle")(x))
    y = kl.Flatten(name="flat")(x)
    return keras.Model(
        {"a": a, "b": b}, [kl.Dense(2, name="one")(y), kl.Dense(3, name="two")(y)], name="two_heads"
    )


def kinds():
    """Every kind of layer that has a quantized counterpart."""
    image = keras.Input((8, 8, 3), name="image")
    x = kl.BatchNormalization(name="n0")(kl.Conv2D(6, 3, padding="same", name="stem")(image))
    x = kl.BatchNormalization(name="n1")(kl.DepthwiseConv2D(3, padding="same", name="depthwise")(x))
    x = kl.BatchNormalization(name="n2")(kl.SeparableConv2D(6, 3, padding="same", name="separable")(x))
    x = kl.BatchNormalization(name="n3")(kl.Conv2DTranspose(4, 2, strides=2, name="transposed")(x))
    x = kl.Reshape((16, 16, 4, 1), name="deep")(x)
    x = kl.BatchNormalization(name="n4")(kl.Conv3D(3, 2, strides=2, name="conv3d")(x))
    x = kl.Reshape((8 * 8, 2 * 3), name="line")(x)
    x = kl.BatchNormalization(name="n5")(kl.Conv1D(5, 3, strides=2, name="conv1d")(x))
    x = kl.BatchNormalization(name="n6")(kl.SeparableConv1D(5, 3, strides=2, name="separable1d")(x))
    x = kl.BatchNormalization(name="n7")(kl.Dense(6, name="dense")(kl.Flatten(name="flat")(x)))
    return keras.Model(image, kl.Dense(3, name="head")(x), name="kinds")


def what(changes, action):
    return [change.layer for change in changes if change.action == action]


EXPECTED = {
    # model: binarized, kept, activations removed, norms inserted
    classic: (["second", "third"], ["first", "last"], ["first"], ["second_norm", "third_norm"]),
    normed: (["conv0", "conv1", "conv2"], ["stem", "last"], ["relu0", "relu1", "relu2"], []),
    residual: (["a0", "b0", "a1", "b1"], ["stem", "head"], ["stem_relu", "relu", "out0", "relu_1"], []),
    shared: (["twice"], ["stem", "head"], ["relu"], []),
    nested: (["inner/inner_conv"], ["stem", "head"], [], ["inner/inner_conv_norm"]),
    two_heads: (["middle"], ["a_conv", "b_conv", "one", "two"], [], []),
    kinds: (
        ["depthwise", "separable", "transposed", "conv3d", "conv1d", "separable1d", "dense"],
        ["stem", "head"],
        [],
        [],
    ),
}


@pytest.fixture(autouse=True)
def _names():
    keras.utils.clear_session()
    keras.utils.set_random_seed(3)


@pytest.mark.parametrize("build", EXPECTED, ids=lambda build: build.__name__)
def test_what_is_changed_and_what_is_kept(build):
    made, changes = binarize_with_changes(build())
    binarized, kept, removed, inserted = EXPECTED[build]
    assert what(changes, "binarized") == binarized
    assert sorted(what(changes, "kept")) == sorted(kept)
    assert what(changes, "removed") == removed
    assert what(changes, "inserted") == inserted
    assert type(made) is (keras.Sequential if build in (classic, normed) else type(build()))
    assert all(change.reason for change in changes if change.action != "binarized")


@pytest.mark.parametrize("build", EXPECTED, ids=lambda build: build.__name__)
def test_the_clone_packs_strictly_and_gives_what_keras_gives(build, tmp_path):
    made = filled(xlite.binarize(build(), verbose=False))
    path = tmp_path / "model.keras"
    made.save(path)
    result = xlite.convert(path, strict=True)
    assert result.report.macs.get("bitxbit", 0) > 0
    inputs = [draw(4, *tensor.shape[1:], seed=9 + i) for i, tensor in enumerate(made.inputs)]
    verified = xlite.verify(made, result.data, inputs if len(inputs) > 1 else inputs[0], backend="numpy")
    assert verified.ok, verified


def test_weights_are_copied_and_the_original_is_left_alone():
    model = filled(normed())
    before = model.get_weights()
    x = draw(3, 12, 12, 3)
    outputs = model.predict(x, verbose=0)
    made = xlite.binarize(model, verbose=False)
    for layer in model.layers:
        if layer.weights:
            for ours, theirs in zip(made.get_layer(layer.name).get_weights(), layer.get_weights()):
                np.testing.assert_array_equal(ours, theirs)
    made.set_weights([np.zeros_like(w) for w in made.get_weights()])
    for ours, theirs in zip(model.get_weights(), before):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(model.predict(x, verbose=0), outputs)


@pytest.mark.parametrize("build", [classic, normed, residual, shared, nested, kinds], ids=lambda f: f.__name__)
def test_the_surgery_alone_changes_no_value(build, linear):
    """With quantizers that do nothing and activations that do nothing, the clone gives what the model gives."""
    model = filled(build())
    made = xlite.binarize(model, input_quantizer="no_op", kernel_quantizer="no_op", verbose=False)
    new = [layer for layer in keras_layers(made) if layer.name not in names(model)]
    for layer in new:  # norms that came in: the identity, but for their epsilon
        layer.moving_variance.assign(np.full(layer.moving_variance.shape, 1 - layer.epsilon, np.float32))
    x = draw(2, *model.input_shape[1:], seed=5)
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(made.predict(x, verbose=0), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def keras_layers(model):
    return [
        inner for layer in model.layers for inner in (keras_layers(layer) if hasattr(layer, "layers") else [layer])
    ]


def names(model):
    return {layer.name for layer in keras_layers(model)}


def test_max_pooling_goes_before_a_norm_that_rises_only():
    made, changes = binarize_with_changes(normed())
    order = [layer.name for layer in made.layers]
    assert order.index("pool") + 1 == order.index("norm2")
    assert what(changes, "moved") == ["norm2"]
    model = normed()
    gamma = model.get_layer("norm2").gamma
    gamma.assign(np.where(np.arange(gamma.shape[0]) == 2, -1, 1).astype(np.float32))
    made, changes = binarize_with_changes(model)
    assert [layer.name for layer in made.layers].index("norm2") < [layer.name for layer in made.layers].index(
        "pool"
    )
    assert what(changes, "moved") == []


def test_weights_alone_leave_activations_and_norms_as_they_are():
    made, changes = binarize_with_changes(classic(), style=Style(input_quantizer=None))
    assert [layer.name for layer in made.layers] == [layer.name for layer in classic().layers]
    assert made.get_layer("second").activation is keras.activations.relu
    assert made.get_layer("second").input_quantizer is None
    assert what(changes, "removed") == what(changes, "inserted") == []
    result = xlite.convert(filled(made), strict=True)
    assert "f32xbit" in result.report.macs


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [("filter", "MagnitudeAwareSign"), ("layer", "LayerScaledSign"), (None, "SteSign")],
)
def test_alpha_names_the_kernel_quantizer(alpha, expected):
    made = xlite.binarize(kinds(), alpha=alpha, verbose=False)
    assert type(made.get_layer("dense").kernel_quantizer).__name__ == expected
    assert type(made.get_layer("separable").pointwise_quantizer).__name__ == expected
    assert type(made.get_layer("separable").depthwise_quantizer).__name__ == "SteSign"  # a sign comes next
    transposed = "LayerScaledSign" if alpha == "filter" else expected
    assert type(made.get_layer("transposed").kernel_quantizer).__name__ == transposed


def test_options_reach_the_layers():
    made = xlite.binarize(
        normed(),
        layers=["conv0"],
        input_quantizer="approx_sign",
        kernel_quantizer=xlite.quantizers.SteSign(0.5),
        clip=0.5,
        pad_values=1.0,
        verbose=False,
    )
    layer = made.get_layer("conv0")
    assert (layer.kernel_quantizer.clip_value, layer.kernel_constraint.clip_value, layer.pad_values) == (
        0.5,
        0.5,
        1.0,
    )
    assert type(layer.input_quantizer).__name__ == "ApproxSign"
    assert type(made.get_layer("conv1")) is kl.Conv2D
    assert xlite.binarize(normed(), clip=None, verbose=False).get_layer("conv0").kernel_constraint is None


def test_named_layers_may_be_the_first_and_the_last():
    made, changes = binarize_with_changes(classic(), layers=lambda layer: layer.name in ("first", "last"))
    assert what(changes, "binarized") == ["first", "last"]
    assert {c.reason for c in changes if c.action == "kept"} == {"is left out by layers="}
    assert type(made.get_layer("first")) is xl.QuantConv2D


def test_a_relu_that_a_float_layer_reads_stays():
    _, changes = binarize_with_changes(normed(), layers=["conv0"])
    assert what(changes, "removed") == ["relu0"]
    _, changes = binarize_with_changes(normed(), layers=["conv1"])
    assert what(changes, "removed") == ["relu1"]


def test_layers_without_counterpart_say_so():
    class Mine(kl.Conv2D):
        pass

    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            kl.Conv2D(4, 3, name="first"),
            Mine(4, 3, name="mine"),
            xl.QuantConv2D(4, 3, kernel_quantizer="ste_sign", name="done"),
            kl.Conv2D(4, 2, name="plain"),
            kl.TimeDistributed(kl.Dense(3, name="inside"), name="wrapper"),
            kl.Flatten(name="flat"),
            kl.Dense(2, name="last"),
        ]
    )
    made, changes = binarize_with_changes(model)
    reasons = {change.layer: change.reason for change in changes if change.action == "kept"}
    assert "no quantized Mine" in reasons["mine"]
    assert "already" in reasons["done"]
    assert what(changes, "binarized") == ["plain"]
    assert type(made.get_layer("mine")) is Mine


def test_the_table_says_it_all(capsys):
    xlite.binarize(classic())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["layer", "class", "what", "why"]
    assert any(line.split()[:3] == ["second", "Conv2D", "binarized"] for line in lines)
    xlite.binarize(classic(), verbose=False)
    assert capsys.readouterr().out == ""


def test_what_would_not_learn_is_said():
    """As Keras's guide to transfer learning builds a model: the base frozen and called for inference."""
    base = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            kl.Conv2D(4, 3, name="a"),
            kl.BatchNormalization(name="norm"),
            kl.Conv2D(4, 3, activation="relu", name="b"),
        ],
        name="base",
    )
    image = keras.Input((8, 8, 2))

    def reasons(trainable, **kwargs):
        base.trainable = trainable
        model = keras.Model(image, kl.Dense(2, name="last")(kl.Flatten()(base(image, **kwargs))))
        _, changes = binarize_with_changes(model)
        return {change.layer: change.reason for change in changes}

    told = reasons(False, training=False)
    assert "frozen" in told["base/b"]
    assert "training=False" in told["base"]
    told = reasons(True)
    assert told["base/b"] == ""
    assert "base" not in told


@pytest.mark.parametrize("sequential", [True, False])
def test_every_model_and_layer_keeps_its_own_flag_of_training(sequential):
    """Frozen bases, frozen layers in bases that are not, and layers that were let go in a frozen base."""

    def base(name):
        stack = [kl.Conv2D(4, 3, padding="same", name=f"{name}_{i}") for i in range(3)]
        image = keras.Input((8, 8, 4))
        if sequential:
            return keras.Sequential([image, *stack], name=name)
        x = image
        for layer in stack:
            x = layer(x)
        return keras.Model(image, x, name=name)

    free, frozen, mixed = (base(name) for name in ("free", "frozen", "mixed"))
    free.layers[-1].trainable = False
    frozen.trainable = False
    mixed.trainable = False
    mixed.layers[-1].trainable = True
    image = keras.Input((8, 8, 4))
    outer = keras.Model(image, mixed(kl.Conv2D(4, 1, name="outer_0")(image)), name="outer")
    outer.trainable = False
    mixed.layers[-1].trainable = True
    image = keras.Input((8, 8, 4))
    x = outer(frozen(free(image)))
    model = keras.Model(image, kl.Dense(2, name="last")(kl.Flatten()(frozen(x))), name="whole")

    def flags(part):
        inside = [flags(layer) for layer in getattr(part, "layers", []) if not isinstance(layer, kl.InputLayer)]
        return {part.name: part.trainable, **{name: flag for found in inside for name, flag in found.items()}}

    expected = flags(model)
    assert [expected[name] for name in ("free", "frozen", "mixed", "outer", "whole")] == [1, 0, 0, 0, 1]
    made = xlite.binarize(model, verbose=False)
    found = flags(made)
    assert {name: found[name] for name in expected} == expected
    trained = {v.path.split("/")[-2] for v in made.trainable_variables}
    # Norms that were put in are new, and learn what they centre.
    assert {name for name in trained if not name.endswith("_norm")} == {"free_0", "free_1", "mixed_2", "last"}
    model.trainable = False
    assert xlite.binarize(model, verbose=False).trainable is False


def test_the_clone_learns():
    x = draw(64, 12, 12, 2, seed=1)
    y = (x.mean(axis=(1, 2, 3)) > 0).astype(np.int32)
    made = xlite.binarize(classic(), verbose=False)
    made.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", jit_compile=False)
    history = made.fit(x, y, epochs=8, batch_size=16, verbose=0).history["loss"]
    assert history[-1] < 0.8 * history[0]
    assert all(np.abs(layer.get_weights()[0]).max() <= 1 for layer in made.layers if layer.name == "second")


def test_what_cannot_be_taken_apart_is_refused():
    class Subclassed(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(TrainingError, match=r"model 'code' cannot be taken apart.*functional or Sequential"):
        xlite.binarize(Subclassed(name="code"))
    unbuilt = r"^model 'unbuilt' has no input shape; give the model one, as in keras.Input\(\(32, 32, 3\)\)$"
    with pytest.raises(TrainingError, match=unbuilt):
        xlite.binarize(keras.Sequential([kl.Dense(3)], name="unbuilt"))
    for model in ("model.h5", None, kl.Dense(3)):
        with pytest.raises(TrainingError, match=r"a Keras model is needed, not"):
            xlite.binarize(model)
    with pytest.raises(TrainingError, match=r"no convolution or dense layer.*one reads the input"):
        xlite.binarize(keras.Sequential([keras.Input((3,)), kl.Dense(2, name="one")]))
    with pytest.raises(TrainingError, match=r"no convolution or dense layer called 'x'"):
        xlite.binarize(classic(), layers="x")
    first = keras.Sequential(
        [keras.Input((2, 8, 8)), *(kl.Conv2D(3, 3, data_format="channels_first") for _ in range(3))], name="first"
    )
    with pytest.raises(
        TrainingError, match=r"^layer '\w+': pad_values=1.0 works with data_format='channels_last'"
    ):
        xlite.binarize(first, pad_values=1.0)
    with pytest.raises(TrainingError, match=r"alpha='channel'"):
        xlite.binarize(classic(), alpha="channel")


def test_a_norm_that_is_inserted_takes_no_name_that_is_taken():
    image = keras.Input((8, 8, 2))
    x = kl.ReLU(name="stem_relu")(kl.Conv2D(4, 3, name="stem")(image))
    x = kl.BatchNormalization(name="middle_norm")(kl.Conv2D(4, 3, name="middle")(x))
    model = filled(keras.Model(image, kl.Dense(2, name="last")(kl.Flatten()(kl.ReLU()(x)))))
    binary, changes = binarize_with_changes(model)
    assert ("middle_norm_1", "inserted") in {(change.layer, change.action) for change in changes}
    copied, original = (np.array(m.get_layer("middle_norm").gamma) for m in (binary, model))
    np.testing.assert_array_equal(copied, original)
    assert xlite.convert(binary).report
