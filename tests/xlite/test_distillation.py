"""Distiller: its loss by hand, what is trained and what is not, and that a binarized student learns from it."""

from __future__ import annotations

import functools

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import xlite  # noqa: E402
from xlite import filters  # noqa: E402
from xlite.distillation import Distiller, attention_distance  # noqa: E402
from xlite.schema.errors import TrainingError  # noqa: E402

pytestmark = pytest.mark.keras
kl = keras.layers


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def network(name, width=6, activation="softmax"):
    image = keras.Input((6, 6, 2))
    x = kl.Conv2D(width, 3, name="first")(image)
    x = kl.BatchNormalization(name="norm")(x)
    x = kl.Conv2D(width, 3, padding="same", name="second")(kl.ReLU(name="relu")(x))
    x = kl.Dense(3, activation=activation, name="last")(kl.GlobalAveragePooling2D(name="mean")(x))
    return keras.Model(image, x, name=name)


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(2)


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def divergence(teacher, student, temperature):
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    return (p * (np.log(p) - np.log(q))).sum(axis=-1)


def attention(a):
    energy = (a.astype(np.float64) ** 2).sum(axis=-1).reshape(len(a), -1)
    return energy / np.linalg.norm(energy, axis=1, keepdims=True)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_loss_is_the_papers(from_logits, share, weighted):
    activation = None if from_logits else "softmax"
    student, teacher = network("student", activation=activation), network("teacher", 5, activation)
    distiller = Distiller(
        student,
        teacher,
        temperature=3.0,
        share=share,
        from_logits=from_logits,
        attention={"second": "second", "first": "first"},
        attention_weight=0.7,
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    distiller.compile("sgd", loss)
    x, y = draw(8, 6, 6, 2), np.arange(8) % 3
    outputs = distiller(x, training=False)  # norms as at inference: the features are then easy to have
    weights = np.linspace(0, 3, 8, dtype=np.float32) if weighted else np.ones(8, np.float32)
    found = float(distiller.compute_loss(x, y, outputs, weights if weighted else None))
    ours, theirs = (np.asarray(m(x, training=False)) for m in (student, teacher))
    if not from_logits:
        ours, theirs = np.log(ours), np.log(theirs)
    labels = -np.log(softmax(ours))[np.arange(8), y]
    maps = []
    for name in ("second", "first"):
        a, b = (
            np.asarray(keras.Model(m.inputs, m.get_layer(name).output)(x, training=False))
            for m in (student, teacher)
        )
        maps.append(((attention(a) - attention(b)) ** 2).sum(axis=-1))
    samples = (1 - share) * labels + share * 9 * divergence(theirs, ours, 3.0) + 0.7 * np.mean(maps, axis=0)
    assert found == pytest.approx((weights * samples).mean(), rel=1e-4)


def bernoulli(teacher, student, temperature):
    """KL of two coins, from the logits of one side."""
    p, q = (1 / (1 + np.exp(-np.asarray(z, np.float64) / temperature)) for z in (teacher, student))
    return p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))


def ends_in_one(kind, from_logits):
    """A model of images ``[6, 6, 2]`` whose last axis is 1: a number, a mask, or a number without that axis."""
    activation = None if from_logits else "sigmoid"
    image = keras.Input((6, 6, 2))
    x = kl.Conv2D(1, 1, activation=activation)(image) if kind == "mask" else kl.Flatten()(image)
    if kind != "mask":
        x = kl.Dense(1, activation=activation)(x)
    return keras.Model(image, kl.Reshape(())(x) if kind == "bare" else x)


@pytest.mark.parametrize("kind", ["number", "mask", "bare"])
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_one_output_is_a_coin(kind, from_logits, temperature):
    student, teacher = ends_in_one(kind, from_logits), ends_in_one(kind, from_logits)
    teacher.set_weights([-w for w in student.get_weights()])
    distiller = Distiller(student, teacher, temperature=temperature, share=0.6, from_logits=from_logits)
    distiller.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=from_logits))
    x = draw(8, 6, 6, 2)
    ours, theirs = (np.asarray(m(x), np.float64) for m in (student, teacher))
    y = (np.arange(ours.size).reshape(ours.shape) % 2).astype(np.float32)
    found = float(distiller.compute_loss(x, y, distiller(x)))
    if not from_logits:
        ours, theirs = (np.log(p / (1 - p)) for p in (ours, theirs))
    labels = np.log1p(np.exp(ours)) - y * ours
    wanted = 0.4 * labels.mean() + 0.6 * temperature**2 * bernoulli(theirs, ours, temperature).mean()
    assert bernoulli(theirs, ours, temperature).mean() > 0.01
    assert found == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("shape", [(9, 1), (9, 4, 5, 1), (9,)], ids=str)
def test_a_coin_is_two_classes(shape, from_logits, weighted):
    distiller = Distiller(network("student"), network("teacher"), temperature=2.5, share=0)
    distiller.from_logits = from_logits
    teacher, student = 3 * draw(*shape, seed=1), 3 * draw(*shape, seed=2)
    bare = shape[:-1] or shape  # without the last axis of 1
    pairs = [np.stack([z.reshape(bare), np.zeros(bare, np.float32)], axis=-1) for z in (teacher, student)]
    one = [teacher, student] if from_logits else [1 / (1 + np.exp(-z)) for z in (teacher, student)]
    two = pairs if from_logits else [softmax(z) for z in pairs]
    weights = np.linspace(0, 2, 9, dtype=np.float32) if weighted else None
    found, wanted = (float(distiller.softened_divergence(a, b, weights)) for a, b in (one, two))
    assert wanted > 0.01
    assert found == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_coin_that_is_sure_has_a_finite_divergence(dtype):
    distiller = Distiller(network("student"), network("teacher"), temperature=1)
    sure, other = (np.array(p, dtype)[:, None] for p in ([0, 1, 0, 1], [0, 1, 1, 0]))
    found = [float(distiller.softened_divergence(sure[i : i + 1], other[i : i + 1])) for i in range(4)]
    assert found[:2] == [0, 0]
    assert found[2:] == pytest.approx([-np.log(1e-7)] * 2, rel=0.02)


def test_a_student_of_one_output_learns_from_the_teacher_alone():
    student, teacher = ends_in_one("number", False), ends_in_one("number", False)
    distiller = Distiller(student, teacher, share=1.0, temperature=2.0)
    distiller.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", jit_compile=False)
    x = draw(64, 6, 6, 2)
    before = np.abs(student.predict(x, verbose=0) - teacher.predict(x, verbose=0)).mean()
    distiller.fit(x, np.zeros((64, 1)), epochs=20, batch_size=16, verbose=0)
    after = np.abs(student.predict(x, verbose=0) - teacher.predict(x, verbose=0)).mean()
    assert after < before / 3


def test_attention_distance_of_equal_directions_is_nothing():
    a = draw(4, 5, 5, 3)
    assert float(attention_distance(a, 2.5 * a)) == pytest.approx(0, abs=1e-6)
    assert float(attention_distance(a, np.zeros_like(a))) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_student_learns_the_teacher_stays_and_callbacks_do_not_see_it(jit_compile):
    teacher, float_student = network("teacher", 8), network("student")
    student = xlite.binarize(float_student, verbose=False)
    teacher_before = [np.array(w) for w in teacher.get_weights()]
    distiller = Distiller(student, teacher, share=1.0, attention={"first": "first"})
    distiller.compile(
        keras.optimizers.Adam(0.02),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=jit_compile,
    )
    x, y = draw(48, 6, 6, 2), np.arange(48) % 3
    history = distiller.fit(
        x,
        y,
        epochs=6,
        batch_size=16,
        verbose=0,
        validation_data=(x, y),
        callbacks=[xlite.callbacks.LogFlipRatio()],
    ).history
    assert history["distillation"][-1] < history["distillation"][0]
    assert {"loss", "distillation", "attention", "accuracy", "val_loss", "flip_ratio/second"} <= set(history)
    assert not {"val_distillation", "val_attention"} & set(history)  # the teacher sees no test images
    for before, after in zip(teacher_before, teacher.get_weights()):
        np.testing.assert_array_equal(before, after)
    assert {id(v) for v in distiller.trainable_variables} == {id(v) for v in student.trainable_variables}
    assert {layer.name for layer in filters.filter_layers(distiller)} == {"first", "second", "last"}
    np.testing.assert_allclose(distiller.predict(x, verbose=0), student.predict(x, verbose=0), rtol=1e-5)
    assert "bitxbit" in xlite.convert(student, strict=True).report.macs


def test_binary_weights_by_callback_can_be_distilled_too():
    teacher, student = network("teacher", 8), network("student")
    distiller = Distiller(student, teacher)
    distiller.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    binarize = xlite.callbacks.BinarizeWeights("second")
    distiller.fit(draw(16, 6, 6, 2), np.arange(16) % 3, verbose=0, callbacks=[binarize])
    assert len(np.unique(np.abs(student.get_layer("second").get_weights()[0]))) == 6
    assert len(np.unique(np.abs(teacher.get_layer("second").get_weights()[0]))) > 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0}, "temperature"),
        ({"share": 1.5}, "share"),
        ({"attention_weight": -1}, "attention_weight"),
        ({"attention": {"nowhere": "first"}}, "no layer called 'nowhere'"),
        ({"attention": {"first": "nowhere"}}, "no layer called 'nowhere'"),
        ({"attention": {"first": "mean"}}, "shapes"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(TrainingError, match=message):
        Distiller(network("student"), network("teacher"), **options)


def test_what_is_no_model_is_refused():
    for pair, named in ((("student.h5", network("teacher")), "student"), ((network("student"), None), "teacher")):
        with pytest.raises(TrainingError, match=f"Distiller got {named}=.* give a Keras model"):
            Distiller(*pair)


def test_models_of_other_outputs_are_refused():
    other = keras.Sequential([keras.Input((6, 6, 2)), kl.Flatten(), kl.Dense(4)])
    with pytest.raises(TrainingError, match=r"outputs.*\(None, 3\) and \(None, 4\)"):
        Distiller(network("student"), other)


class Called(keras.Model):
    """What it gives is known only once it is called."""

    def __init__(self, arrange):
        super().__init__()
        self.heads, self.arrange = [kl.Dense(2, activation="softmax") for _ in "ab"], arrange

    def call(self, x):
        return self.arrange(*(head(x) for head in self.heads))


ARRANGED = {
    "list": (lambda a, b: [a, b], "2 outputs;"),
    "tuple": (lambda a, b: (a, b), "2 outputs;"),
    "dict": (lambda a, b: {"a": a, "b": b}, "a dict of outputs;"),
    "dict of one": (lambda a, b: {"a": a}, "a dict of outputs;"),
}


@pytest.mark.parametrize("role", ["student", "teacher"])
@pytest.mark.parametrize("arranged", ARRANGED)
def test_several_outputs_are_refused_before_anything_is_dropped(arranged, role):
    arrange, message = ARRANGED[arranged]
    x = keras.Input((5,))
    heads = [kl.Dense(2, activation="softmax")(x) for _ in "ab"]
    one, several = keras.Model(x, heads[0]), keras.Model(x, arrange(*heads))
    models = {"student": one, "teacher": one, role: several}
    message = rf"the {role} gives {message}.*keras.Model\({role}.inputs, {role}.outputs\[0\]\)"
    with pytest.raises(TrainingError, match=message):
        Distiller(**models)
    distiller = Distiller(**{**models, role: keras.Model(several.inputs, several.outputs[0])})  # as it says
    distiller.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    data = draw(4, 5), np.arange(4) % 2
    distiller.fit(*data, verbose=0)
    distiller = Distiller(**{**models, role: Called(arrange)})
    distiller.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    with pytest.raises(TrainingError, match=message):
        distiller.fit(*data, verbose=0)


def test_a_list_of_one_output_is_one_output():
    x = keras.Input((5,))
    models = [keras.Model(x, [kl.Dense(2, activation="softmax")(x)]) for _ in "ab"]
    distiller = Distiller(*models, attention={})
    distiller.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    history = distiller.fit(draw(4, 5), np.arange(4) % 2, verbose=0).history
    assert history["distillation"][0] > 0


class SoftDense(kl.Dense):
    """A dense layer without an activation that nonetheless ends in probabilities."""

    def call(self, x):
        return keras.ops.softmax(super().call(x))


class Renamed(kl.Dense):
    """A dense layer, as Keras computes it."""


class SoftReshape(kl.Reshape):
    """A reshape that is more."""

    def call(self, x):
        return keras.ops.softmax(super().call(x))


class SoftModel(keras.Model):
    """Functional, but not all that it does is in its graph."""

    def call(self, *args, **kwargs):
        return keras.ops.softmax(super().call(*args, **kwargs))


def ends(*layers, model=keras.Model, shape=(5,)):
    x = keras.Input(shape)
    y = x
    for layer in layers:
        y = layer(y)
    return model(x, y)


def nested(*layers):
    """The layers in a model, in a Sequential one, in a model."""
    return ends(keras.Sequential([keras.Input((5,)), ends(*layers)]))


def tail(*layers, shape=(3,)):
    """The layers as a model of its own."""
    return keras.Sequential([keras.Input(shape), *layers])


def of_two(last):
    """``last`` behind a dense layer, in a model of two inputs."""
    a, b = keras.Input((5,)), keras.Input((3,))
    inner = keras.Model([a, b], kl.Reshape((3,))(b))
    x = keras.Input((5,))
    return keras.Model(x, inner([x, last(x)]))


def pooled_over_any(last):
    """``last`` at as many places as there are, and their mean."""
    x = keras.Input((None, 5))
    return keras.Model(x, kl.GlobalAveragePooling1D()(last(x)))


SHAPED = {
    "reshaped": lambda last: ends(last, kl.Reshape((1, 3)), kl.Permute((2, 1)), kl.Flatten()),
    "cast": lambda last: ends(last, kl.Activation("linear", dtype="float32"), kl.Identity()),
    "pooled over one": lambda last: ends(kl.Reshape((1, 1, 5)), last, kl.GlobalAveragePooling2D()),
    "nested reshape": lambda last: ends(last, tail(tail(kl.Reshape((3, 1))), kl.Flatten(), shape=(3,))),
    "nested whole": lambda last: nested(last, kl.Reshape((3,))),
}


LOGITS = {
    "dense": lambda: ends(kl.Dense(3)),
    "derived": lambda: ends(Renamed(3)),
    "quantized": lambda: ends(xlite.layers.QuantDense(3, kernel_quantizer="ste_sign")),
    "sequential": lambda: keras.Sequential([keras.Input((5,)), kl.Dense(3)]),
    "nested": lambda: nested(kl.Dense(3)),
    "norm": lambda: ends(kl.Dense(3), kl.BatchNormalization()),
    "convolved": lambda: ends(kl.Reshape((1, 5)), kl.Conv1D(3, 1), kl.Flatten()),
    **{name: lambda make=make: make(kl.Dense(3)) for name, make in SHAPED.items()},
}
PROBABILITIES = {
    "dense": lambda: ends(kl.Dense(3, activation="softmax")),
    "sigmoid": lambda: ends(kl.Dense(3, activation="sigmoid")),
    "activation": lambda: ends(kl.Dense(3), kl.Activation("softmax")),
    "softmax": lambda: ends(kl.Dense(3), kl.Softmax()),
    "nested": lambda: nested(kl.Dense(3), kl.Softmax()),
    **{name: lambda make=make: make(kl.Dense(3, activation="softmax")) for name, make in SHAPED.items()},
}
UNKNOWN = {
    "operation": lambda: ends(kl.Dense(3), keras.ops.softmax),
    "own layer": lambda: ends(SoftDense(3)),
    "own model": lambda: ends(kl.Dense(3), model=SoftModel),
    "own model within": lambda: ends(ends(kl.Dense(3), model=SoftModel)),
    "own reshape": lambda: ends(kl.Dense(3), SoftReshape((3,))),
    "own model behind": lambda: ends(kl.Dense(3), ends(kl.Reshape((3,)), model=SoftModel, shape=(3,))),
    "pooled": lambda: ends(kl.Reshape((1, 5)), kl.ZeroPadding1D(1), kl.Dense(3), kl.GlobalAveragePooling1D()),
    "pooled over any": lambda: pooled_over_any(kl.Dense(3)),
    "dropped": lambda: ends(kl.Dense(3), kl.Dropout(0.5)),
    "of two inputs": lambda: of_two(kl.Dense(3)),
    "inputs reshaped": lambda: ends(kl.Flatten()),
    "called": lambda: Called(lambda a, b: a),
    "unbuilt": lambda: keras.Sequential([kl.Dense(3)]),
}


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize(
    ("make", "logits"),
    [(make, known) for made, known in ((LOGITS, True), (PROBABILITIES, False)) for make in made.values()],
    ids=[f"{known}-{name}" for made, known in ((LOGITS, 1), (PROBABILITIES, 0)) for name in made],
)
def test_what_a_model_ends_in_is_compared_with_from_logits(make, logits, from_logits):
    unknown = UNKNOWN["operation"]()
    for models in ((make(), make()), (make(), unknown), (unknown, make())):
        if logits == from_logits:
            Distiller(*models, from_logits=from_logits)
            continue
        role = "teacher" if models[0] is unknown else "student"
        with pytest.raises(TrainingError, match=f"the {role} ends in .*give from_logits={logits}"):
            Distiller(*models, from_logits=from_logits)
        Distiller(*models, from_logits=from_logits, share=0)  # which compares no outputs


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("make", UNKNOWN.values(), ids=list(UNKNOWN))
def test_ends_of_ones_own_are_not_judged(make, from_logits):
    Distiller(make(), make(), from_logits=from_logits)


@pytest.mark.parametrize("from_logits", [False, True])
def test_ends_that_differ_are_refused(from_logits):
    for models in ((LOGITS["dense"](), PROBABILITIES["dense"]()), (PROBABILITIES["dense"](), LOGITS["dense"]())):
        with pytest.raises(TrainingError, match="one of student and teacher ends in logits"):
            Distiller(*models, from_logits=from_logits)


def losses(from_logits):
    known = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    function = functools.partial(keras.losses.sparse_categorical_crossentropy, from_logits=from_logits)
    plain = ["sparse_categorical_crossentropy", "crossentropy", keras.losses.sparse_categorical_crossentropy]
    return [known, [known], {"last": known}, function, *([] if from_logits else plain)]


@pytest.mark.parametrize("from_logits", [False, True])
def test_the_loss_has_the_same_from_logits(from_logits):
    make = (LOGITS if from_logits else PROBABILITIES)["dense"]
    distiller, free = (Distiller(make(), make(), from_logits=from_logits, share=share) for share in (0.5, 0))
    unknown = [None, "mse", keras.losses.Huber(), lambda y, p: keras.ops.mean(p), dict]
    for loss in [*losses(from_logits), *unknown]:
        distiller.compile("sgd", loss)
    for loss in losses(not from_logits):
        with pytest.raises(TrainingError, match=f"from_logits={from_logits} and the loss from_logits="):
            distiller.compile("sgd", loss)
        free.compile("sgd", loss)
