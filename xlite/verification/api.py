"""``xlite.verify``: from files or live objects to a :class:`Verification`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Callable, Optional, Union

import numpy as np

from xlite.inputs import prepare, random_inputs
from xlite.interpreter import Interpreter, Resolver
from xlite.schema import load_model
from xlite.schema.errors import InputError
from xlite.schema.types import Model
from xlite.verification.results import Verification
from xlite.verification.walk import CHUNK, TOLERANCE, check_tolerance, compare, compare_outputs, quiet

Arrays = Union[np.ndarray, Sequence[np.ndarray]]
Packed = Union[str, "os.PathLike[str]", bytes, Model]


def verify(
    keras_model: Any,
    packed: Packed,
    inputs: Optional[Arrays] = None,
    *,
    samples: int = 16,
    seed: int = 0,
    backend: Optional[str] = None,
    tolerance: float = TOLERANCE,
    resolver: Optional[Resolver] = None,
    chunks: Callable[[range], Any] = iter,
) -> Verification:
    """Compares a Keras model with the .xlite file made from it, tensor by tensor.

    keras_model: a .h5 or .keras file, or a live ``keras.Model``. packed: a .xlite file, its bytes or a Model.
    inputs: samples for every input; uint8 goes through the file's preprocessing. Without them ``samples`` random
    ones are used. backend, resolver: as for the Interpreter. tolerance: the largest relative difference of a
    float, a finite number of 0 or more.

    Needs Keras; raises BackendError without it, ConversionError where Keras cannot load the file, InputError where
    the inputs do not fit and for a wrong tolerance, number of samples or seed.
    """
    check_tolerance(tolerance)
    model = packed if isinstance(packed, Model) else load_model(packed)
    prepared = prepare(model, random_inputs(model, samples, seed) if inputs is None else _listed(inputs))
    from xlite.verification.keras_source import keras_source, load

    live = load(os.fspath(keras_model)) if isinstance(keras_model, (str, os.PathLike)) else keras_model
    resolver = resolver if resolver is not None else Resolver()
    if backend is not None:
        resolver = resolver.with_backend(backend)
    return compare(
        model, prepared, keras_source(live, model), tolerance=tolerance, resolver=resolver, chunks=chunks
    )


def verify_outputs(
    packed: Packed,
    inputs: Arrays,
    expected: Arrays,
    *,
    backend: Optional[str] = None,
    tolerance: float = TOLERANCE,
    chunks: Callable[[range], Any] = iter,
) -> Verification:
    """Compares the outputs of a .xlite file with recorded ones (one array an output), without Keras.

    Every sample that differs by more than ``tolerance`` counts as unexplained: which sign it came from, only a
    comparison with Keras can tell.
    """
    check_tolerance(tolerance)
    interpreter = Interpreter(packed, backend=backend)
    arrays, wanted = _listed(inputs), _listed(expected)
    count = len(arrays[0])
    if any(len(array) != count for array in wanted):
        raise InputError(f"there are {count} samples and {len(wanted[0])} expected outputs; they must be as many")
    names = [interpreter.model.tensors[index].name for index in interpreter.model.outputs]
    result = Verification(count, interpreter.backend, tolerance)
    for start in chunks(range(0, count, CHUNK)):
        part = [array[start : start + CHUNK] for array in wanted]
        with quiet():
            found = interpreter(*(array[start : start + CHUNK] for array in arrays))
            outputs = found if isinstance(found, list) else [found]
            result.unexplained += sorted(compare_outputs(names, part, outputs, result, start))
    return result


def _listed(arrays: Arrays) -> list[np.ndarray]:
    return [arrays] if isinstance(arrays, np.ndarray) else list(arrays)
