"""Trains a recipe, from the beginning or from where a run stopped."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Optional, Union

import keras
import numpy as np

from xlite.schema.errors import FileError, TrainingError
from xlite.training import curves, runlog
from xlite.training.batches import Batches, EpochOf, scaled
from xlite.training.checkpoint import Checkpoint, write_whole
from xlite.training.distribution import Strategy
from xlite.training.images import Images
from xlite.training.recipe import Job, Recipe

CHECKPOINT, CURVES = ".checkpoint.npz", ".png"


@dataclass(frozen=True)
class Settings:
    """``out``: the model to write, .h5 or .keras; beside it come ``.jsonl`` (the log), ``.png`` (the curves) and,
    until the end, ``.checkpoint.npz``. ``epochs``: None for the recipe's. ``limit``: only so many training and
    test images, to try a recipe out. ``overwrite``: whether a model, a finished run or a picture that is there may
    be replaced."""

    out: Path
    data: Optional[str] = None
    epochs: Optional[int] = None
    seed: int = 1
    strategy: str = "none"
    resume: bool = False
    start: Optional[str] = None
    limit: Optional[int] = None
    overwrite: bool = False

    def beside(self, suffix: str) -> Path:
        return self.out.with_suffix(suffix)


@dataclass(frozen=True)
class Outcome:
    """``accuracy``: of the test images, 0 to 1. ``packed_bytes``: of the .xlite file, None where the model does
    not convert. ``notes``: what was left undone, and why. ``data_sha256``: of the images."""

    model: Any
    accuracy: float
    seconds: float
    packed_bytes: Optional[int]
    notes: list[str]
    data_sha256: str = ""


def train(recipe: Recipe, settings: Settings, tell: Optional[Callable[[str], None]] = None) -> Outcome:
    """Runs a recipe and writes the model, its log and its curves. ``tell`` is given what a user should know before
    the training, in a sentence each. Raises TrainingError and FileError."""
    _check(recipe, settings)
    strategy = Strategy(settings.strategy)
    keras.utils.set_random_seed(settings.seed)
    images = _limited(_images(recipe, settings.data), settings.limit)
    epochs = recipe.epochs if settings.epochs is None else settings.epochs
    facts = _facts(recipe, settings, images, epochs)
    finished = _finished_before(settings, facts)
    if finished is not None:
        return finished
    batches = Batches(images.x_train, images.y_train, recipe.batch_size, settings.seed, recipe.augment)
    if not len(batches):
        raise TrainingError(f"{len(images.x_train)} training images do not fill a batch of {recipe.batch_size}")
    with strategy.scope():
        start = None if settings.start is None else _loaded(settings.start, images)
        model = recipe.build(Job(images, epochs, len(batches), start))
    if not getattr(model, "compiled", False):
        raise TrainingError(f"recipe {recipe.name!r}: its build has to return a model on which compile was called")
    _check_shapes(recipe, recipe.deployed(model), images)
    if tell is not None and strategy.is_chief and images.untrained:
        tell(_without_training(images))
    strategy.prepare(model, batches)
    callbacks = recipe.callbacks()
    checkpoint = Checkpoint(settings.beside(CHECKPOINT), facts, callbacks, strategy.is_chief)
    before = {} if start is None else _before(start, recipe.deployed(model), images)
    first = checkpoint.restore(model) if settings.resume else 0
    log = _Log(settings.beside(".jsonl"), first) if strategy.is_chief else None
    if log is not None:
        log.started({**facts, **before, "versions": runlog.versions(), "parameters": model.count_params()})
    if first < epochs:
        _fit(model, strategy, batches, images, epochs, first, [*callbacks, *([log] if log else []), checkpoint])
    return _finished(recipe, settings, model, images, log, checkpoint)


def _check(recipe: Recipe, settings: Settings) -> None:
    if settings.out.suffix not in (".h5", ".keras"):
        raise TrainingError(f"--out {settings.out}: give it the ending .h5 or .keras")
    if settings.epochs is not None and settings.epochs < 1:
        raise TrainingError(f"--epochs {settings.epochs}: give 1 or more")
    if settings.limit is not None and settings.limit < 1:
        raise TrainingError(f"--limit {settings.limit}: give 1 or more")
    if not 0 <= settings.seed < 2**32:
        raise TrainingError(f"--seed {settings.seed}: give a number from 0 to {2**32 - 1}")
    if recipe.start and settings.start is None:
        raise TrainingError(f"recipe {recipe.name!r} begins with a trained model: {recipe.start}")
    if settings.start is not None and not recipe.start:
        raise TrainingError(f"recipe {recipe.name!r} begins with an untrained model; leave --start away")
    if settings.out.is_dir():
        raise TrainingError(f"--out {settings.out}: is a folder; name a file")
    try:
        settings.out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"--out {settings.out}: its folder cannot be made: {error.strerror}") from None
    if not os.access(settings.out.parent, os.W_OK):
        raise TrainingError(f"--out {settings.out}: its folder cannot be written to")
    log, left = settings.beside(".jsonl"), settings.beside(CHECKPOINT)
    if log.exists() and not runlog.is_log(log):
        raise TrainingError(
            f"{log}: is no log of a training run, and that of this one would be put there; give another --out"
        )
    if settings.beside(CURVES).is_dir():
        raise TrainingError(
            f"{settings.beside(CURVES)}: is a folder, and the curves would be put there; give another --out"
        )
    if left.exists() and not settings.resume:
        raise TrainingError(
            f"{left}: a run was interrupted; give --resume to go on with it, another --out, or delete the file"
        )
    if not settings.resume:
        _check_kept(settings, _logged(settings))


def _logged(settings: Settings) -> runlog.Run:
    """What the log at ``--out`` says; nothing where there is none, or one that was cut short."""
    try:
        return runlog.read_run(settings.beside(".jsonl"))
    except FileError:
        return runlog.Run()


def _check_kept(settings: Settings, run: runlog.Run, different: str = "") -> None:
    """Raises TrainingError where a run that begins would replace what a finished one left, or a model or a picture
    of other origin, and nobody said that it may. ``different``: which fact of the finished run is not this
    one's."""
    picture = settings.beside(CURVES)
    if settings.overwrite or not (run.end or settings.out.exists() or picture.exists()):
        return
    what = "is there already" if settings.out.exists() else f"{picture}, where its curves go, is there already"
    if run.end:
        facts = ", ".join(f"{name} {run.start.get(name)}" for name in ("recipe", "epochs", "seed", "train_images"))
        what = f"a finished run is there ({facts}, test accuracy {run.end.get('test_accuracy')})"
    if different:
        what += f" whose {different} is not that of this one"
    raise TrainingError(f"--out {settings.out}: {what}; give another --out, or --overwrite to replace it")


def _images(recipe: Recipe, data: Optional[str]) -> Images:
    images = recipe.load(data)
    if not isinstance(images, Images):
        raise TrainingError(
            f"recipe {recipe.name!r}: its load has to return an xlite.training.images.Images, as make_images of "
            f"that module does, not {type(images).__name__}"
        )
    return images


def _limited(images: Images, limit: Optional[int]) -> Images:
    """``limit`` of the training and of the test images, in their order, the same ones each time. Not the first
    ones: many sets are sorted by class."""
    if limit is None:
        return images
    parts = {}
    for part in ("train", "test"):
        x, y = getattr(images, f"x_{part}"), getattr(images, f"y_{part}")
        rows = np.sort(np.random.default_rng(0).permutation(len(x))[:limit])
        parts.update({f"x_{part}": x[rows], f"y_{part}": y[rows]})
    return replace(images, **parts)


def _without_training(images: Images) -> str:
    names, shown = images.untrained, 5
    listed = ", ".join(names[:shown]) + (" and others" if len(names) > shown else "")
    return f"{len(names)} of {len(images.classes)} classes have no training image: {listed}"


_UNREADABLE = (OSError, TypeError, ValueError)  # TypeError: of a class that Keras does not know


def _read(path: Union[str, Path]) -> Any:
    """A Keras model. Raises one of _UNREADABLE."""
    import xlite.layers  # noqa: F401  (registers the layers that the file may name)

    return keras.saving.load_model(path, compile=False)


def _loaded(path: str, images: Images) -> Any:
    """The model of ``--start``, which has to be one for these images."""
    try:
        model = _read(path)
    except _UNREADABLE as error:
        reason = str(error).splitlines()[0].split(". ")[0]
        if reason.startswith("File not found"):  # which Keras says of any file that is no archive, too
            reason = "it is no model of Keras" if os.path.exists(path) else "there is no such file"
        raise TrainingError(f"--start {path}: cannot be loaded ({reason})") from None
    if not _takes(model, images):
        raise TrainingError(
            f"--start {path}: takes inputs of shape {_input_shape(model)}, and the images have {images.shape}"
        )
    told = [output.shape[-1] for output in getattr(model, "outputs", None) or []]
    if told and told != [len(images.classes)]:
        raise TrainingError(
            f"--start {path}: tells {', '.join(map(str, told))} classes apart, and the images have "
            f"{len(images.classes)}"
        )
    return model


def _input_shape(model: Any) -> tuple[Optional[int], ...]:
    """Of one image; empty where a model does not say, as a subclass of keras.Model need not."""
    inputs = getattr(model, "inputs", None) or []
    return tuple(inputs[0].shape[1:]) if len(inputs) == 1 else ()


def _takes(model: Any, images: Images) -> bool:
    shape, given = _input_shape(model), images.shape
    if len(shape) == 2 and given[-1] == 1:  # Keras leaves the only channel out
        given = given[:-1]
    return not shape or (
        len(shape) == len(given) and all(extent in (None, size) for extent, size in zip(shape, given))
    )


def _check_shapes(recipe: Recipe, model: Any, images: Images) -> None:
    if not _takes(model, images):
        raise TrainingError(
            f"recipe {recipe.name!r} trains a network for images of shape {_input_shape(model)}, and those of "
            f"{images.source} have {images.shape}; give others with --data, or another recipe"
        )


def _finished_before(settings: Settings, facts: dict[str, Any]) -> Optional[Outcome]:
    """What came out of the same run, where ``--resume`` finds it at its end: a script that repeats the command
    until it succeeds does not begin again. Raises TrainingError where it finds another one's."""
    if not settings.resume or settings.beside(CHECKPOINT).exists():
        return None
    run = _logged(settings)
    different = [key for key, value in facts.items() if run.start.get(key) != value] if run.end else []
    if not run.end or different:
        _check_kept(settings, run, different[0] if different else "")
        return None
    try:
        model = _read(settings.out)
    except _UNREADABLE:  # it is gone, or not what the run wrote
        return None
    end = run.end
    notes = ["the run was at its end already; --overwrite without --resume begins it again"]
    return Outcome(
        model, end["test_accuracy"], end["seconds"], end["packed_bytes"], notes, str(facts["data_sha256"])
    )


def _before(start: Any, deployed: Any, images: Images) -> dict[str, float]:
    """The test accuracy of the model that a run begins with, and of what the recipe made of it, untrained."""
    return {
        "start_accuracy": round(accuracy_of(start, images), 5),
        "untrained_accuracy": round(accuracy_of(deployed, images), 5),
    }


def _facts(recipe: Recipe, settings: Settings, images: Images, epochs: int) -> dict[str, Any]:
    """What makes a run this one: a checkpoint of another is refused."""
    return {
        "recipe": recipe.name,
        "seed": settings.seed,
        "epochs": epochs,
        "batch_size": recipe.batch_size,
        "data": images.source,
        "data_sha256": images.sha256,
        "train_images": len(images.x_train),
        "test_images": len(images.x_test),
        **({} if settings.start is None else {"start_sha256": _sha256(settings.start)}),
    }


def _sha256(path: str) -> Optional[str]:
    """Of a file; None where it cannot be read, which is said when it is loaded."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return None


def _fit(
    model: Any, strategy: Strategy, batches: Batches, images: Images, epochs: int, first: int, callbacks: list[Any]
) -> None:
    quiet = not strategy.is_chief
    with strategy.watching():
        model.fit(
            strategy.data(batches),
            epochs=epochs,
            initial_epoch=first,
            shuffle=False,
            # Other workers' test images would have to be divided evenly; they are looked at once, in the end.
            validation_data=None if strategy.name == "multiworker" else (scaled(images.x_test), images.y_test),
            validation_batch_size=500,
            callbacks=[EpochOf(batches), *callbacks],
            verbose=0 if quiet else (1 if sys.stdout.isatty() else 2),  # Keras's bar goes to stdout
        )


class _Log(keras.callbacks.Callback):
    """A line for each epoch, with the seconds that it took."""

    def __init__(self, path: Path, first: int):
        super().__init__()
        runlog.cut_back(path, first)
        self.path = path
        self._begun = 0.0

    def started(self, facts: dict[str, Any]) -> None:
        runlog.write_line(self.path, "start", facts)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        numbers = {key: round(float(value), 6) for key, value in (logs or {}).items()}
        seconds = round(time.perf_counter() - self._begun, 2)
        runlog.write_line(self.path, "epoch", {"epoch": epoch, **numbers, "seconds": seconds})


def _finished(
    recipe: Recipe, settings: Settings, model: Any, images: Images, log: Optional[_Log], checkpoint: Checkpoint
) -> Outcome:
    deployed = recipe.deployed(model)
    accuracy = accuracy_of(deployed, images)
    if log is None:
        return Outcome(deployed, accuracy, 0.0, None, [], images.sha256)
    write_whole(settings.out, lambda path: _save(deployed, path))
    run = runlog.read_run(log.path)
    seconds = sum(entry["seconds"] for entry in run.epochs)
    packed, notes = _packed(deployed)
    end = {"test_accuracy": round(accuracy, 5), "seconds": round(seconds, 1), "packed_bytes": packed}
    runlog.write_line(log.path, "end", {**end, "deployed_parameters": deployed.count_params()})
    drawn = curves.draw(run.epochs, f"{recipe.name}, seed {settings.seed}", settings.beside(CURVES))
    checkpoint.remove()
    return Outcome(deployed, accuracy, seconds, packed, [*notes, *([drawn] if drawn else [])], images.sha256)


def _save(model: Any, path: Path) -> None:
    # The optimizer's state is of no use to a finished model, and twice as large as it. Of .h5 Keras says, through
    # absl, that it is a legacy: who asked for it, or was given it by default, can do nothing about that.
    said = logging.getLogger("absl")
    level = said.level
    said.setLevel(logging.ERROR)
    try:
        model.save(path, include_optimizer=False)
    finally:
        said.setLevel(level)


def _packed(model: Any) -> tuple[Optional[int], list[str]]:
    """The size of the .xlite file, and why there is none, or what does not pack."""
    from xlite.converter import convert
    from xlite.schema.errors import Error

    try:
        result = convert(model)
    except Error as error:
        return None, [f"the model does not convert: {error}"]
    broken = [row.name for row in result.report.layers if row.broken_mark]
    return len(result.data), [f"marked binary, but not packed: {', '.join(broken)}"] if broken else []


def accuracy_of(model: Any, images: Images, batch: int = 500) -> float:
    """The share of the test images whose largest output is their class, without compiled steps of
    ``model.fit``."""
    right = 0
    for at in range(0, len(images.x_test), batch):
        outputs = keras.ops.convert_to_numpy(model(scaled(images.x_test[at : at + batch]), training=False))
        right += int(np.sum(outputs.argmax(axis=-1) == images.y_test[at : at + batch]))
    return right / len(images.x_test)
