"""BinarizeWeights against XNOR-Net's algorithm written out in numpy, and what it promises about the model."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from xlite import callbacks, filters, layers  # noqa: E402
from xlite.schema.errors import TrainingError  # noqa: E402

BinarizeWeights = callbacks.BinarizeWeights
RNG = np.random.default_rng(11)


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(3)


def value(variable):
    return np.array(keras.ops.convert_to_numpy(variable))


def alpha_sign(w, axes):
    alpha = np.mean(np.abs(w), axis=axes, keepdims=True, dtype=np.float64).astype(np.float32)
    return np.where(w < 0, -alpha, alpha).astype(np.float32)


def assert_binarized(values, axes):
    """Two exact levels, +a and -a, in every filter."""
    magnitude = np.abs(values)
    reference = np.max(magnitude, axis=axes, keepdims=True)
    np.testing.assert_array_equal(magnitude, np.broadcast_to(reference, values.shape))


def dense_model(*widths, activation="relu", **compile_options):
    model = keras.Sequential([keras.Input((widths[0],))])
    for width in widths[1:-1]:
        model.add(keras.layers.Dense(width, activation=activation, use_bias=False))
    model.add(keras.layers.Dense(widths[-1], use_bias=False))
    # Eagerly unless a test says otherwise: tracing costs more than these few small steps.
    options = {"optimizer": keras.optimizers.SGD(0.5), "loss": "mse", "run_eagerly": True, "jit_compile": False}
    model.compile(**{**options, **compile_options})
    return model


def data(samples=24, features=6, targets=3):
    return (
        RNG.normal(size=(samples, features)).astype(np.float32),
        RNG.normal(size=(samples, targets)).astype(np.float32),
    )


def numpy_training(weights, x, y, batch, epochs, rate, clip, mean_center):
    """Algorithm 1 of arXiv 1603.05279 for three dense layers with ReLU between, the middle one binary, SGD and
    the mean squared error. Returns the real-valued weights of all three."""
    first, real, last = (w.astype(np.float64) for w in weights)

    def project(w):
        w = w - w.mean(axis=0, keepdims=True) if mean_center else w
        return w if clip is None else np.clip(w, -clip, clip)

    real = project(real)
    for _, start in itertools.product(range(epochs), range(0, len(x), batch)):
        inputs, targets = x[start : start + batch].astype(np.float64), y[start : start + batch]
        alpha = np.abs(real).mean(axis=0)
        binary = alpha * np.where(real < 0, -1, 1)
        hidden1 = np.maximum(inputs @ first, 0)
        hidden2 = np.maximum(hidden1 @ binary, 0)
        d_out = 2 * (hidden2 @ last - targets) / targets.size
        d_hidden2 = (d_out @ last.T) * (hidden2 > 0)
        d_hidden1 = (d_hidden2 @ binary.T) * (hidden1 > 0)
        last, real, first = (
            last - rate * hidden2.T @ d_out,
            project(real - rate * hidden1.T @ d_hidden2),
            first - rate * inputs.T @ d_hidden1,
        )
    return first, real, last


@pytest.mark.parametrize(
    ("clip", "mean_center", "mode"),
    [
        *itertools.product([1.0, 0.2, None], [False, True], ["eager"]),
        (1.0, False, "graph"),
        (0.2, True, "graph"),
        (1.0, False, "xla"),
    ],
)
def test_training_is_the_published_algorithm(clip, mean_center, mode):
    model = dense_model(6, 8, 7, 3, run_eagerly=mode == "eager", jit_compile=mode == "xla")
    x, y = data()
    start = [RNG.normal(0, 0.4, w.shape).astype(np.float32) for w in model.get_weights()]
    model.set_weights(start)
    callback = BinarizeWeights(clip=clip, mean_center=mean_center)
    model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0, callbacks=[callback])
    first, real, last = numpy_training(start, x, y, 8, 3, 0.5, clip, mean_center)
    (path,) = callback.real_weights
    assert path == model.layers[1].kernel.path
    np.testing.assert_allclose(callback.real_weights[path], real, atol=2e-5)
    held = model.get_weights()
    np.testing.assert_allclose(held[0], first, atol=2e-5)
    np.testing.assert_allclose(held[1], alpha_sign(callback.real_weights[path], 0), rtol=1e-6)
    np.testing.assert_allclose(held[2], last, atol=2e-5)
    assert_binarized(held[1], 0)


KINDS = [
    pytest.param(keras.layers.Conv1D(4, 3, use_bias=False), (12, 6), (0, 1), 1, id="Conv1D"),
    pytest.param(keras.layers.Conv2D(4, 3, use_bias=False), (6, 6, 6), (0, 1, 2), 2, id="Conv2D"),
    pytest.param(keras.layers.Conv2D(4, 3, groups=2, use_bias=False), (6, 6, 6), (0, 1, 2), 2, id="groups"),
    pytest.param(keras.layers.Conv3D(4, 2, use_bias=False), (4, 4, 4, 3), (0, 1, 2, 3), 3, id="Conv3D"),
    pytest.param(keras.layers.Conv2DTranspose(4, 3, use_bias=False), (5, 5, 6), (0, 1, 3), 3, id="Transpose"),
    pytest.param(
        keras.layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False),
        (6, 6, 5),
        (0, 1),
        None,
        id="Depthwise",
    ),
]


@pytest.mark.parametrize(("layer", "shape", "axes", "input_axis"), KINDS)
@pytest.mark.parametrize("mean_center", [False, True])
def test_every_kind_of_kernel_has_one_alpha_per_filter(layer, shape, axes, input_axis, mean_center):
    """The step of the algorithm in numpy, with gradients from TensorFlow at the binarized weights."""
    tf = pytest.importorskip("tensorflow")
    layer = type(layer).from_config(layer.get_config())
    model = keras.Sequential([keras.Input(shape), layer, keras.layers.Flatten()])
    model.compile(keras.optimizers.SGD(0.3), "mse", run_eagerly=True)
    kernel = RNG.normal(0, 0.6, layer.kernel.shape).astype(np.float32)
    model.set_weights([kernel])
    x = RNG.normal(size=(12, *shape)).astype(np.float32)
    y = RNG.normal(size=(12, *model.output_shape[1:])).astype(np.float32)
    callback = BinarizeWeights(layers=layer, mean_center=mean_center, clip=0.9)
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0, callbacks=[callback])
    assert_binarized(value(layer.kernel), axes)

    def project(w):
        if mean_center and input_axis is not None:
            w = w - w.mean(axis=input_axis, keepdims=True)
        return np.clip(w, -0.9, 0.9)

    real = project(kernel)
    for start in range(0, 12, 4):
        model.set_weights([alpha_sign(real, axes)])
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x[start : start + 4]) - y[start : start + 4]) ** 2)
        slope = tape.gradient(loss, model.trainable_variables[0].value).numpy()
        real = project(real - np.float32(0.3) * slope)
    np.testing.assert_allclose(callback.real_weights[layer.kernel.path], real, atol=2e-5)


def test_separable_convolution_binarizes_both_kernels():
    layer = keras.layers.SeparableConv2D(4, 3, depth_multiplier=2)
    model = keras.Sequential([keras.Input((6, 6, 5)), layer, keras.layers.Flatten()])
    model.compile("sgd", "mse", run_eagerly=True)
    callback = BinarizeWeights(layers=layer.name)
    x, y = RNG.normal(size=(8, 6, 6, 5)), RNG.normal(size=(8, 64))
    model.fit(x, y, verbose=0, callbacks=[callback])
    assert_binarized(value(layer.depthwise_kernel), (0, 1))
    assert_binarized(value(layer.pointwise_kernel), (0, 1, 2))
    assert len(callback.real_weights) == 2


class Watch(keras.callbacks.Callback):
    """Notes at every hook whether the watched kernel is binarized."""

    def __init__(self, kernel, axes=0):
        super().__init__()
        self.kernel, self.axes, self.seen = kernel, axes, {}
        for hook in ("train_batch_begin", "train_batch_end", "test_begin", "test_end", "epoch_end", "train_end"):
            setattr(self, f"on_{hook}", lambda *_, hook=hook, **__: self.note(hook))

    def note(self, hook):
        magnitude = np.abs(value(self.kernel))
        binary = bool(np.all(magnitude == magnitude.max(axis=self.axes, keepdims=True)))
        self.seen.setdefault(hook, []).append(binary)


@pytest.mark.parametrize("first", [True, False])
def test_other_callbacks_validation_and_checkpoints_see_binarized_weights(tmp_path, first):
    model = dense_model(6, 8, 7, 3, run_eagerly=False)
    watch = Watch(model.layers[1].kernel)
    checkpoint = keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}-{batch}.weights.h5"), save_freq=2,
                                                 save_weights_only=True)  # fmt: skip
    ours = [BinarizeWeights()]
    others = [watch, checkpoint]
    x, y = data()
    model.fit(x, y, batch_size=4, epochs=2, verbose=0, validation_data=(x, y),
              callbacks=ours + others if first else others + ours)  # fmt: skip
    begins = watch.seen.pop("train_batch_begin")
    assert all(begins if first else begins[1:])  # whoever comes before us sees the very first batch unbinarized
    assert set(watch.seen) == {"train_batch_end", "test_begin", "test_end", "epoch_end", "train_end"}
    for hook, seen in watch.seen.items():
        assert all(seen), hook
    saved = sorted(tmp_path.iterdir())
    assert saved
    other = dense_model(6, 8, 7, 3)
    for path in saved:
        other.load_weights(path)
        assert_binarized(other.get_weights()[1], 0)


def test_start_epoch_trains_ordinarily_until_then():
    x, y = data()
    start = dense_model(6, 8, 7, 3).get_weights()
    plain, late = dense_model(6, 8, 7, 3), dense_model(6, 8, 7, 3)
    for model in (plain, late):
        model.set_weights(start)
    late_watch = Watch(late.layers[1].kernel)
    callback = BinarizeWeights(start_epoch=2)
    late.fit(x, y, epochs=4, shuffle=False, verbose=0, callbacks=[callback, late_watch])
    assert late_watch.seen["epoch_end"] == [False, False, True, True]
    # Two ordinary epochs, then a callback from the start: the same.
    plain.fit(x, y, epochs=2, shuffle=False, verbose=0)
    plain.fit(x, y, epochs=2, shuffle=False, verbose=0, callbacks=[BinarizeWeights()])
    for ours, theirs in zip(late.get_weights(), plain.get_weights()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_training_that_ends_before_start_epoch_warns_and_changes_nothing():
    model = dense_model(6, 8, 7, 3)
    watch = Watch(model.layers[1].kernel)
    callback = BinarizeWeights(start_epoch=5)
    with pytest.warns(UserWarning, match=r"start_epoch=5.*binarize\(\)"):
        model.fit(*data(), epochs=2, verbose=0, callbacks=[callback, watch])
    assert watch.seen["train_end"] == [False]
    before = value(model.layers[1].kernel)
    with pytest.raises(TrainingError, match="nothing to restore"):
        callback.restore_real_weights()
    callback.binarize()
    np.testing.assert_allclose(model.layers[1].kernel, alpha_sign(np.clip(before, -1, 1), 0), rtol=1e-6)


def test_restore_and_binarize_switch_back_and_forth_exactly():
    model = dense_model(6, 8, 7, 3)
    callback = BinarizeWeights()
    model.fit(*data(), verbose=0, callbacks=[callback])
    kernel = model.layers[1].kernel
    binary, real = value(kernel), callback.real_weights[kernel.path]
    assert np.any(binary != real)
    for _ in range(2):
        callback.restore_real_weights()
        np.testing.assert_array_equal(kernel, real)
        callback.binarize()
        np.testing.assert_array_equal(kernel, binary)


@pytest.mark.parametrize("between", ["nothing", "restore"])
def test_fit_in_pieces_is_fit_in_one(between):
    x, y = data()
    start = dense_model(6, 8, 7, 3).get_weights()
    one, pieces = dense_model(6, 8, 7, 3), dense_model(6, 8, 7, 3)
    for model in (one, pieces):
        model.set_weights(start)
    whole, callback = BinarizeWeights(), BinarizeWeights()
    one.fit(x, y, epochs=4, shuffle=False, verbose=0, callbacks=[whole])
    for _ in range(2):
        pieces.fit(x, y, epochs=2, shuffle=False, verbose=0, callbacks=[callback])
        if between == "restore":
            callback.restore_real_weights()
    callback.binarize()
    for ours, theirs in zip(pieces.get_weights(), one.get_weights()):
        np.testing.assert_array_equal(ours, theirs)


def test_real_weights_carry_training_over_to_another_process():
    x, y = data()
    model, resumed, straight = (dense_model(6, 8, 7, 3) for _ in range(3))
    straight.set_weights(model.get_weights())
    straight.fit(x, y, epochs=2, shuffle=False, verbose=0, callbacks=[BinarizeWeights()])
    callback, later = BinarizeWeights(), BinarizeWeights()
    model.fit(x, y, shuffle=False, verbose=0, callbacks=[callback])
    resumed.set_weights(model.get_weights())
    later.set_model(resumed)
    names = dict(zip((resumed.layers[1].kernel.path,), callback.real_weights.values()))
    later.load_real_weights(names)
    resumed.fit(x, y, shuffle=False, verbose=0, callbacks=[later])
    for ours, theirs in zip(resumed.get_weights(), straight.get_weights()):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(TrainingError, match=r"shape \(8, 7\)"):
        later.load_real_weights({path: value[:, :-1] for path, value in names.items()})


def test_weights_loaded_between_fits_are_taken_as_new_real_weights():
    x, y = data()
    fresh = [RNG.normal(0, 0.4, w.shape).astype(np.float32) for w in dense_model(6, 8, 7, 3).get_weights()]
    used, new = dense_model(6, 8, 7, 3), dense_model(6, 8, 7, 3)
    callback = BinarizeWeights()
    used.fit(x, y, verbose=0, callbacks=[callback])
    for model in (used, new):
        model.set_weights(fresh)
    used.fit(x, y, shuffle=False, verbose=0, callbacks=[callback])
    new.fit(x, y, shuffle=False, verbose=0, callbacks=[BinarizeWeights()])
    for ours, theirs in zip(used.get_weights(), new.get_weights()):
        np.testing.assert_array_equal(ours, theirs)


def test_early_stopping_with_best_weights_leaves_binarized_weights_and_says_that_the_real_ones_differ():
    model = dense_model(6, 8, 7, 3)
    x, y = data()
    # The loss falls, so with mode="max" the first epoch is the best, and the second the last.
    stop = keras.callbacks.EarlyStopping("loss", mode="max", patience=1, restore_best_weights=True)
    callback = BinarizeWeights()
    history = model.fit(x, y, epochs=9, batch_size=8, verbose=0, callbacks=[stop, callback])
    assert len(history.history["loss"]) == 2
    assert_binarized(value(model.layers[1].kernel), 0)
    with pytest.raises(TrainingError, match="force=True"):
        callback.restore_real_weights()
    callback.restore_real_weights(force=True)
    (real,) = callback.real_weights.values()
    np.testing.assert_array_equal(model.layers[1].kernel, real)


def fit_to_a_float_best(order, callback, seen=None, **stop):
    """What is watched rises, so that the first epoch that counts is the best; it is restored at the end. ``seen``
    gets the kernel of every epoch."""
    model = dense_model(6, 8, 7, 3)

    class Rise(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["rising"] = epoch
            if seen is not None:
                seen.append(value(model.layers[1].kernel))

    best = keras.callbacks.EarlyStopping("rising", mode="min", patience=9, restore_best_weights=True, **stop)
    found = {"ours": callback, "best": best}
    model.fit(*data(), epochs=4, verbose=0, callbacks=[Rise(), *(found[name] for name in order)])
    return model


TOLD = r"kernel' ended with weights that are not binarized.*start_from_epoch=2. binarize\(\) would"


@pytest.mark.parametrize("alpha", ["filter", "layer", None])
def test_a_best_epoch_from_before_the_start_is_told(alpha):
    callback = BinarizeWeights(start_epoch=2, alpha=alpha)
    with pytest.warns(UserWarning, match=TOLD) as told:
        model = fit_to_a_float_best(["best", "ours"], callback)
    assert len(told) == 1
    callback.binarize()
    assert len(np.unique(np.abs(model.get_weights()[1]))) == {"filter": 7, "layer": 1, None: 1}[alpha]


@pytest.mark.parametrize("order", [["best", "ours"], ["ours", "best"]])
def test_the_with_form_tells_in_either_order_and_once(order):
    with pytest.warns(UserWarning, match=TOLD) as told, BinarizeWeights(start_epoch=2) as callback:
        fit_to_a_float_best(order, callback)
    assert len(told) == 1


def test_weights_from_elsewhere_are_told_without_a_start_epoch_too():
    model = dense_model(6, 8, 7, 3)
    start = model.get_weights()

    def training():
        with BinarizeWeights() as callback:
            model.fit(*data(), verbose=0, callbacks=[callback])
            model.set_weights(start)

    with pytest.warns(UserWarning, match=r"behind the last step. binarize\(\)"):
        training()


@pytest.mark.parametrize("order", [["best", "ours"], ["ours", "best"]])
@pytest.mark.parametrize("alpha", ["filter", "layer", None])
def test_a_best_epoch_from_the_start_on_is_binarized_and_nothing_is_told(order, alpha, recwarn):
    seen = []
    with BinarizeWeights(start_epoch=2, alpha=alpha) as callback:
        model = fit_to_a_float_best(order, callback, seen, start_from_epoch=2)
    assert_binarized(value(model.layers[1].kernel), 0 if alpha == "filter" else None)
    np.testing.assert_array_equal(model.layers[1].kernel, seen[2])
    assert not [warning for warning in recwarn if "binarized" in str(warning.message)]


def test_optimizer_slots_are_left_alone():
    model = dense_model(6, 8, 7, 3, optimizer=keras.optimizers.Adam(0.01))
    model.fit(*data(), batch_size=8, verbose=0, callbacks=[BinarizeWeights()])
    slots = {v.path: value(v) for v in model.optimizer.variables}
    before = {path: value.copy() for path, value in slots.items()}
    callback = BinarizeWeights()
    callback.set_model(model)
    callback.binarize()
    callback.restore_real_weights()
    for variable in model.optimizer.variables:
        np.testing.assert_array_equal(value(variable), before[variable.path])
    assert any("momentum" in path and np.any(value) for path, value in slots.items())
    assert value(model.optimizer.iterations) == 3


def test_steps_per_execution_is_refused_before_anything_is_touched():
    model = dense_model(6, 8, 7, 3, steps_per_execution=4)
    before = model.get_weights()
    with pytest.raises(
        TrainingError, match=r"steps_per_execution=4.*compile the model with steps_per_execution=1"
    ):
        model.fit(*data(), verbose=0, callbacks=[BinarizeWeights()])
    for ours, theirs in zip(model.get_weights(), before):
        np.testing.assert_array_equal(ours, theirs)


def test_shared_layers_and_shared_kernels_are_binarized_once():
    shared = keras.layers.Dense(6, use_bias=False)
    inputs = keras.Input((6,))
    x = keras.layers.Dense(6)(inputs)
    x = shared(keras.layers.Dense(6)(shared(x)))
    model = keras.Model(inputs, keras.layers.Dense(3)(x))
    outer = keras.Sequential([keras.Input((6,)), model, keras.layers.Dense(3)])
    picked = filters.select(outer)
    assert len({id(k.variable) for k in picked}) == len(picked) == 3
    outer.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
    callback = BinarizeWeights()
    outer.fit(*data(), verbose=0, callbacks=[callback])
    assert set(callback.real_weights) == {k.variable.path for k in picked}
    assert_binarized(value(shared.kernel), 0)


def test_default_selection_leaves_out_first_last_and_quantized_kernels():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, name="first"),
            keras.layers.BatchNormalization(),
            layers.QuantConv2D(4, 3, kernel_quantizer="ste_sign", name="done_already"),
            layers.QuantConv2D(4, 1, input_quantizer="ste_sign", name="input_only"),
            layers.QuantDepthwiseConv2D(3, depthwise_quantizer="ste_sign"),
            keras.layers.TimeDistributed(keras.layers.Dense(5, name="wrapped")),
            keras.layers.Flatten(),
            keras.layers.Dense(5, name="dense"),
            keras.layers.Dense(2, name="last"),
        ]
    )
    assert [k.layer.name for k in filters.select(model)] == ["input_only", "wrapped", "dense"]
    wide = filters.select(model, lambda layer: layer.name.endswith("st"))
    assert [k.layer.name for k in wide] == ["first", "last"]
    assert [k.layer.name for k in filters.select(model, ["last", model.get_layer("first")])] == ["last", "first"]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ("dens", "no convolution or dense layer called 'dens'; it has first, middle, quantized, last"),
        ([3], "not 3"),
        ([], "picks no"),
        (lambda layer: False, "picks no"),
        ("quantized", "already binarizes its kernel"),
        ("last", "has a kernel constraint.*clip="),
    ],
)
def test_selections_that_cannot_be_are_refused_with_the_mend(selection, message):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(4, name="first"),
            keras.layers.Dense(4, name="middle"),
            layers.QuantDense(4, kernel_quantizer="ste_sign", name="quantized"),
            keras.layers.Dense(2, name="last", kernel_constraint="non_neg"),
        ]
    )
    with pytest.raises(TrainingError, match=message):
        filters.select(model, selection)


@pytest.mark.parametrize(
    "layer", [keras.layers.BatchNormalization(), keras.layers.Embedding(3, 2)], ids=lambda k: k.name
)
def test_layers_without_filters_are_refused(layer):
    with pytest.raises(TrainingError, match="cannot be binarized"):
        filters.select(dense_model(6, 8, 7, 3), [layer])


def test_models_with_too_few_layers_or_no_weights_are_refused():
    with pytest.raises(TrainingError, match="name some with layers="):
        filters.select(dense_model(6, 8, 3))
    with pytest.raises(TrainingError, match="build the model first"):
        filters.select(keras.Sequential([keras.layers.Dense(2), keras.layers.Dense(2), keras.layers.Dense(2)]))
    low_rank = dense_model(6, 8, 7, 3)
    low_rank.layers[1].enable_lora(2)
    with pytest.raises(TrainingError, match="LoRA"):
        filters.select(low_rank)


@pytest.mark.parametrize("options", [{"clip": 0}, {"clip": -1.0}, {"start_epoch": -1}], ids=str)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(TrainingError, match=next(iter(options))):
        BinarizeWeights(**options)


def test_without_a_model_there_is_nothing_to_binarize():
    with pytest.raises(TrainingError, match="no model yet"):
        BinarizeWeights().binarize()


@pytest.mark.parametrize("extension", ["h5", "keras"])
def test_the_saved_model_holds_binarized_weights_and_needs_no_xlite(tmp_path, extension):
    model = dense_model(6, 8, 7, 3)
    model.fit(*data(), verbose=0, callbacks=[BinarizeWeights()])
    path = tmp_path / f"model.{extension}"
    model.save(path)
    loaded = keras.saving.load_model(path, compile=False)
    assert_binarized(loaded.get_weights()[1], 0)
    assert type(loaded.layers[1]) is keras.layers.Dense


def test_log_flip_ratio_writes_a_share_for_every_kernel():
    model = dense_model(6, 8, 7, 3, optimizer=keras.optimizers.SGD(2.0))
    history = model.fit(*data(), batch_size=4, epochs=2, verbose=0,
                        callbacks=[callbacks.LogFlipRatio(), BinarizeWeights()]).history  # fmt: skip
    keys = [f"flip_ratio/{layer.name}" for layer in model.layers]
    assert [key for key in history if key.startswith("flip_ratio/")] == keys
    assert any(0 < share < 0.5 for key in keys for share in history[key])
