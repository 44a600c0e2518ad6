"""The state of a run in one file: weights, optimizer, what callbacks keep, and how far it came."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable

import keras
import numpy as np
from keras import ops

from xlite import filters
from xlite.callbacks import BinarizeWeights
from xlite.inputs import load_npz
from xlite.schema.errors import FileError, TrainingError

_ABOUT = "about"


class Checkpoint(keras.callbacks.Callback):
    """Writes the state behind every epoch, whole or not at all: a run that is killed at any moment goes on from
    its last epoch. Put it last among the callbacks.

    Args:
        path: of the .npz file.
        about: what the run is; another run's file is refused.
        callbacks: those of the run, of which BinarizeWeights have state.
        writes: whether this process writes. Those that do not still take part in reading variables which are
            spread over several machines.
    """

    def __init__(self, path: Path, about: dict[str, Any], callbacks: list[Any], writes: bool = True):
        super().__init__()
        self.path, self.about, self.writes = path, about, writes
        self.binarizers = [callback for callback in callbacks if isinstance(callback, BinarizeWeights)]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        arrays = {f"variable/{i}": _value(v) for i, v in enumerate(_variables(self.model))}
        for number, binarizer in enumerate(self.binarizers):
            for index, real in enumerate(binarizer.real_weights.values()):
                arrays[f"real/{number}/{index}"] = real
        if self.writes:
            about = json.dumps({**self.about, "epoch": epoch + 1})
            _write(self.path, {**arrays, _ABOUT: np.frombuffer(about.encode(), np.uint8)})

    def restore(self, model: Any) -> int:
        """Puts the state of the file into ``model`` and the callbacks; returns the epoch to begin with, 0 where
        there is no file. Raises TrainingError where it is another run's."""
        if not self.path.exists():
            return 0
        try:
            arrays = load_npz(os.fspath(self.path))
            about = json.loads(arrays.pop(_ABOUT).tobytes().decode())
            epoch = int(about.pop("epoch"))
        except (FileError, KeyError, ValueError) as error:
            raise TrainingError(
                f"{self.path}: is no checkpoint of a run ({error}); delete it to begin again"
            ) from None
        different = [key for key in self.about if about.get(key) != self.about[key]]
        if different:
            key = different[0]
            raise TrainingError(
                f"{self.path}: is of a run with {key}={about.get(key)!r}, and this one has {self.about[key]!r}; "
                "give another --out, or delete the file"
            )
        variables = _variables(model)
        values = [arrays.get(f"variable/{i}") for i in range(len(variables))]
        if f"variable/{len(variables)}" in arrays or any(
            value is None or value.shape != tuple(variable.shape) for value, variable in zip(values, variables)
        ):
            raise TrainingError(f"{self.path}: is of another model; delete the file to begin again")
        for variable, value in zip(variables, values):
            variable.assign(value)
        for number, binarizer in enumerate(self.binarizers):
            self._restore_real(model, binarizer, f"real/{number}", arrays)
        return epoch

    def _restore_real(self, model: Any, binarizer: BinarizeWeights, prefix: str, arrays: dict[str, Any]) -> None:
        """Gives BinarizeWeights its real-valued weights, in the order of its kernels: paths depend on how many
        models a process has made."""
        if f"{prefix}/0" not in arrays:  # it had not started yet
            return
        kernels = filters.select(model, binarizer.layers)
        binarizer.set_model(model)
        binarizer.load_real_weights({k.variable.path: arrays[f"{prefix}/{i}"] for i, k in enumerate(kernels)})

    def remove(self) -> None:
        if self.writes:
            self.path.unlink(missing_ok=True)


def _variables(model: Any) -> list[Any]:
    """The model's own, random seeds included, and the optimizer's."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    metrics = {id(variable) for variable in model.metrics_variables}
    own = [variable for variable in model.variables if id(variable) not in metrics]
    known = {id(variable) for variable in own}
    return [*own, *(variable for variable in model.optimizer.variables if id(variable) not in known)]


def _value(variable: Any) -> np.ndarray:
    return np.array(ops.convert_to_numpy(variable))


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    write_whole(path, lambda partial: np.savez(partial, **arrays))  # type: ignore[arg-type]


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """``write`` makes a file beside ``path``, with its suffix, which then takes its place."""
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    write(partial)
    os.replace(partial, path)
