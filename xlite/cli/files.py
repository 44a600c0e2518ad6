"""Which kind of file a user passed, so that a mix-up gets a sentence with the right command in it."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from xlite.schema.errors import FileError, InputError
from xlite.schema.files import check_destination
from xlite.schema.types import FILE_IDENTIFIER

if TYPE_CHECKING:
    from xlite.schema.types import Model

XLITE, HDF5, ZIP, OTHER = ".xlite", ".h5", ".keras", ""

_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def kind_of(path: str, wanted: str = "a .xlite, .h5 or .keras file") -> str:
    """:data:`XLITE`, :data:`HDF5`, :data:`ZIP` or :data:`OTHER`, by the file's first bytes.

    Raises FileError where there is no such file or it cannot be read; ``wanted`` is in its mend. A pipe is
    refused, since the bytes that are looked at would be gone.
    """
    if not path:
        raise FileError(f"the name of the file is empty; give the path of {wanted}")
    if os.path.isdir(path):
        raise FileError(f"{path}: is a folder, not a file; give the path of {wanted}")
    if os.path.exists(path) and not os.path.isfile(path):
        raise FileError(f"{path}: is no regular file; give the path of {wanted}")
    try:
        with open(path, "rb") as file:
            head = file.read(8)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise FileError(f"{path}: cannot be read: {reason.lower()}") from None
    if head[4:8] == FILE_IDENTIFIER:
        return XLITE
    if head == _HDF5_SIGNATURE:
        return HDF5
    return ZIP if head[:4] == b"PK\x03\x04" and zipfile.is_zipfile(path) else OTHER


def need_xlite(path: str) -> str:
    """``path`` unless it is plainly a Keras model. Raises FileError with the mend; what else may be wrong with the
    file, the reader says."""
    kind = kind_of(path, "a .xlite file")
    if kind in (HDF5, ZIP):
        raise FileError(f"{path}: is a Keras model, not a .xlite file; pack it first: xlite convert {path}")
    return path


def need_keras(path: str) -> str:
    """``path`` unless it is a .xlite file. Raises FileError with the mend."""
    if kind_of(path, "a model saved with model.save('model.h5') or '.keras'") == XLITE:
        raise FileError(
            f"{path}: is a .xlite file already, a Keras .h5 or .keras file is needed; "
            f"to look into this one: xlite inspect {path}"
        )
    return path


def check_output(option: str, path: str, kept: Mapping[str, str]) -> None:
    """Raises FileError, before any work is done, where a result must not or cannot be written to ``path``.

    option: the one that names it. kept: files that it must not take the place of, and what each is."""
    if path == "-":
        raise FileError(f"{option} -: xlite writes to files only; give the name of one")
    if not path:
        raise FileError(f"{option} is empty; give the name of a file")
    check_destination(path)
    for other, what in kept.items():
        if _same_file(path, other):
            raise FileError(f"{option} {path}: is {what} and would be overwritten; choose another name")


def _same_file(path: str, other: str) -> bool:
    """Whether both names lead to one file, or will once it is written."""
    if os.path.exists(path) and os.path.exists(other):
        return os.path.samefile(path, other)
    return os.path.realpath(path) == os.path.realpath(other)


def mentioned(given: Sequence[str]) -> list[str]:
    """The files that arguments for inputs name: each as it is, or as the file in ``name=file`` and
    ``file.npz:key``."""
    found = []
    for item in given:
        for path in (item, item.partition("=")[2]):
            found += [path, path.rpartition(":")[0]]
    return [path for path in found if path and os.path.exists(path)]


def check_names(model: Model, given: Sequence[str]) -> None:
    """Raises InputError for a ``name=file`` that is no file and names no input of a model that has one input. (Of
    several, :func:`xlite.inputs.read_inputs` says so.)"""
    if len(model.inputs) != 1:
        return
    wanted = model.tensors[model.inputs[0]].name
    for item in given:
        name, sign, _ = item.partition("=")
        if sign and name != wanted and not os.path.exists(item):
            raise InputError(f"{item}: is no file, nor has the model an input '{name}'; it has '{wanted}'")


def sha256(path: str) -> str:
    """Hex digest of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
