"""Keras's side: every layer's output for given inputs, under the names that the converter gives tensors.

Each layer's ``call`` is watched while the model runs once, so that nested models (names joined with ``/``) and
layers that are called several times (``name``, ``name:1``) are seen as well."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from xlite.schema.errors import BackendError, ConversionError, InputError
from xlite.schema.types import Model
from xlite.verification.walk import Reference, Source


def load(path: str) -> Any:
    """The Keras model of a file, xlite's layers known. Raises BackendError without Keras, ConversionError where it
    cannot load the file."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import keras

        import xlite.layers  # noqa: F401  (registers the layers that files name)
    except ImportError as error:
        raise BackendError(
            f"comparing with Keras needs Keras and TensorFlow ({error}): pip install 'xlite[train]', or compare "
            "with recorded outputs: --expected FILE.npz"
        ) from None
    keras.ops.convert_to_tensor(0.0)  # starts the devices, with all that TensorFlow has to say about them
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # whatever Keras raises: it is the file that is wrong for it
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConversionError(
            f"{path}: Keras {keras.__version__} cannot load it ({first}); record its outputs where it was trained "
            "and compare with these: --expected FILE.npz"
        ) from None


def keras_source(keras_model: Any, model: Model) -> Source:
    """A :data:`Source` that runs ``keras_model``; its inputs are those of ``model``, in the same order."""
    count = len(keras_model.inputs)
    if count != len(model.inputs):
        raise InputError(f"the Keras model has {count} inputs, the .xlite file has {len(model.inputs)}")
    names = [model.tensors[index].name for index in model.inputs]
    magnitudes = {name: terms for name, layer in _leaves(keras_model) for terms in _largest_terms(layer)}

    def source(inputs: Sequence[np.ndarray]) -> Reference:
        tensors = dict(zip(names, inputs))
        with _Watch(keras_model, tensors):
            found = keras_model(list(inputs) if count > 1 else inputs[0], training=False)
        outputs = (
            found.values() if isinstance(found, dict) else found if isinstance(found, (list, tuple)) else [found]
        )
        return Reference(tensors, [_array(output) for output in outputs], magnitudes)

    return source


class _Watch:
    """Keeps every layer's outputs in ``tensors`` while it is entered."""

    def __init__(self, keras_model: Any, tensors: dict[str, np.ndarray]) -> None:
        self.layers = list(_leaves(keras_model))
        self.tensors = tensors
        self.calls: dict[str, int] = {}

    def __enter__(self) -> None:
        for name, layer in self.layers:
            layer.call = self._watched(name, layer.call)

    def __exit__(self, *_: object) -> None:
        for _name, layer in self.layers:
            del layer.call  # the class's own method again

    def _watched(self, name: str, call: Any) -> Any:
        def watched(*args: Any, **kwargs: Any) -> Any:
            result = call(*args, **kwargs)
            number = self.calls.get(name, 0)
            self.calls[name] = number + 1
            label = f"{name}:{number}" if number else name
            outputs = result if isinstance(result, (list, tuple)) else [result]
            for index, output in enumerate(outputs):
                self.tensors[f"{label}[{index}]" if index else label] = _array(output)
            return result

        return watched


def _leaves(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every layer that is no model, with the name the converter gives it, each once."""
    import keras

    seen: set[int] = set()
    for layer in model.layers:
        name = f"{prefix}{layer.name}"
        if isinstance(layer, keras.Model):
            yield from _leaves(layer, f"{name}/")
        elif not isinstance(layer, keras.layers.InputLayer) and id(layer) not in seen:
            seen.add(id(layer))
            yield name, layer


def _largest_terms(layer: Any) -> Iterator[np.ndarray]:
    """A batch norm's largest term a channel, which its output may cancel: ``abs(mean) * scale + abs(beta)``."""
    import keras

    if isinstance(layer, keras.layers.BatchNormalization):
        scale = 1.0 / np.sqrt(_array(layer.moving_variance) + layer.epsilon)
        if layer.scale:
            scale = scale * np.abs(_array(layer.gamma))
        terms = np.abs(_array(layer.moving_mean)) * scale
        yield terms + np.abs(_array(layer.beta)) if layer.center else terms


def _array(tensor: Any) -> np.ndarray:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(tensor))
