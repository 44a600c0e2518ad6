"""A live Keras model, by what every Keras gives: ``to_json``, ``layers`` and ``get_weights``.

Keras itself is not imported; the model brings it along. Keras 2 (``tf_keras``) and Keras 3 models read alike.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

from xlite.converter.frontend.config import LayerSpec, is_operation
from xlite.converter.frontend.dtypes import as_float32
from xlite.converter.frontend.inline import Path
from xlite.schema.errors import ConversionError


def is_model(source: Any) -> bool:
    """True for an object that can be read as a live model."""
    return callable(getattr(source, "to_json", None)) and hasattr(source, "layers")


def read_config(model: Any) -> tuple[dict[str, Any], str]:
    """The model's configuration and its Keras's version."""
    try:
        config = json.loads(model.to_json())
    except NotImplementedError as error:
        raise ConversionError(
            f"model '{model.name}' cannot describe its layers ({_first_line(error)}); rebuild it as a functional "
            "or Sequential model, and give layers of your own a get_config"
        ) from error
    return config, _version(model)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".")


def _version(model: Any) -> str:
    for base in type(model).__mro__:
        package = sys.modules.get(base.__module__.split(".")[0])
        if package is not None and package.__name__ in ("keras", "tf_keras"):
            return str(getattr(package, "__version__", ""))
    return ""


def read_weights(model: Any, root: LayerSpec) -> dict[Path, list[np.ndarray]]:
    """The weights of every leaf layer, by its path in the tree of models."""
    found: dict[Path, list[np.ndarray]] = {}
    _read_model(model, root, (), found)
    return found


def _read_model(model: Any, spec: LayerSpec, path: Path, found: dict[Path, list[np.ndarray]]) -> None:
    assert spec.model is not None
    layers = {layer.name: layer for layer in model.layers}
    for inner in spec.model.layers:
        layer = layers.get(inner.name)
        here = (*path, inner.name)
        if layer is None:
            # A Sequential does not list its InputLayer, and operations are no layers.
            if inner.class_name != "InputLayer" and not is_operation(inner):
                raise ConversionError(f"model '{spec.name}' names a layer '{inner.name}' that it does not hold")
        elif inner.model is not None:
            _read_model(layer, inner, here, found)
        else:
            found[here] = [as_float32(np.asarray(weight)) for weight in layer.get_weights()]
