"""A reference without Keras: the float program that the converter starts from, run by the numpy kernels.

It has the same tensors under the same names as Keras, computed in float32 in the order of Keras's layers, so it
shows which sign a packed run takes another way where TensorFlow is not installed. It is no second opinion on the
conversion: both come from one reading of the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xlite.converter.emit import emit
from xlite.converter.frontend import read
from xlite.converter.lowering import lower
from xlite.interpreter import Interpreter
from xlite.schema.types import DType
from xlite.verification.walk import Reference, Source


def lowered_source(keras_model: Any) -> Source:
    """A :data:`Source` from a .h5 or .keras file (or a live model), before any pass has touched it."""
    model = emit(lower(read(keras_model)))
    interpreter = Interpreter(model, backend="numpy", preserve_all_tensors=True)
    floats = [
        t
        for t, tensor in enumerate(model.tensors)
        if not tensor.is_constant and tensor.type.dtype is not DType.BIT
    ]

    def source(inputs: Sequence[np.ndarray]) -> Reference:
        interpreter(*inputs)
        tensors = {model.tensors[t].name: interpreter.get_tensor(t) for t in floats}
        return Reference(tensors, [interpreter.get_tensor(t) for t in model.outputs])

    return source
