"""Files for the frontend tests: the recorded ones, and HDF5 and zip files made by hand."""

from __future__ import annotations

import gzip
import io
import json
import pathlib
import zipfile

import h5py
import numpy as np

DATA = pathlib.Path(__file__).parent / "data"


def unpacked(name: str, folder: pathlib.Path) -> pathlib.Path:
    """A recorded model file, as Keras wrote it."""
    path = folder / name
    path.write_bytes(gzip.decompress((DATA / f"{name}.gz").read_bytes()))
    return path


def recorded(name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The inputs and the outputs of a recorded model."""
    with np.load(DATA / f"{name}.npz") as arrays:
        return [arrays[k] for k in sorted(arrays) if k[0] == "x"], [
            arrays[k] for k in sorted(arrays) if k[0] == "y"
        ]


def write_h5(path, config: dict, weights: dict[str, dict[str, np.ndarray]], version: str = "2.2.0") -> None:
    """A .h5 model by hand. ``weights``: the arrays of every top-level layer, by weight name."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
        file.attrs["keras_version"] = version.encode()
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name in weights]
        for layer, arrays in weights.items():
            place = group.create_group(layer)
            place.attrs["weight_names"] = [name.encode() for name in arrays]
            for name, array in arrays.items():
                place[name] = array


def members(path) -> dict[str, bytes]:
    """What a zip holds."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_zip(path, contents: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)


def moved(weights: bytes, rename) -> bytes:
    """The weights file of a .keras model with every group of variables under another path."""
    out = io.BytesIO()
    with h5py.File(io.BytesIO(weights), "r") as old, h5py.File(out, "w") as new:

        def copy(path, item):
            if isinstance(item, h5py.Dataset):
                folder, _, rest = path.partition("/vars/")
                new.require_group(rename(folder)).require_group("vars")[rest] = item[()]

        old.visititems(copy)
    return out.getvalue()
