"""Models on disk: memory-mapped reading, atomic writing."""

from __future__ import annotations

import contextlib
import mmap
import os
import stat

from xlite.schema.errors import FileError
from xlite.schema.reader import read_model
from xlite.schema.records import TYPE_CHECKING
from xlite.schema.types import Model
from xlite.schema.verifier import verify

if TYPE_CHECKING:
    from typing import BinaryIO, Optional, Union

    from xlite.schema.reader import Source

    PathLike = Union[str, "os.PathLike[str]"]


def load_model(source: PathLike | Source | BinaryIO) -> Model:
    """Reads and verifies a .xlite file; what it returns keeps every rule that kernels trust.

    source: a path (mapped, not copied: constants are pages of the file, shared between processes), the file's
    bytes, or a binary file object, read from where it stands. Raises FileError or VerifyError, with the path in
    front where there is one.

    A mapped file must be replaced, as :func:`write_file` does, and not be cut short in place while it is in use:
    the operating system kills a process that touches pages which are gone.
    """
    if isinstance(source, (str, os.PathLike)):
        try:
            return _read_and_verify(_map(source))
        except FileError as error:
            raise type(error)(f"{os.fspath(source)}: {error}") from None
    if hasattr(source, "read") and not isinstance(source, mmap.mmap):
        return _read_and_verify(_read(source))  # type: ignore[arg-type]
    return _read_and_verify(source)  # type: ignore[arg-type]


def write_file(path: PathLike, data: bytes) -> None:
    """Writes ``data`` so that ``path`` holds either its old content or all of the new.

    It goes to a temporary file in the same folder, which then takes the place of ``path``; readers that have the
    old file mapped keep it. Raises FileError and leaves nothing behind where that fails, and where
    :func:`check_destination` refuses ``path``.
    """
    check_destination(path)
    try:
        final = os.path.realpath(path)
        _replace(final, f"{final}.{os.urandom(8).hex()}.tmp", data)
    except (OSError, ValueError) as error:
        raise FileError(f"cannot write {os.fspath(path)}: {_reason(error)}") from None


def check_destination(path: PathLike) -> None:
    """Raises FileError where :func:`write_file` puts no file: ``path`` is empty, ends in a separator, its folder
    is not there, or a folder, a pipe or a device has the name. A new file would take the place of these last two,
    which other programs wait at."""
    name = os.fspath(path)
    if not name:
        raise FileError("cannot write to an empty file name; give one")
    try:
        there = _mode(path)
        if there is None and not os.path.isdir(os.path.dirname(os.path.realpath(path))):
            raise FileError(f"cannot write {name}: no such file or directory")
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise FileError(f"cannot write {name}: {_reason(error)}") from None
    if there is not None and stat.S_ISDIR(there):
        raise FileError(f"cannot write {name}: is a directory; give the name of a file in it")
    if name.endswith(tuple(filter(None, (os.sep, os.altsep)))):
        raise FileError(f"cannot write {name}: is the name of a directory; give the name of a file")
    if there is not None and not stat.S_ISREG(there):
        raise FileError(f"cannot write {name}: is no regular file; give the name of one, or of none that is there")


def _mode(path: PathLike) -> Optional[int]:
    """What is at ``path``, links followed; None where nothing is."""
    try:
        return os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _replace(final: str, temporary: str, data: bytes) -> None:
    try:
        with open(temporary, "xb") as file:
            file.write(data)
        if os.path.exists(final):
            os.chmod(temporary, stat.S_IMODE(os.stat(final).st_mode))
        os.replace(temporary, final)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _read_and_verify(data: Source) -> Model:
    model = read_model(data)
    verify(model)
    return model


def _read(file: BinaryIO) -> bytes:
    try:
        return file.read()
    except (OSError, ValueError) as error:  # ValueError: the file is closed
        raise FileError(f"the file object cannot be read: {_reason(error)}") from None


def _map(path: PathLike) -> Source:
    try:
        with open(path, "rb") as file:
            try:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (ValueError, OSError):  # an empty file, a pipe, or a file system that cannot map
                return file.read()
    except (OSError, ValueError) as error:
        raise FileError(f"cannot be read: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()
