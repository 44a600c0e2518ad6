"""Kernels for CUSTOM ops that a user writes in Python."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.schema.bits import pack_signs, unpack_signs
from xlite.schema.errors import KernelError
from xlite.schema.records import TYPE_CHECKING
from xlite.schema.types import CustomOptions, DType, OpKind, TensorType

if TYPE_CHECKING:
    from typing import Callable, Optional, Union

    CustomFunction = Callable[[list[np.ndarray], bytes], Union[np.ndarray, Sequence[np.ndarray]]]
    Prepare = Callable[[OpSpec, Buffers], Step]

BACKEND = "python"


def custom_kernel(name: str, function: Optional[CustomFunction], prepare: Optional[Prepare]) -> Kernel:
    """A kernel for the custom op ``name`` from a plain function or from ``prepare``, exactly one of them."""
    if (function is None) == (prepare is None):
        raise KernelError(f"custom op '{name}': give either a function or prepare=")

    def supports(spec: OpSpec) -> bool:
        return isinstance(spec.op.options, CustomOptions) and spec.op.options.name == name

    if prepare is None:
        assert function is not None
        prepare = _prepare_function(name, function)
    return Kernel(f"{BACKEND}_{name}", BACKEND, OpKind.CUSTOM, prepare, supports)


def _prepare_function(name: str, function: CustomFunction) -> Prepare:
    def prepare(spec: OpSpec, buffers: Buffers) -> Step:
        options = spec.op.options
        data = options.data if isinstance(options, CustomOptions) else b""

        def step() -> None:
            inputs = [_logical(array, type_) for array, type_ in zip(buffers.inputs, spec.inputs)]
            result = function(inputs, data)
            results = [result] if isinstance(result, np.ndarray) else list(result)
            if len(results) != len(buffers.outputs):
                raise KernelError(
                    f"custom op '{name}' returned {len(results)} arrays, its file wants {len(buffers.outputs)}"
                )
            for value, array, type_ in zip(results, buffers.outputs, spec.outputs):
                _store(name, np.asarray(value), array, type_)

        return step

    return prepare


def _logical(array: Optional[np.ndarray], type_: Optional[TensorType]) -> np.ndarray:
    assert array is not None  # the contract: a custom op has no absent inputs
    assert type_ is not None
    if type_.dtype is DType.BIT:
        return unpack_signs(array, type_.shape, type_.packed_axes)
    view = array.view()
    view.flags.writeable = False
    return view


def _store(name: str, value: np.ndarray, array: np.ndarray, type_: TensorType) -> None:
    if value.shape != type_.shape:
        raise KernelError(f"custom op '{name}' returned shape {value.shape}, its file wants {type_.shape}")
    if type_.dtype is DType.BIT:
        array[...] = pack_signs(value, type_.packed_axes)
    elif np.can_cast(value.dtype, type_.dtype.numpy, "same_kind"):
        array[...] = value
    else:
        raise KernelError(f"custom op '{name}' returned {value.dtype}, its file wants {type_.dtype.numpy}")
