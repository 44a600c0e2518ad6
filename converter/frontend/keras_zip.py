"""The .keras format: a zip of ``metadata.json``, ``config.json`` and ``model.weights.h5``.

The weights lie under ``layers/<class in snake case>[_n]/vars/<i>``, one folder a layer, numbered among layers of
one class in the order of ``model.layers``; nested models repeat the scheme inside. Newer versions also write each
layer's name as an attribute, which then decides.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from xlite.converter.frontend import hdf5
from xlite.converter.frontend.config import LayerSpec, is_operation
from xlite.converter.frontend.inline import Path
from xlite.schema.errors import FileError

_WEIGHTS = "model.weights.h5"
_FREE_BYTES = 1 << 26
_MAX_EXPANSION = 100

# Where layers hang in their model: Keras 3 and 2.13, and Keras 2.12.
_FOLDERS = ("layers", "_layer_checkpoint_dependencies")

# Where layers hang in the layers that hold them: Bidirectional, TimeDistributed, recurrent layers.
_PARTS = ("forward_layer", "backward_layer", "layer", "cell")
_DEEPEST = 100  # names in a path: models nested in models, and wrappers in wrappers, end long before


def read_config(archive: zipfile.ZipFile) -> tuple[dict[str, Any], str]:
    """The model's configuration and the version of the Keras that wrote it."""
    if "config.json" not in archive.namelist():
        raise FileError("the zip holds no config.json; save the model with model.save('model.keras')")
    config = json.loads(_member(archive, "config.json"))
    version = ""
    if "metadata.json" in archive.namelist():
        version = str(json.loads(_member(archive, "metadata.json")).get("keras_version", ""))
    return config, version


def read_weights(archive: zipfile.ZipFile, root: LayerSpec) -> dict[Path, list[np.ndarray]]:
    """The weights of every leaf layer, by its path in the tree of models."""
    if _WEIGHTS not in archive.namelist():
        raise FileError(f"the zip holds no {_WEIGHTS}; save the model with model.save('model.keras')")
    h5py = hdf5.import_h5py()
    with h5py.File(io.BytesIO(_member(archive, _WEIGHTS)), "r") as file:
        found: dict[Path, list[np.ndarray]] = {}
        specs: dict[Path, LayerSpec] = {}
        _read_model(_Tree(file), root, (), found, specs)
    _fill_shared(found, specs)
    return found


def _fill_shared(found: dict[Path, list[np.ndarray]], specs: dict[Path, LayerSpec]) -> None:
    """A layer that belongs to several of the nested models has its weights in the file once, under the first."""
    for path, spec in specs.items():
        if not found[path]:
            for other, twin in specs.items():
                if found[other] and twin.name == spec.name and _same_layer(twin, spec):
                    found[path] = found[other]
                    break


def _same_layer(one: LayerSpec, two: LayerSpec) -> bool:
    return one.registered_name == two.registered_name and _unnumbered(one.config) == _unnumbered(two.config)


def _unnumbered(config: Any) -> Any:
    """A configuration without the numbers by which Keras marks objects that stand in it several times."""
    if isinstance(config, dict):
        return {key: _unnumbered(value) for key, value in config.items() if key != "shared_object_id"}
    if isinstance(config, list):
        return [_unnumbered(value) for value in config]
    return config


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """One member's bytes; refuses one that unpacks to far more than it stores."""
    info = archive.getinfo(name)
    if info.file_size > max(_FREE_BYTES, _MAX_EXPANSION * info.compress_size):
        raise FileError(
            f"'{name}' in the zip unpacks from {info.compress_size} to {info.file_size} bytes; the file is "
            "damaged or was made to exhaust memory"
        )
    return archive.read(name)


class _Tree:
    """Groups of the weights file by path. Keras on Windows has written paths with backslashes as single names."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.flat = {name.replace("\\", "/"): name for name in file if "\\" in name}

    def group(self, path: str) -> Any:
        if path in self.flat:
            return self.file[self.flat[path]]
        head, _, last = path.rpartition("/")
        if head in self.flat:
            return hdf5.child(self.file[self.flat[head]], last)
        return hdf5.child(self.file, path)


def _read_model(
    tree: _Tree,
    model: LayerSpec,
    place: tuple[str, ...],
    found: dict[Path, list[np.ndarray]],
    leaves: dict[Path, LayerSpec],
    path: Path = (),
) -> None:
    """Collects the weights of one model's layers; ``place`` is its folder in the file, ``path`` its names."""
    assert model.model is not None
    specs = [spec for spec in model.model.layers if not is_operation(spec)]
    for spec, folder in zip(specs, _folders(tree, specs, place)):
        here = (*path, spec.name)
        if spec.model is not None:
            _read_model(tree, spec, folder, found, leaves, here)
        else:
            leaves[here], found[here] = spec, _variables(tree, folder, spec.config)


def _folders(tree: _Tree, specs: list[LayerSpec], place: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The folder of each layer: by the name that the file holds, else by its class and number."""
    used: dict[str, int] = {}
    guesses = [_numbered(spec.class_name, used) for spec in specs]
    for container in _FOLDERS:
        folders = [(*place, container, guess) for guess in guesses]
        named = {}
        for folder in folders:
            variables = tree.group("/".join((*folder, "vars")))
            if variables is not None and "name" in variables.attrs:
                named[hdf5.text(variables.attrs["name"])] = folder
        if any(tree.group("/".join(folder)) is not None for folder in folders):
            return [named.get(spec.name, folder) for spec, folder in zip(specs, folders)]
    return [(*place, _FOLDERS[0], guess) for guess in guesses]


def _variables(tree: _Tree, folder: tuple[str, ...], config: Any) -> list[np.ndarray]:
    """A layer's own variables, then those of the layers that it holds, in the order of ``layer.weights``."""
    place = "/".join((*folder, "vars"))
    group = tree.group(place)
    names = [] if group is None else sorted(group, key=lambda name: (len(name), name))  # 0, 1, ... 10, 11
    found = [hdf5.array(hdf5.child(group, name), f"{place}/{name}") for name in names]
    for inner, held in _held(folder, config):
        if len(inner) < _DEEPEST and tree.group("/".join(inner)) is not None:
            found += _variables(tree, inner, held)
    return found


def _held(folder: tuple[str, ...], config: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The folder and the configuration of each layer that a layer holds. Stacked cells lie in folders named as
    layers are: by class and number."""
    config = config if isinstance(config, dict) else {}
    for part in _PARTS:
        key = part if part in config else "layer"  # both halves of a Bidirectional are made of its layer
        yield (*folder, part), _config_of(config.get(key))
    used: dict[str, int] = {}
    for value in config.get("cells") or ():
        yield (*folder, "cells", _numbered(str(value.get("class_name")), used)), _config_of(value)


def _config_of(value: Any) -> Any:
    return value.get("config") if isinstance(value, dict) else None


def _numbered(class_name: str, used: dict[str, int]) -> str:
    """Keras's name for a folder: dense, dense_1, dense_2; ``used`` counts them."""
    snake = snake_case(class_name)
    number = used.get(snake, 0)
    used[snake] = number + 1
    return f"{snake}_{number}" if number else snake


def snake_case(name: str) -> str:
    """Keras's own rule, by which it names folders: QuantConv2D -> quant_conv2d."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
