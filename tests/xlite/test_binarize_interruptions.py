"""Whatever interrupts a training with BinarizeWeights, the model holds alpha * sign(W) in every kernel, the
callback holds that W, and training goes on from there."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from xlite.callbacks import BinarizeWeights  # noqa: E402


def value(variable):
    return np.array(keras.ops.convert_to_numpy(variable))


class Stop(Exception):
    """Raised on purpose."""


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(3)


HOOKS = ["epoch_begin", "train_batch_begin", "train_batch_end", "test_begin", "epoch_end", "train_end"]


class Raise(keras.callbacks.Callback):
    """Raises ``error`` the ``count``-th time that ``hook`` is called."""

    def __init__(self, hook, error, count=2):
        super().__init__()
        self.left = count

        def raises(*_, **__):
            self.left -= 1
            if self.left == 0:
                raise error

        setattr(self, f"on_{hook}", raises)


class Faulty(keras.Model):
    """Three dense layers; ``when`` the counter says so, a training step raises before or after its update."""

    def __init__(self):
        super().__init__()
        self.stack = [keras.layers.Dense(5, use_bias=False) for _ in range(4)]
        self.steps, self.fail_at, self.error, self.where = 0, None, None, "after"

    def call(self, x):
        for layer in self.stack:
            x = layer(x)
        return x

    def train_step(self, *args, **kwargs):
        self.steps += 1
        fails = self.steps == self.fail_at
        if fails and self.where == "before":
            raise self.error
        logs = super().train_step(*args, **kwargs)
        if fails:
            raise self.error
        return logs


def faulty_model():
    model = Faulty()
    model.compile(keras.optimizers.SGD(0.05), "mse", run_eagerly=True)
    model(np.zeros((1, 5), np.float32))
    return model


def data(samples=16):
    rng = np.random.default_rng(5)
    return rng.normal(size=(samples, 5)).astype(np.float32), rng.normal(size=(samples, 5)).astype(np.float32)


def assert_settled(model, callback):
    """Binary kernels hold exactly alpha * sign(W) of the W that the callback keeps."""
    real = callback.real_weights
    kernels = [layer.kernel for layer in model.stack[1:-1]]
    assert set(real) == {kernel.path for kernel in kernels}
    for kernel in kernels:
        held, w = value(kernel), real[kernel.path]
        alpha = np.abs(held).max(axis=0)
        np.testing.assert_array_equal(held, np.where(w < 0, -alpha, alpha))
        np.testing.assert_allclose(alpha, np.abs(w).mean(axis=0), rtol=1e-6)


def assert_goes_on(model, callback):
    """A further fit trains on from W: it moves every kernel, and ends settled."""
    before = callback.real_weights
    model.fail_at = None
    model.fit(*data(), batch_size=4, verbose=0, callbacks=[callback])
    assert_settled(model, callback)
    for path, real in callback.real_weights.items():
        assert np.any(real != before[path])
        # A W that had been mixed up with B would have jumped by more than four small steps can move it.
        assert np.abs(real - before[path]).max() < 0.2


@pytest.mark.parametrize("error", [Stop(), KeyboardInterrupt(), MemoryError()], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("fail_at", [1, 3])
def test_exception_in_a_training_step(fail_at, where, error):
    model = faulty_model()
    model.fail_at, model.where, model.error = fail_at, where, error
    callback = BinarizeWeights()
    with pytest.raises(type(error)):
        model.fit(*data(), batch_size=4, verbose=0, callbacks=[callback])
    assert_settled(model, callback)
    assert_goes_on(model, callback)


@pytest.mark.parametrize("ours_first", [True, False])
@pytest.mark.parametrize(
    ("hook", "error"), [*((hook, Stop()) for hook in HOOKS), ("train_batch_end", KeyboardInterrupt())]
)
def test_exception_in_another_callback(hook, error, ours_first):
    model = faulty_model()
    callback, other = BinarizeWeights(), Raise(hook, error, count=1 if hook == "train_end" else 2)
    x, y = data()
    with pytest.raises(type(error)):
        model.fit(x, y, batch_size=4, epochs=2, verbose=0, validation_data=(x, y),
                  callbacks=[callback, other] if ours_first else [other, callback])  # fmt: skip
    assert_settled(model, callback)
    assert_goes_on(model, callback)


def test_error_inside_the_compiled_graph():
    """The loss fails in the graph on one bad batch; TensorFlow raises out of the step."""
    tf = pytest.importorskip("tensorflow")

    def loss(y_true, y_pred):
        with tf.control_dependencies([tf.debugging.assert_less(tf.abs(y_true), 100.0)]):
            return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)

    model = Faulty()
    model.compile(keras.optimizers.SGD(0.2), loss, jit_compile=False)  # XLA drops assertions
    model(np.zeros((1, 5), np.float32))
    x, y = data()
    y[9] = 1000.0
    callback = BinarizeWeights()
    with pytest.raises(tf.errors.InvalidArgumentError):
        model.fit(x, y, batch_size=4, shuffle=False, verbose=0, callbacks=[callback])
    assert_settled(model, callback)


@pytest.mark.parametrize("after", range(1, 6))
def test_interrupt_between_two_kernels(after, monkeypatch):
    """Ctrl-C while the callback itself is writing: the ``after``-th assignment is followed by the interrupt."""
    model = faulty_model()
    callback = BinarizeWeights()
    kernel_type = type(model.stack[1].kernel)
    assign, watched = kernel_type.assign, {id(layer.kernel) for layer in model.stack[1:-1]}
    calls = []

    def interrupted(variable, value):
        result = assign(variable, value)
        if id(variable) in watched:
            calls.append(variable)
            if len(calls) == after:
                raise KeyboardInterrupt
        return result

    monkeypatch.setattr(kernel_type, "assign", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*data(), batch_size=4, verbose=0, callbacks=[callback])
    monkeypatch.undo()
    assert_settled(model, callback)


def test_early_stop_in_the_middle_of_an_epoch():
    model = faulty_model()

    class StopNow(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    callback = BinarizeWeights()
    model.fit(*data(), batch_size=4, epochs=3, verbose=0, callbacks=[StopNow(), callback])
    assert model.steps == 2
    assert_settled(model, callback)
    assert_goes_on(model, callback)


def test_real_weights_are_those_of_the_last_whole_batch():
    """Two batches and an interrupt in the third leave what a training of two batches leaves."""
    x, y = data()
    model, reference = faulty_model(), faulty_model()
    reference.set_weights(model.get_weights())
    callback, whole = BinarizeWeights(), BinarizeWeights()
    model.fail_at, model.error = 3, Stop()
    with pytest.raises(Stop):
        model.fit(x, y, batch_size=4, shuffle=False, verbose=0, callbacks=[callback])
    reference.fit(x[:8], y[:8], batch_size=4, shuffle=False, verbose=0, callbacks=[whole])
    for ours, theirs in zip(callback.real_weights.values(), whole.real_weights.values()):
        np.testing.assert_array_equal(ours, theirs)
    callback.restore_real_weights()
    for layer, real in zip(model.stack[1:-1], whole.real_weights.values()):
        np.testing.assert_array_equal(layer.kernel, real)


def test_data_that_runs_out_is_no_interruption():
    model = faulty_model()
    x, y = data(8)

    def batches():
        yield from ((x[i : i + 4], y[i : i + 4]) for i in (0, 4))

    callback = BinarizeWeights()
    with pytest.warns(UserWarning, match="ran out of data"):
        model.fit(batches(), steps_per_epoch=5, verbose=0, callbacks=[callback])
    assert model.steps == 2
    assert_settled(model, callback)


def test_with_form_settles_even_where_the_step_cannot_be_guarded(monkeypatch):
    """As under JAX, where only the callback's own hooks and the with block stand between a step and a raise."""
    monkeypatch.setattr(BinarizeWeights, "_guard", lambda self: None)
    model = faulty_model()
    with pytest.raises(Stop), BinarizeWeights() as callback:
        model.fit(*data(), batch_size=4, verbose=0, callbacks=[Raise("train_batch_end", Stop()), callback])
    assert_settled(model, callback)
    assert_goes_on(model, callback)


def test_without_guard_and_with_block_the_next_use_heals(monkeypatch):
    monkeypatch.setattr(BinarizeWeights, "_guard", lambda self: None)
    for use in ("binarize", "restore_real_weights", "settle"):
        model, callback = faulty_model(), BinarizeWeights()
        with pytest.raises(Stop):
            model.fit(*data(), batch_size=4, verbose=0, callbacks=[Raise("train_batch_end", Stop()), callback])
        getattr(callback, use)()
        if use == "restore_real_weights":
            for layer in model.stack[1:-1]:
                np.testing.assert_array_equal(layer.kernel, callback.real_weights[layer.kernel.path])
            callback.binarize()
        assert_settled(model, callback)


def test_the_models_own_train_function_comes_back():
    model = faulty_model()
    model.fit(*data(), verbose=0)
    plain = model.train_function
    model.fit(*data(), verbose=0, callbacks=[BinarizeWeights()])
    assert model.train_function is plain
    with pytest.raises(Stop), BinarizeWeights() as callback:
        model.fit(*data(), verbose=0, callbacks=[callback, Raise("epoch_end", Stop(), 1)])
    assert model.train_function is plain
