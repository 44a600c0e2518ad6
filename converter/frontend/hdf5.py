"""Reading HDF5 as an untrusted file: no links out of it, no arrays far larger than what it holds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from xlite.converter.frontend.dtypes import as_float32
from xlite.schema.errors import ConversionError, FileError

# A dataset may declare any shape and store almost nothing. Keras does not compress, so its arrays take on disk
# what they take in memory; the slack is for files that someone has repacked.
_FREE_BYTES = 1 << 26
_MAX_EXPANSION = 100


def import_h5py() -> Any:
    """h5py, which only this part of xlite needs."""
    try:
        import h5py
    except ImportError as error:
        raise ConversionError(
            "reading a Keras file needs h5py; install it with `pip install h5py`, or convert on a computer that "
            "has it and copy the .xlite file over"
        ) from error
    return h5py


def child(group: Any, name: str) -> Any:
    """The object called ``name`` (a path) in a group, or None. Links, which may lead elsewhere, are refused."""
    h5py = import_h5py()
    here = group
    for part in name.split("/"):
        if not part or not isinstance(here, h5py.Group) or part not in here:
            return None
        if isinstance(here.get(part, getlink=True), (h5py.ExternalLink, h5py.SoftLink)):
            raise FileError(f"'{name}' in the file is a link; save the model again with Keras, which writes none")
        here = here[part]
    return here


def strings(group: Any, name: str) -> list[str]:
    """A list of names in a group's attributes; Keras splits long ones over ``name0``, ``name1`` and so on."""
    if name in group.attrs:
        return [text(item) for item in group.attrs[name]]
    found: list[str] = []
    part = 0
    while f"{name}{part}" in group.attrs:
        found.extend(text(item) for item in group.attrs[f"{name}{part}"])
        part += 1
    return found


def text(value: Any) -> str:
    """An attribute's text, which h5py gives as bytes, str or a numpy string by who wrote it."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def array(dataset: Any, name: str) -> np.ndarray:
    """A dataset's values; float32 where it holds floats of any width."""
    h5py = import_h5py()
    if not isinstance(dataset, h5py.Dataset):
        raise FileError(f"the file holds no array '{name}'; it is damaged, save the model again")
    if dataset.external or dataset.is_virtual:
        raise FileError(f"'{name}' keeps its values in another file; save the model again with Keras")
    declared = math.prod(dataset.shape) * dataset.dtype.itemsize
    if declared > max(_FREE_BYTES, _MAX_EXPANSION * dataset.id.get_storage_size()):
        raise FileError(
            f"'{name}' declares {declared} bytes and stores {dataset.id.get_storage_size()}; the file is damaged "
            "or was made to exhaust memory"
        )
    return as_float32(np.asarray(dataset[()]))
