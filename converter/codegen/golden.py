"""An input that any program can make, and the output that the numpy reference computes for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlite.interpreter import Interpreter, Resolver
from xlite.schema.types import WORD_BITS, DType, Model, TensorType

SEED = 1
_A, _C = 1664525, 1013904223  # of Numerical Recipes' generator of 32 bits


@dataclass(frozen=True)
class Golden:
    """Arrays as they are stored: of bits, words."""

    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]


def make_golden(model: Model, resolver: Resolver | None = None) -> Golden:
    """resolver: knows the model's custom ops."""
    state = SEED
    inputs = []
    for tensor in model.inputs:
        made, state = sample(model.tensors[tensor].type, state)
        inputs.append(made)
    return Golden(tuple(inputs), run_on(model, inputs, "numpy", resolver))


def sample(type_: TensorType, state: int) -> tuple[np.ndarray, int]:
    """Pseudo-random elements, as many as are stored, and the generator's next state: floats are multiples of 1/256
    from 0 to 1, integers have any value, bits too."""
    count = type_.nbytes // type_.dtype.numpy.itemsize
    drawn = np.empty(count, np.uint32)
    for i in range(count):
        state = (state * _A + _C) % 2**32
        drawn[i] = state
    if type_.dtype is DType.FLOAT32:
        return ((drawn >> 24).astype(np.float32) / np.float32(256)), state
    if type_.dtype in (DType.UINT8, DType.INT8):
        return (drawn >> 24).astype(np.uint8).view(type_.dtype.numpy), state
    if type_.dtype is DType.BIT:
        return drawn & _word_masks(type_), state
    return drawn.view(np.int32), state


def _word_masks(type_: TensorType) -> np.ndarray:
    """1 in every bit of the stored words that is an element."""
    words = type_.storage_shape[-1]
    row = np.full(words, 0xFFFFFFFF, np.uint32)
    used = int(np.prod(type_.shape[len(type_.shape) - type_.packed_axes :])) - WORD_BITS * (words - 1)
    row[-1] = 0xFFFFFFFF >> (WORD_BITS - used)
    return np.tile(row, type_.nbytes // 4 // words)


def run_on(
    model: Model, inputs: list[np.ndarray], backend: str, resolver: Resolver | None = None
) -> tuple[np.ndarray, ...]:
    """The outputs, as stored, by one backend of the interpreter. inputs: as stored."""
    from xlite.schema.bits import pack_signs, unpack_signs

    interpreter = Interpreter(model, backend=None if resolver else backend, resolver=resolver)
    for tensor, stored in zip(model.inputs, inputs):
        type_ = model.tensors[tensor].type
        shaped = stored.reshape(type_.storage_shape)
        value = unpack_signs(shaped, type_.shape, type_.packed_axes) if type_.dtype is DType.BIT else shaped
        interpreter.set_tensor(tensor, value)
    interpreter.invoke()
    found = []
    for tensor in model.outputs:
        type_ = model.tensors[tensor].type
        value = interpreter.get_tensor(tensor)
        stored = pack_signs(value, type_.packed_axes) if type_.dtype is DType.BIT else value
        found.append(np.ascontiguousarray(stored).reshape(-1))
    return tuple(found)
