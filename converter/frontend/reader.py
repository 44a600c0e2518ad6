"""``read``: a path or a live model in, a :class:`KerasModel` out."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from typing import Any, Callable

import numpy as np

from xlite.converter.frontend import h5, hdf5, keras_zip, live
from xlite.converter.frontend.config import LayerSpec, parse_model
from xlite.converter.frontend.dtypes import notes_on_dtypes
from xlite.converter.frontend.inline import Path, inline
from xlite.converter.frontend.model import KerasModel
from xlite.schema.errors import ConversionError, Error, FileError

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_ZIP_MAGIC = b"PK\x03\x04"

# What decoding a damaged or foreign file can raise: h5py OSError, RuntimeError, KeyError and ValueError; zipfile
# BadZipFile and NotImplementedError (a compression that Keras never uses); the configuration the others.
_DAMAGE = (
    OSError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    RuntimeError,
    RecursionError,
    OverflowError,
    MemoryError,
    EOFError,
    zipfile.BadZipFile,
    NotImplementedError,
)


def read(source: Any) -> KerasModel:
    """Reads a Keras model without importing Keras or TensorFlow.

    source: path of a .h5, .hdf5 or .keras file (told apart by content, not by name), or a live Keras 2 or 3
    model. Raises FileError for a file that cannot be read, ConversionError for a model that cannot be converted.
    """
    if isinstance(source, (str, os.PathLike)):
        return _read_file(os.fspath(source))
    if live.is_model(source):
        return _read_live(source)
    raise ConversionError(
        f"cannot convert {type(source).__name__}; give the path of a .h5 or .keras file, or a keras.Model"
    )


def _read_file(path: str) -> KerasModel:
    try:
        with open(path, "rb") as stream:
            magic = stream.read(8)
            digest = _sha256(stream)
    except IsADirectoryError:
        raise FileError(
            f"{path} is a folder (a SavedModel?); load it in Keras and save it as .h5 or .keras"
        ) from None
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from None
    if magic == _HDF5_MAGIC:
        form, opener = "h5", _read_h5
    elif magic.startswith(_ZIP_MAGIC):
        form, opener = "keras", _read_zip
    else:
        raise FileError(f"{path} is neither HDF5 nor a .keras file; save the model with model.save('model.keras')")
    try:
        model, version = opener(path)
    except Error as error:
        raise type(error)(f"{path}: {error}") from error.__cause__
    except _DAMAGE as error:
        reason = " ".join(str(error).split())
        raise FileError(
            f"{path} is damaged or no file that Keras writes ({type(error).__name__}: {reason}); save the model "
            "again"
        ) from error
    model.source_name = os.path.basename(path)
    model.source_sha256 = digest
    return _described(model, version, form)


def _sha256(stream: Any) -> str:
    stream.seek(0)
    digest = hashlib.sha256()
    for block in iter(lambda: stream.read(1 << 20), b""):
        digest.update(block)
    return digest.hexdigest()


def _read_h5(path: str) -> tuple[KerasModel, str]:
    with hdf5.import_h5py().File(path, "r") as file:
        config, version = h5.read_config(file)
        return _assemble(config, lambda root: h5.read_weights(file, root)), version


def _read_zip(path: str) -> tuple[KerasModel, str]:
    with zipfile.ZipFile(path) as archive:
        config, version = keras_zip.read_config(archive)
        return _assemble(config, lambda root: keras_zip.read_weights(archive, root)), version


def _read_live(source: Any) -> KerasModel:
    config, version = live.read_config(source)
    model = _assemble(config, lambda root: live.read_weights(source, root))
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for layer in model.layers:
        for weight in layer.weights:
            digest.update(weight.tobytes())
    model.source_name = model.name
    model.source_sha256 = digest.hexdigest()
    return _described(model, version, "live")


def _assemble(config: Any, weights_of: Callable[[LayerSpec], dict[Path, list[np.ndarray]]]) -> KerasModel:
    if not isinstance(config, dict):
        raise FileError("the model's configuration is no JSON object; save the model again")
    root = parse_model(config)
    model, paths = inline(root)
    weights = weights_of(root)
    for layer in model.layers:
        layer.weights = weights.get(paths[layer.name], [])
    model.notes = notes_on_dtypes(model.layers)
    return model


def _described(model: KerasModel, version: str, form: str) -> KerasModel:
    model.keras_version = version
    model.source_format = " ".join(part for part in ("keras", version, form) if part)
    return model
