"""xlite train: a run, a run that is resumed, and what is left of it."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import xlite  # noqa: E402
from tests.xlite.training.small import recipe, write_npz  # noqa: E402
from xlite.schema.errors import TrainingError  # noqa: E402
from xlite.training import runlog  # noqa: E402
from xlite.training.runner import Settings, accuracy_of, train  # noqa: E402

pytestmark = pytest.mark.keras


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path / "model.keras", data=str(write_npz(tmp_path)))


@pytest.fixture(scope="module")
def through(tmp_path_factory):
    """A run from its beginning to its end: its folder and its outcome."""
    folder = tmp_path_factory.mktemp("through")
    return folder, train(recipe(), Settings(folder / "model.keras", data=str(write_npz(folder))))


class Killed(Exception):
    """As if the process had ended."""


class KillAt(keras.callbacks.Callback):
    """Ends the run in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch, self.now = epoch, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and batch == 3:
            raise Killed


def test_a_run_writes_a_model_that_packs_a_log_and_a_picture(through):
    folder, outcome = through
    assert outcome.accuracy > 0.5  # three classes
    loaded = keras.saving.load_model(folder / "model.keras")
    assert accuracy_of(loaded, recipe().load(str(folder / "images.npz"))) == outcome.accuracy
    report = xlite.convert(folder / "model.keras").report
    assert {row.name: row.status for row in report.layers}["binary"] == "packed"
    assert {row.name: row.status for row in report.layers}["plain"] == "weights packed"
    run = runlog.read_run(folder / "model.jsonl")
    assert [entry["epoch"] for entry in run.epochs] == list(range(4))
    assert run.epochs[-1]["loss"] < run.epochs[0]["loss"]
    assert {"val_accuracy", "accuracy", "seconds"} <= set(run.epochs[0])
    assert (run.start["seed"], run.start["data"], run.start["train_images"]) == (1, "images.npz", 96)
    assert run.end["test_accuracy"] == pytest.approx(outcome.accuracy, abs=1e-5)
    assert run.end["packed_bytes"] == outcome.packed_bytes == report.file_bytes
    events = [json.loads(line)["event"] for line in (folder / "model.jsonl").read_text().splitlines()]
    assert events == ["start", *["epoch"] * 4, "end"]
    pictures = ["model.png"] if not outcome.notes else []
    assert sorted(path.name for path in folder.iterdir()) == [
        "images.npz",
        "model.jsonl",
        "model.keras",
        *pictures,
    ]


def test_a_run_that_was_killed_and_resumed_is_the_run_that_was_not(through, settings, tmp_path):
    fragile = recipe()
    callbacks = fragile.callbacks
    with pytest.raises(Killed):  # before there is a checkpoint: resuming is beginning
        train(replace(fragile, callbacks=lambda: [*callbacks(), KillAt(0)]), settings)
    assert not (tmp_path / "model.checkpoint.npz").exists()
    with pytest.raises(Killed):
        train(replace(fragile, callbacks=lambda: [*callbacks(), KillAt(2)]), replace(settings, resume=True))
    _refuses_other_runs(settings)
    left = (tmp_path / "model.checkpoint.npz").read_bytes()
    with pytest.raises(TrainingError, match=r"model.checkpoint.npz: .* give --resume to go on with it"):
        train(recipe(), settings)
    assert (tmp_path / "model.checkpoint.npz").read_bytes() == left
    resumed = train(recipe(), replace(settings, resume=True))
    folder, outcome = through
    for ours, theirs in zip(resumed.model.get_weights(), outcome.model.get_weights()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    one, two = runlog.read_run(tmp_path / "model.jsonl"), runlog.read_run(folder / "model.jsonl")
    assert [entry["epoch"] for entry in one.epochs] == [0, 1, 2, 3]
    for a, b in zip(one.epochs, two.epochs):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-4)
    assert not (tmp_path / "model.checkpoint.npz").exists()
    before = (tmp_path / "model.jsonl").read_bytes()
    again = train(recipe(), replace(settings, resume=True))  # nothing is left to do, and nothing is done
    assert (tmp_path / "model.jsonl").read_bytes() == before
    assert "at its end already" in again.notes[0]
    assert (again.accuracy, again.packed_bytes) == (
        pytest.approx(resumed.accuracy, abs=1e-5),
        resumed.packed_bytes,
    )
    for ours, theirs in zip(again.model.get_weights(), resumed.model.get_weights()):
        np.testing.assert_array_equal(ours, theirs)


def _refuses_other_runs(settings):
    with pytest.raises(TrainingError, match=r"seed=1, and this one has 2"):
        train(recipe(), replace(settings, seed=2, resume=True))
    with pytest.raises(TrainingError, match=r"epochs=4, and this one has 5"):
        train(recipe(), replace(settings, epochs=5, resume=True))

    def other(job):
        model = keras.Sequential([keras.Input(job.images.shape), keras.layers.Flatten(), keras.layers.Dense(3)])
        model.compile("adam", "sparse_categorical_crossentropy")
        return model

    with pytest.raises(TrainingError, match="another model"):
        train(recipe(build=other), replace(settings, resume=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"out": "model.txt"}, r"\.h5 or \.keras"),
        ({"epochs": 0}, "--epochs 0"),
        ({"start": "some.h5"}, "untrained"),
        ({"limit": 10}, "fill a batch of 16"),
        ({"limit": 0}, "--limit 0: give 1 or more"),
        ({"limit": -5}, "--limit -5"),
        ({"seed": -1}, "--seed -1"),
        ({"seed": 2**32}, "--seed 4294967296"),
        ({"strategy": "else"}, "no strategy"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(changes, message, settings, tmp_path):
    if "out" in changes:
        changes = {"out": tmp_path / changes["out"]}
    with pytest.raises(TrainingError, match=message):
        train(recipe(), replace(settings, **changes))


def test_a_model_to_start_with_is_loaded_made_binary_and_taught_by_itself(through, settings, tmp_path):
    def build(job):
        student = xlite.binarize(job.start, layers="plain", verbose=False)
        distiller = xlite.Distiller(student, job.start)
        distiller.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
        return distiller

    second = recipe(
        build=build, start="train small first", epochs=1, callbacks=list, deployed=lambda model: model.student
    )
    with pytest.raises(TrainingError, match="train small first"):
        train(second, settings)
    with pytest.raises(TrainingError, match="cannot be loaded"):
        train(second, replace(settings, start=str(tmp_path / "images.npz")))
    outcome = train(second, replace(settings, start=str(through[0] / "model.keras")))
    run = runlog.read_run(tmp_path / "model.jsonl")
    assert "distillation" in run.epochs[0]
    started = keras.saving.load_model(through[0] / "model.keras")
    images = recipe().load(settings.data)
    assert run.start["start_accuracy"] == pytest.approx(accuracy_of(started, images), abs=1e-5)
    untrained = xlite.binarize(started, layers="plain", verbose=False)
    assert run.start["untrained_accuracy"] == pytest.approx(accuracy_of(untrained, images), abs=1e-5)
    loaded = keras.saving.load_model(settings.out)
    assert loaded.get_layer("plain").kernel_quantizer is not None
    assert loaded.count_params() == outcome.model.count_params()


def test_a_run_goes_on_only_from_the_model_that_it_began_with(through, settings, tmp_path):
    start = tmp_path / "start.keras"
    start.write_bytes((through[0] / "model.keras").read_bytes())
    second = recipe(
        build=lambda job: recipe().build(job), start="train small first", callbacks=lambda: [KillAt(1)], epochs=2
    )
    with pytest.raises(Killed):
        train(second, replace(settings, start=str(start)))
    other = keras.saving.load_model(start)
    other.save(start)  # the same weights, but who could tell
    with pytest.raises(TrainingError, match="start_sha256"):
        train(second, replace(settings, start=str(start), resume=True))


def test_a_model_to_start_with_has_to_fit_the_images(through, settings, tmp_path):
    second = recipe(start="train small first", deployed=lambda model: model)
    start = str(through[0] / "model.keras")
    for name, changes, message in (
        (
            "wide",
            {"x_train": np.zeros((96, 8, 9, 3), np.uint8), "x_test": np.zeros((48, 8, 9, 3), np.uint8)},
            "8, 9",
        ),
        ("many", {"y_train": np.arange(96) % 7}, "tells 3 classes apart, and the images have 7"),
    ):
        (tmp_path / name).mkdir()
        data = str(write_npz(tmp_path / name, **changes))
        with pytest.raises(TrainingError, match=message):
            train(second, replace(settings, data=data, start=start))


def test_a_model_to_start_with_that_is_none_is_named(settings, tmp_path):
    second = recipe(start="train one first")
    (tmp_path / "junk.keras").write_text("no archive")
    for name, message in (("junk.keras", "it is no model of Keras"), ("none.keras", "there is no such file")):
        with pytest.raises(TrainingError, match=rf"{name}: cannot be loaded \({message}\)"):
            train(second, replace(settings, start=str(tmp_path / name)))


def test_no_warning_tells_of_a_format_that_was_asked_for(tmp_path):
    from xlite.training import runner

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    told, listener = [], logging.Handler()
    listener.emit = lambda record: told.append(record.getMessage())
    logging.getLogger("absl").addHandler(listener)
    try:
        runner._save(model, tmp_path / "model.h5")
        assert told == []
        model.save(tmp_path / "plain.h5")  # what others save is as loud as it was
        assert "legacy" in told[0]
    finally:
        logging.getLogger("absl").removeHandler(listener)


def own_model():
    """A registered subclass of keras.Model, which tells neither inputs nor outputs before it is called."""

    @keras.saving.register_keras_serializable(package="tests")
    class OwnModel(keras.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.inner = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")])

        def build(self, shape):
            self.inner.build(shape)

        def call(self, inputs):
            return self.inner(inputs)

    model = OwnModel()
    model.build((None, 8, 8, 3))
    return model


def test_a_model_to_start_with_may_be_a_class_of_its_own_if_it_is_known(settings, tmp_path):
    path = tmp_path / "own.keras"
    own_model().save(path)

    def build(job):
        model = keras.Sequential([keras.Input(job.images.shape), keras.layers.Flatten(), keras.layers.Dense(3)])
        model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
        return model

    second = recipe(build=build, callbacks=list, start="train one first", epochs=1)
    train(second, replace(settings, start=str(path)))
    assert "start_accuracy" in runlog.read_run(tmp_path / "model.jsonl").start
    keras.saving.get_custom_objects().pop("tests>OwnModel")
    with pytest.raises(TrainingError, match=r"own[.]keras: cannot be loaded \(Could not locate class"):
        train(second, replace(settings, start=str(path), overwrite=True))


def test_a_network_may_leave_the_only_channel_out(tmp_path):
    """Keras does so for images of one channel; in others it would find too many axes."""

    def build(job):
        model = keras.Sequential(
            [keras.Input((8, 8)), keras.layers.Conv1D(4, 3), keras.layers.Flatten(), keras.layers.Dense(3)]
        )
        model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
        return model

    rows = recipe(build=build, callbacks=list, epochs=1)
    grey = {name: np.zeros((count, 8, 8), np.uint8) for name, count in (("x_train", 96), ("x_test", 48))}
    train(rows, Settings(tmp_path / "model.h5", data=str(write_npz(tmp_path, **grey))))
    with pytest.raises(TrainingError, match=r"of shape \(8, 8\), and those of images.npz have \(8, 8, 3\)"):
        train(rows, Settings(tmp_path / "other.h5", data=str(write_npz(tmp_path))))


def test_images_that_the_recipe_is_not_for_are_refused_before_training(settings):
    from xlite.recipes.fashion import RECIPE

    with pytest.raises(
        TrainingError, match=r"images of shape \(28, 28, 1\), and those of images.npz have \(8, 8, 3\)"
    ):
        train(replace(RECIPE, batch_size=16), settings)
    assert not settings.beside(".jsonl").exists()


def test_a_model_that_does_not_tell_its_inputs_trains_all_the_same(settings):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")])

        def call(self, inputs):
            return self.inner(inputs)

    def build(job):
        model = Own()
        model.build((None, *job.images.shape))
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
        return model

    outcome = train(recipe(build=build, callbacks=list, epochs=1), settings)
    assert outcome.packed_bytes is None
    assert "does not convert" in outcome.notes[0]


def test_the_folder_of_the_model_is_made_or_refused(tmp_path):
    data = str(write_npz(tmp_path))
    train(recipe(epochs=1), Settings(tmp_path / "new" / "folder" / "model.h5", data=data))
    assert (tmp_path / "new" / "folder" / "model.jsonl").exists()
    with pytest.raises(TrainingError, match="its folder cannot be made"):
        train(recipe(epochs=1), Settings(tmp_path / "images.npz" / "model.h5", data=data))
    (tmp_path / "folder.h5").mkdir()
    with pytest.raises(TrainingError, match="is a folder; name a file"):
        train(recipe(epochs=1), Settings(tmp_path / "folder.h5", data=data))


def test_resume_begins_again_where_a_log_was_cut_short_or_a_model_is_none(settings):
    settings.beside(".jsonl").write_text('{"event": "sta')
    for damage in (lambda: settings.out.write_text("no model"), settings.out.unlink, lambda: None):
        train(recipe(), replace(settings, epochs=1, resume=True))
        assert len(runlog.read_run(settings.beside(".jsonl")).epochs) == 1
        keras.saving.load_model(settings.out)
        damage()


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, r"a finished run is there \(recipe small, epochs 4, seed 1, train_images 96, test accuracy [01]\."),
        ({"limit": 32, "epochs": 1}, "a finished run is there"),
        ({"seed": 2, "resume": True}, "a finished run .* whose seed is not that of this one"),
        ({"epochs": 1, "resume": True}, "a finished run .* whose epochs is not that of this one"),
        ({"limit": 32, "resume": True}, "a finished run .* whose data_sha256 is not that of this one"),
    ],
    ids=str,
)
def test_what_a_finished_run_left_is_replaced_by_no_other(through, changes, message):
    folder, _ = through
    settings = Settings(folder / "model.keras", data=str(folder / "images.npz"))
    before = contents(folder)
    with pytest.raises(TrainingError, match=f"{message}.* give another --out, or --overwrite to replace it"):
        train(recipe(), replace(settings, **changes))
    assert contents(folder) == before
    # a model of another name beside it would take the log's place
    with pytest.raises(TrainingError, match="a finished run is there"):
        train(recipe(), replace(settings, out=folder / "model.h5", **changes))
    assert contents(folder) == before


@pytest.mark.parametrize("resume", [False, True])
def test_a_model_of_other_origin_is_not_replaced_unless_it_may_be(settings, resume):
    settings = replace(settings, epochs=1, resume=resume)
    settings.out.write_text("trained by hand")
    for log in (None, '{"event": "sta'):
        if log is not None:
            settings.beside(".jsonl").write_text(log)
        with pytest.raises(TrainingError, match=r"model\.keras: is there already; .* or --overwrite"):
            train(recipe(), settings)
        assert settings.out.read_text() == "trained by hand"
    train(recipe(), replace(settings, overwrite=True))
    keras.saving.load_model(settings.out)
    train(recipe(), replace(settings, overwrite=True, seed=2))
    assert runlog.read_run(settings.beside(".jsonl")).start["seed"] == 2


@pytest.mark.parametrize("resume", [False, True])
def test_a_picture_of_other_origin_is_not_replaced_unless_it_may_be(settings, resume):
    pytest.importorskip("PIL")
    settings, picture = replace(settings, epochs=1, resume=resume), settings.beside(".png")
    picture.write_text("a photo of the model")
    before = contents(settings.out.parent)
    with pytest.raises(
        TrainingError, match=r"model\.png, where its curves go, is there already; .* or --overwrite"
    ):
        train(recipe(), settings)
    assert contents(settings.out.parent) == before
    train(recipe(), replace(settings, overwrite=True))
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_folder_in_the_pictures_place_is_told_before_the_training(settings):
    settings.beside(".png").mkdir()
    with pytest.raises(
        TrainingError, match=r"model\.png: is a folder, and the curves would be put there; give an"
    ):
        train(recipe(), replace(settings, overwrite=True))
    assert not settings.beside(".jsonl").exists()


def test_an_interrupted_run_is_not_lost_by_overwriting(settings):
    with pytest.raises(Killed):
        train(recipe(callbacks=lambda: [KillAt(1)]), settings)
    with pytest.raises(TrainingError, match="a run was interrupted; give --resume"):
        train(recipe(), replace(settings, overwrite=True))


@pytest.mark.parametrize(
    "text", ["some words", '{"a": 1}\n', '[1]\n{"event": "start"}\n', '{"event": "start"}\nnot']
)
def test_a_file_that_is_no_log_is_not_made_one(settings, text):
    settings.beside(".jsonl").write_text(text)
    with pytest.raises(TrainingError, match=r"model\.jsonl: is no log of a training run"):
        train(recipe(), replace(settings, overwrite=True))
    assert settings.beside(".jsonl").read_text() == text


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04 and no more"])
def test_a_checkpoint_that_cannot_be_read_is_named(data, settings):
    path = settings.beside(".checkpoint.npz")
    path.write_bytes(data)
    with pytest.raises(TrainingError, match=r"model.checkpoint.npz: is no checkpoint .* delete it to begin again"):
        train(recipe(), replace(settings, resume=True))
    path.unlink()
    np.savez(path, other=np.zeros(3))
    with pytest.raises(TrainingError, match=r"is no checkpoint"):
        train(recipe(), replace(settings, resume=True))


def test_a_limit_takes_images_of_all_classes_of_a_sorted_set_and_always_the_same(settings, tmp_path):
    from xlite.training import runner

    images = recipe().load(settings.data)
    by_class = {part: np.argsort(getattr(images, f"y_{part}"), kind="stable") for part in ("train", "test")}
    arrays = {f"{kind}_{part}": rows for part, rows in by_class.items() for kind in "xy"}
    ordered = replace(images, **{name: getattr(images, name)[rows] for name, rows in arrays.items()})
    few = runner._limited(ordered, 24)
    for x, y, all_x, all_y in (
        (few.x_train, few.y_train, ordered.x_train, ordered.y_train),
        (few.x_test, few.y_test, ordered.x_test, ordered.y_test),
    ):
        assert (len(x), len(y), set(y)) == (24, 24, {0, 1, 2})
        known = {image.tobytes(): label for image, label in zip(all_x, all_y)}
        assert [known[image.tobytes()] for image in x] == list(y)
        assert list(y) == sorted(y)  # in their order
    assert runner._limited(ordered, 24).sha256 == few.sha256
    assert runner._limited(ordered, 1000).sha256 == ordered.sha256
    assert runner._limited(ordered, None) is ordered


@pytest.mark.parametrize("given", [None, ("x", "y")])
def test_a_recipe_whose_load_gives_no_images_is_named(given, settings):
    with pytest.raises(TrainingError, match=rf"'small': its load has to return .*, not {type(given).__name__}$"):
        train(recipe(load=lambda data: given), settings)


def test_a_recipe_whose_model_is_not_compiled_is_named(settings):
    def build(job):
        return keras.Sequential([keras.Input(job.images.shape), keras.layers.Flatten(), keras.layers.Dense(3)])

    with pytest.raises(TrainingError, match=r"'small': its build has to return a model on which compile"):
        train(recipe(build=build), settings)


def test_a_checkpoint_is_whole_or_not_there(tmp_path, monkeypatch):
    from xlite.training import checkpoint

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    saved = checkpoint.Checkpoint(tmp_path / "state.npz", {"seed": 1}, [])
    saved.set_model(model)
    saved.on_epoch_end(0)
    before = saved.path.read_bytes()
    real = np.savez

    def torn(path, **arrays):
        real(path, **dict(list(arrays.items())[:2]))
        raise Killed

    monkeypatch.setattr(checkpoint.np, "savez", torn)
    with pytest.raises(Killed):
        saved.on_epoch_end(1)
    assert saved.path.read_bytes() == before
    assert saved.restore(model) == 1
