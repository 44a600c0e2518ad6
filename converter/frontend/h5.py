"""The .h5 format: the configuration as JSON in an attribute, weights in one group a top-level layer.

Written by ``model.save("m.h5")`` of Keras 2 and, as "legacy", of Keras 3. A nested model's weights lie in its
group all together, first the trainable ones and then the others, and are told apart by their names.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from xlite.converter.frontend import hdf5
from xlite.converter.frontend.config import LayerSpec, is_operation
from xlite.converter.frontend.inline import Path
from xlite.schema.errors import ConversionError, FileError


def read_config(file: Any) -> tuple[dict[str, Any], str]:
    """The model's configuration and the version of the Keras that wrote it, from an open h5py.File."""
    config = file.attrs.get("model_config")
    if config is None:
        if "layer_names" in file.attrs or "layers" in file or "model_weights" in file:
            raise FileError(
                "the file holds weights only, without the model's configuration; save the whole model with "
                "model.save('model.h5') instead of save_weights"
            )
        raise FileError("the HDF5 file holds no Keras model; save one with model.save('model.h5')")
    version = file.attrs.get("keras_version", "")
    return json.loads(hdf5.text(config)), hdf5.text(version)


def read_weights(file: Any, root: LayerSpec) -> dict[Path, list[np.ndarray]]:
    """The weights of every leaf layer, by its path in the tree of models."""
    group = hdf5.child(file, "model_weights")
    if group is None:
        raise FileError("the file holds the model's configuration and no weights; save it again with model.save")
    assert root.model is not None
    found: dict[Path, list[np.ndarray]] = {}
    for spec in root.model.layers:
        if is_operation(spec):
            continue
        layer_group = hdf5.child(group, spec.name)
        if layer_group is None:
            # Keras writes a group for every layer, InputLayers of a Sequential apart.
            if spec.class_name != "InputLayer":
                raise FileError(f"the file holds no weights of layer '{spec.name}'; save the model again")
            continue
        names = hdf5.strings(layer_group, "weight_names")
        if spec.model is None:
            found[spec.name,] = [_weight(layer_group, name) for name in names]
        else:
            for path, own in _owners(spec, names).items():
                found[path] = [_weight(layer_group, name) for name in own]
    return found


def _weight(group: Any, name: str) -> np.ndarray:
    return hdf5.array(hdf5.child(group, name), name)


def _owners(nested: LayerSpec, names: list[str]) -> dict[Path, list[str]]:
    """Which layer inside a nested model owns which of its weights, by the names alone.

    ``.../layer/kernel`` belongs to the layer called ``layer``. Where several inner layers are called so, the
    names of the models around them decide.
    """
    leaves = list(_leaves(nested, (nested.name,)))
    owned: dict[Path, list[str]] = {path: [] for path in leaves}
    for name in names:
        parts = name.split("/")[:-1]
        fitting = [path for path in leaves if parts and path[-1] == parts[-1]]
        if len(fitting) > 1:
            depth = {path: _shared_tail(path, parts) for path in fitting}
            fitting = [path for path in fitting if depth[path] == max(depth.values())]
        if len(fitting) != 1:
            raise ConversionError(
                f"nested model '{nested.name}': cannot tell which of its layers owns the weight '{name}' in the "
                ".h5 file; save the model as .keras and convert that"
            )
        owned[fitting[0]].append(name)
    return owned


def _leaves(spec: LayerSpec, path: Path) -> Any:
    assert spec.model is not None
    for inner in spec.model.layers:
        here = (*path, inner.name)
        if inner.model is not None:
            yield from _leaves(inner, here)
        elif inner.class_name != "InputLayer" and not is_operation(inner):
            yield here


def _shared_tail(path: Path, parts: list[str]) -> int:
    """How many names, from the innermost outwards, the two paths share."""
    count = 0
    for mine, other in zip(reversed(path), reversed(parts)):
        if mine != other:
            break
        count += 1
    return count
