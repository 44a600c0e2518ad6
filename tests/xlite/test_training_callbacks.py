"""Gradient rules of BinarizeWeights, stages, temperatures, what is logged, and learning rates."""

from __future__ import annotations

import csv
import sys

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from xlite import callbacks, layers, quantizers, schedules  # noqa: E402
from xlite.schema.errors import TrainingError  # noqa: E402

pytestmark = pytest.mark.keras
kl = keras.layers
RNG = np.random.default_rng(5)
BOTH = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(4)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 0.7, shape).astype(np.float32)


def compiled(model, rate=0.1, **options):
    model.compile(keras.optimizers.SGD(rate), "mse", **{"run_eagerly": True, "jit_compile": False, **options})
    return model


# -- BinarizeWeights ------------------------------------------------------------------------------------------


def by_hand(w, change, rule, alpha):
    """XNOR-Net's section 3.1 and the chain rule, one weight after the other."""
    w, change = w.astype(np.float64), change.astype(np.float64)
    columns = [range(w.shape[1])] if alpha == "layer" else [[j] for j in range(w.shape[1])]
    out = np.empty_like(w)
    for group in columns:
        at = [(i, j) for i in range(w.shape[0]) for j in group]
        n = len(at)
        scale = 1.0 if alpha is None else sum(abs(w[p]) for p in at) / n
        for p in at:
            inside = float(abs(w[p]) <= 1)
            if rule == "straight":
                out[p] = change[p]
            elif alpha is None:
                out[p] = inside * change[p]
            elif rule == "paper":
                out[p] = change[p] * (1 / n + scale * inside)
            else:
                sign = -1 if w[p] < 0 else 1
                out[p] = scale * inside * change[p]
                out[p] += sign / n * sum(change[q] * (-1 if w[q] < 0 else 1) for q in at)
    return out


@pytest.mark.parametrize("rule", ["straight", "paper", "exact"])
@pytest.mark.parametrize("alpha", ["filter", "layer", None])
def test_a_step_of_sgd_changes_the_real_weights_by_the_rule(rule, alpha):
    tf = pytest.importorskip("tensorflow")
    model = compiled(keras.Sequential([keras.Input((5,)), kl.Dense(4, use_bias=False, name="d")]))
    w = draw(5, 4, seed=1) * 1.3  # some beyond 1
    model.set_weights([w])
    callback = callbacks.BinarizeWeights("d", alpha=alpha, gradient=rule, clip=None)
    x, y = draw(8, 5, seed=2), draw(8, 4, seed=3)
    model.fit(x, y, batch_size=8, epochs=1, verbose=0, callbacks=[callback])
    axes = {"filter": 0, "layer": (0, 1)}.get(alpha)
    scale = 1 if alpha is None else np.abs(w).mean(axis=axes, keepdims=True)
    binary = tf.Variable((scale * np.where(w < 0, -1, 1)).astype(np.float32))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((x @ binary - y) ** 2)
    change = -0.1 * tape.gradient(loss, binary).numpy()
    (real,) = callback.real_weights.values()
    np.testing.assert_allclose(real, w + by_hand(w, change, rule, alpha), rtol=1e-4, atol=1e-6)
    held = model.get_weights()[0]
    assert len(np.unique(np.abs(held))) == {"filter": 4, "layer": 1, None: 1}[alpha]


def test_the_exact_rule_is_the_derivative_that_autodiff_gives():
    tf = pytest.importorskip("tensorflow")
    from xlite.callbacks.gradient_rules import RULES

    w, g = draw(6, 3, seed=4), draw(6, 3, seed=5)
    variable = tf.constant(w)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        outputs = quantizers.MagnitudeAwareSign(differentiate_alpha=True)(variable)
    expected = tape.gradient(outputs, variable, output_gradients=tf.constant(g))
    found = RULES["exact"](keras.ops.convert_to_tensor(g), keras.ops.convert_to_tensor(w), (0,))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", [{"alpha": "channel"}, {"gradient": "wrong"}], ids=str)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(TrainingError, match=next(iter(options))):
        callbacks.BinarizeWeights(**options)


# -- stages ---------------------------------------------------------------------------------------------------


def staged_model(**options):
    stack = [keras.Input((6,)), layers.QuantDense(5, name="q", **BOTH), kl.Dense(2, name="last")]
    return compiled(keras.Sequential(stack), **options)


@pytest.mark.parametrize("mode", [{"run_eagerly": True}, {"run_eagerly": False}])
def test_kernels_are_quantized_from_the_epoch_on_and_after_training(mode):
    model = staged_model(**mode)
    x = draw(8, 6, seed=1)
    signs = np.where(x < 0, -1, 1)
    seen = []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kernel, bias, last, offset = (np.array(w) for w in model.get_weights())
            found = model.predict(x, verbose=0)
            plain, binary = (signs @ k + bias for k in (kernel, np.where(kernel < 0, -1, 1)))
            for name, hidden in (("plain", plain), ("binary", binary)):
                if np.allclose(found, hidden @ last + offset, atol=1e-4):
                    seen.append(name)

    callback = callbacks.StagedTraining(weights_from=2)
    model.fit(x, draw(8, 2), epochs=4, verbose=0, callbacks=[callback, Look()])
    assert seen == ["plain", "plain", "binary", "binary"]
    model.fit(x, draw(8, 2), epochs=1, verbose=0, callbacks=[callback])
    assert model.layers[0].quantize_kernels is True
    again = keras.models.clone_model(model)
    assert again.layers[0].kernel_quantizer is not None


def test_an_interrupted_first_stage_is_settled_by_the_with_form():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    model = staged_model()
    with pytest.raises(KeyboardInterrupt), callbacks.StagedTraining(3) as staged:
        model.fit(draw(8, 6), draw(8, 2), verbose=0, callbacks=[staged, Stop()])
    assert model.layers[0].quantize_kernels is True


def test_training_that_ends_in_the_first_stage_warns(recwarn):
    model, x, y = staged_model(), draw(8, 6), draw(8, 2)
    told = r"ended before weights_from=2.*initial_epoch=2 goes on"
    with pytest.warns(UserWarning, match=told):
        model.fit(x, y, epochs=2, verbose=0, callbacks=[callbacks.StagedTraining(2)])
    stop = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: setattr(model, "stop_training", True))
    with pytest.warns(UserWarning, match=r"ended before weights_from=2.*initial_epoch=1 goes on"):
        model.fit(x, y, epochs=5, verbose=0, callbacks=[callbacks.StagedTraining(2), stop])
    recwarn.clear()
    staged = callbacks.StagedTraining(2)
    for first, behind in ((2, 2), (2, 4), (0, 3)):  # no epoch at all, the second stage alone, and both
        model.fit(x, y, initial_epoch=first, epochs=behind, verbose=0, callbacks=[staged])
    assert not [warning for warning in recwarn if "StagedTraining" in str(warning.message)]


@pytest.mark.parametrize("order", [1, -1])
def test_a_best_epoch_of_the_second_stage_is_what_the_model_gives(order):
    """As the docs say it: EarlyStopping from weights_from on, in either order."""
    model, x, y = staged_model(), draw(16, 6), draw(16, 2, seed=1)
    best = keras.callbacks.EarlyStopping("val_loss", patience=9, restore_best_weights=True, start_from_epoch=2)
    rises = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 if epoch < 3 else 3.0)  # the best is epoch 2
    staged = callbacks.StagedTraining(2)
    history = model.fit(x, y, validation_data=(x, y), epochs=5, verbose=0,
                        callbacks=[staged, rises, best][::order]).history["val_loss"]  # fmt: skip
    assert best.best_epoch == 2
    assert history[-1] > history[2]
    assert model.evaluate(x, y, verbose=0) == pytest.approx(history[2], rel=1e-5)


def test_stages_need_kernel_quantizers():
    model = compiled(keras.Sequential([keras.Input((6,)), kl.Dense(2)], name="float"))
    with pytest.raises(TrainingError, match=r"no layer with a kernel quantizer in model 'float'"):
        model.fit(draw(8, 6), draw(8, 2), verbose=0, callbacks=[callbacks.StagedTraining(1)])
    with pytest.raises(TrainingError, match="weights_from"):
        callbacks.StagedTraining(-1)


# -- temperature ----------------------------------------------------------------------------------------------


def test_temperatures_rise_by_one_factor_in_every_sign_of_the_model():
    inner = keras.Sequential([keras.Input((6,)), layers.QuantDense(5, input_quantizer="annealed_sign")])
    model = compiled(
        keras.Sequential(
            [
                keras.Input((6,)),
                inner,
                kl.Activation(quantizers.AnnealedSign()),
                layers.QuantDense(3, kernel_quantizer="annealed_sign"),
            ]
        ),
        run_eagerly=False,
    )
    schedule = callbacks.TemperatureSchedule(0.1, 10.0)
    history = model.fit(draw(8, 6), draw(8, 3), epochs=5, verbose=0, callbacks=[schedule]).history
    np.testing.assert_allclose(history["temperature"], 10.0 ** np.linspace(-1, 1, 5), rtol=1e-6)
    from xlite.callbacks.temperature import annealed_signs

    assert [quantizer.temperature for quantizer in annealed_signs(model)] == [pytest.approx(10.0)] * 3


def test_temperatures_refuse_what_makes_no_sense():
    with pytest.raises(TrainingError, match="no annealed_sign"):
        staged_model().fit(draw(8, 6), draw(8, 2), verbose=0, callbacks=[callbacks.TemperatureSchedule()])
    with pytest.raises(TrainingError, match="start=0"):
        callbacks.TemperatureSchedule(0, 1)
    with pytest.raises(TrainingError, match="epochs=-3"):
        callbacks.TemperatureSchedule(epochs=-3)
    assert callbacks.TemperatureSchedule(0.5, 2, epochs=1).temperature(0) == 2


# -- what is logged -------------------------------------------------------------------------------------------


def test_the_log_counts_what_it_says(tmp_path):
    """Weights are moved by hand between epochs; every share is then known."""
    layer = layers.QuantDense(3, use_bias=False, name="q", **BOTH)
    model = compiled(keras.Sequential([keras.Input((4,)), layer]), rate=0.0)
    start = np.array([[0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, 0.5], [0.5, 0.5, 2.0]], np.float32)
    model.set_weights([start])

    class Move(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            moved = start.copy()
            moved[0, 0], moved[1, 1], moved[2, 1] = -0.5, 0.5, 1.0  # two filters of three, two signs of twelve
            model.set_weights([moved])

    data = np.array([[1, -1, 3, 2], [1, 1, 2, -5], [1, -1, 0.5, 0.2]], np.float32)
    path = tmp_path / "log.csv"
    log = callbacks.LogBinarization(data=data, path=path)
    history = model.fit(draw(4, 4), draw(4, 3), batch_size=4, verbose=0, callbacks=[Move(), log]).history
    expected = {
        "flip_ratio/q": 2 / 12,
        "saturated/q": 2 / 12,  # the 1.0 and the 2.0
        "dead_filters/q": 1 / 3,
        "saturated_inputs/q": 4 / 12,
        "dead_channels/q": 2 / 4,
    }
    for name, value in expected.items():
        assert history[name] == [pytest.approx(value)], name
    model.fit(draw(4, 4), draw(4, 3), epochs=3, initial_epoch=1, verbose=0, callbacks=[log])
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0"] * 5 + ["1"] * 5 + ["2"] * 5
    found = {f"{row['measure']}/{row['layer']}": float(row["value"]) for row in rows[:5]}
    assert found == {name: pytest.approx(value, rel=1e-4) for name, value in expected.items()}
    assert "quantized_input" not in vars(layer)


def mixed_model():
    names = {"stem": "int8", "binary": "ste_sign", "tern": "ste_tern"}
    stack = [layers.QuantDense(4, kernel_quantizer=kind, name=name) for name, kind in names.items()]
    split = layers.QuantSeparableConv1D(3, 2, depthwise_quantizer="int8", pointwise_quantizer="ste_sign", name="s")
    ends = [kl.Dense(4, name="middle"), kl.Flatten(), kl.Dense(2, name="last")]
    return compiled(keras.Sequential([keras.Input((6, 3)), *stack, split, *ends], name="mixed"))


def logged(history):
    return {key.partition("/")[2] for key in history.history if "/" in key}


@pytest.mark.parametrize("order", [1, -1])
def test_kernels_that_are_binary_are_logged_and_no_others(order):
    """Of float and int8 kernels signs tell nothing: they would all be called dead."""
    model, (x, y) = mixed_model(), (draw(8, 6, 3), draw(8, 2))
    assert logged(model.fit(x, y, verbose=0, callbacks=[callbacks.LogBinarization()])) == {
        "binary",
        "s/pointwise_kernel",
    }
    both = [callbacks.LogBinarization(), callbacks.BinarizeWeights("middle", start_epoch=1)][::order]
    found = model.fit(x, y, epochs=2, verbose=0, callbacks=both)
    assert logged(found) == {"binary", "s/pointwise_kernel", "middle"}
    assert {len(values) for values in found.history.values()} == {2}  # CSVLogger takes the first epoch's keys
    assert "middle" not in logged(model.fit(x, y, verbose=0, callbacks=[callbacks.LogBinarization()]))
    named = callbacks.LogBinarization(["stem", "last"])
    assert logged(model.fit(x, y, verbose=0, callbacks=[named])) == {"stem", "last"}


def test_where_nothing_is_binary_all_kernels_are_logged():
    model = compiled(keras.Sequential([keras.Input((6,)), kl.Dense(3, name="a"), kl.Dense(2, name="b")]))
    log = callbacks.LogBinarization()
    for _ in range(2):
        assert logged(model.fit(draw(8, 6), draw(8, 2), verbose=0, callbacks=[log])) == {"a", "b"}


def test_after_an_exception_the_with_form_forgets_what_it_binarized():
    model = mixed_model()

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), callbacks.BinarizeWeights("middle") as binarize:
        model.fit(draw(8, 6, 3), draw(8, 2), verbose=0, callbacks=[binarize, Stop()])
    log = callbacks.LogBinarization()
    assert "middle" not in logged(model.fit(draw(8, 6, 3), draw(8, 2), verbose=0, callbacks=[log]))


def test_a_resumed_run_repeats_no_row_of_the_epoch_that_was_interrupted(tmp_path):
    path, foreign = tmp_path / "log.csv", tmp_path / "foreign.csv"
    foreign.write_text("1,a,b,c\n")

    def epochs(first, behind):
        logs = [callbacks.LogBinarization(path=place) for place in (path, foreign)]
        staged_model(run_eagerly=False).fit(
            draw(8, 6), draw(8, 2), epochs=behind, initial_epoch=first, verbose=0, callbacks=logs
        )
        with open(path, newline="") as file:
            found = [int(row["epoch"]) for row in csv.DictReader(file)]
        assert len(set(found)) * (len(found) // len(set(found))) == len(found)
        return sorted(set(found)), len(found) // len(set(found))

    assert epochs(0, 3) == ([0, 1, 2], rows := epochs(2, 4)[1])
    assert epochs(2, 4) == ([0, 1, 2, 3], rows)
    assert epochs(0, 1) == ([0], rows)
    assert foreign.read_text().startswith("1,a,b,c\n0,")  # another's rows are left alone


def test_a_path_that_cannot_be_written_is_named_before_training(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    before = model.get_weights()
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "log.csv"):
        with pytest.raises(TrainingError, match=r"path='.*', which cannot be written"):
            model.fit(
                np.ones((4, 3)), np.ones((4, 2)), verbose=0, callbacks=[callbacks.LogBinarization(path=path)]
            )
    for ours, theirs in zip(model.get_weights(), before):
        np.testing.assert_array_equal(ours, theirs)
    made = tmp_path / "folders" / "made" / "log.csv"
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0, callbacks=[callbacks.LogBinarization(path=made)])
    assert made.read_text().startswith("epoch,layer,measure,value")


def test_data_that_the_model_does_not_take_is_named_before_it_is_trained():
    model = staged_model()
    before = model.get_weights()
    with pytest.raises(TrainingError, match=r"LogBinarization\(data=...\) cannot be given to model"):
        model.fit(draw(8, 6), draw(8, 2), verbose=0, callbacks=[callbacks.LogBinarization(data=draw(4, 7))])
    for ours, theirs in zip(model.get_weights(), before):
        np.testing.assert_array_equal(ours, theirs)


def test_csv_logger_writes_it_too(tmp_path):
    model = staged_model(run_eagerly=False)
    logger = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    model.fit(draw(8, 6), draw(8, 2), verbose=0, callbacks=[callbacks.LogBinarization(), logger])
    assert "dead_filters/q" in (tmp_path / "log.csv").read_text().splitlines()[0]


def scalars(folder):
    """``{tag: {epoch: value}}`` of all event files under a folder, as TensorBoard reads them."""
    tf = pytest.importorskip("tensorflow")
    found = {}
    for record in tf.data.TFRecordDataset(sorted(str(path) for path in folder.rglob("events*"))):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            number = tf.make_ndarray(value.tensor)
            if number.dtype.kind == "f":  # Keras writes the model's config too
                found.setdefault(value.tag, {})[event.step] = float(number)
    return found


def test_tensorboard_gets_it_from_keras_and_from_the_callback_itself(tmp_path):
    pytest.importorskip("tensorboard")
    log = callbacks.LogBinarization(board=tmp_path / "own")
    board = keras.callbacks.TensorBoard(tmp_path / "keras")
    model = staged_model(run_eagerly=False)
    history = model.fit(draw(8, 6), draw(8, 2), epochs=2, verbose=0, callbacks=[log, board]).history
    theirs, own = scalars(tmp_path / "keras"), scalars(tmp_path / "own")
    assert {"flip_ratio/q", "saturated/q", "dead_filters/q"} <= set(own)
    for name, values in own.items():
        assert list(values) == [0, 1]
        np.testing.assert_allclose(list(values.values()), history[name], rtol=1e-6)
        np.testing.assert_allclose(list(theirs[f"epoch_{name}"].values()), history[name], rtol=1e-6)


def test_without_tensorboard_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.delitem(sys.modules, "tensorboard.summary", raising=False)
    with pytest.raises(TrainingError, match=r"needs the package .*: pip install xlite\[tensorboard\]$"):
        callbacks.LogBinarization(board=tmp_path)
    callbacks.LogBinarization(path=tmp_path / "log.csv")


def test_inputs_are_seen_in_nested_and_channels_first_layers_once():
    from xlite.callbacks.diagnostics import inputs_of_signs

    conv = layers.QuantConv1D(3, 2, padding="same", name="conv", **BOTH)
    inner = keras.Sequential([keras.Input((6, 3)), conv])
    model = keras.Sequential([keras.Input((6, 3)), inner, inner])
    x = draw(2, 6, 3)
    seen = inputs_of_signs(model, x)
    np.testing.assert_array_equal(seen["conv"], x)


# -- learning rates -------------------------------------------------------------------------------------------


def test_warmup_rises_to_the_schedule_and_follows_it():
    cosine = keras.optimizers.schedules.CosineDecay(0.5, 10)
    schedule = schedules.Warmup(cosine, 4)
    rates = [float(schedule(step)) for step in range(14)]
    np.testing.assert_allclose(rates[:4], 0.5 * np.arange(1, 5) / 4, rtol=1e-6)
    np.testing.assert_allclose(rates[4:], [float(cosine(step)) for step in range(10)], rtol=1e-6)
    np.testing.assert_allclose([float(schedules.Warmup(0.2, 2)(s)) for s in range(4)], [0.1, 0.2, 0.2, 0.2])


def test_one_cycle_has_its_peak_where_it_says():
    rates = np.array([float(schedules.OneCycle(2.0, 100, rise=0.25)(step)) for step in range(120)])
    assert rates.argmax() == 25
    assert rates.max() == pytest.approx(2.0)
    assert rates[0] == pytest.approx(0.08)
    np.testing.assert_allclose(rates[100:], 2e-4, rtol=1e-3)
    assert (np.diff(rates[:26]) > 0).all()
    assert (np.diff(rates[25:100]) < 0).all()


@pytest.mark.parametrize(
    "schedule",
    [schedules.Warmup(keras.optimizers.schedules.CosineDecay(0.5, 10), 4), schedules.Warmup(0.1, 2),
     schedules.OneCycle(0.3, 50)],
    ids=lambda s: type(s).__name__,
)  # fmt: skip
def test_schedules_come_back_with_the_optimizer(schedule):
    again = keras.optimizers.deserialize(keras.optimizers.serialize(keras.optimizers.SGD(schedule)))
    assert type(again._learning_rate) is type(schedule)
    assert float(again._learning_rate(7)) == pytest.approx(float(schedule(7)))


def test_schedules_refuse_what_makes_no_sense():
    with pytest.raises(TrainingError, match="steps=0"):
        schedules.Warmup(0.1, 0)
    with pytest.raises(TrainingError, match="rise=2"):
        schedules.OneCycle(0.1, 10, rise=2)
    for options, told in (({"peak": -1.0}, "peak=-1"), ({"peak": 0.1, "end": -0.1}, "end=-0.1")):
        with pytest.raises(TrainingError, match=told):
            schedules.OneCycle(steps=10, **options)
