"""Distiller: its loss by hand, what is trained and what is not, and that a binarized student learns from it."""

from __future__ import annotations

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
