"""Weights and computation in other types than float32.

The converted model computes in float32, always. Weights saved as float16, bfloat16 or float64 are cast; a layer
whose policy computes in another type (mixed precision, say) computes in float32 instead, which is noted, since
the outputs then differ from Keras's in the last digits of the narrower type. Weights that Keras itself has
quantized to int8, int4 or float8 are refused: their float originals are gone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xlite.converter.frontend.config import is_operation
from xlite.converter.frontend.model import KerasLayer, refs_in
from xlite.schema.errors import ConversionError

_PLAIN = {"float32", "float64", "float16", "bfloat16", "half", "double", "mixed_float16", "mixed_bfloat16"}
_INPUTS = {"uint8", "int8", "uint16", "int16", "int32", "int64", "bool"}


def as_float32(values: np.ndarray) -> np.ndarray:
    """Any float array as float32, others as they are. HDF5 knows no bfloat16 and holds it as two opaque bytes."""
    if values.dtype.kind == "V" and values.dtype.itemsize == 2:
        words = values.view(np.uint16).astype(np.uint32) << 16
        return words.view(np.float32)
    if values.dtype.kind == "f" or values.dtype.name == "bfloat16":
        return values.astype(np.float32, copy=False)
    return values


def policy_name(config: dict[str, Any]) -> str:
    """The name of a layer's dtype policy; "float32" where it has none. Keras writes it plainly or as a config."""
    policy = config.get("dtype")
    for _ in range(4):  # a policy may wrap another
        if not isinstance(policy, dict):
            break
        inner = policy.get("config")
        if not isinstance(inner, dict):
            policy = inner
        elif "mode" in inner:  # quantized
            return f"{inner['mode']}_from_{inner.get('source_name')}"
        else:
            policy = inner.get("name", inner.get("default_policy"))
    return policy if isinstance(policy, str) else "float32"


def index_inputs(layers: list[KerasLayer]) -> set[str]:
    """The names of integer inputs that only select rows of embeddings: they stay integers."""
    selecting: set[str] = set()
    computing: set[str] = set()
    for layer in layers:
        read = {ref.layer for call in layer.calls for ref in refs_in([call.args, call.kwargs])}
        (selecting if layer.class_name == "Embedding" else computing).update(read)
    return {
        layer.name
        for layer in layers
        if layer.class_name == "InputLayer"
        and policy_name(layer.config) in _INPUTS
        and layer.name in selecting - computing
    }


def notes_on_dtypes(layers: list[KerasLayer]) -> list[str]:
    """A sentence for each policy other than float32, with the layers that have it.

    Raises ConversionError for a policy that xlite cannot honour.
    """
    found: dict[str, list[str]] = {}
    indices = index_inputs(layers)
    for layer in layers:
        if is_operation(layer):
            continue  # the dtype of a Cast is no policy
        policy = policy_name(layer.config)
        is_input = layer.class_name == "InputLayer"
        if layer.config.get("quantization_config") or not (policy in _PLAIN or (is_input and policy in _INPUTS)):
            raise ConversionError(
                f"layer '{layer.name}' has the dtype policy '{policy}', which xlite cannot read; convert the "
                "model as it was before `quantize`, with float32 layers"
            )
        if policy != "float32" and layer.name not in indices:
            found.setdefault(policy, []).append(layer.name)
    return [_note(policy, names) for policy, names in found.items()]


def _note(policy: str, names: list[str]) -> str:
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    if policy in _INPUTS:
        return f"input {shown} is {policy} in Keras and float32 here: give it the same numbers as float32"
    return f"{shown}: '{policy}' in Keras, computed in float32 here"
