"""Bytes of a .xlite file -> :class:`Model`. What the decoder checks byte by byte becomes the dataclasses of
``types``; constants stay where they are. ``verifier.verify`` then holds the model to the format's rules.
"""

from __future__ import annotations

import mmap

import numpy as np

from xlite.schema import types as t
from xlite.schema.contracts.rules import ContractError, check_size
from xlite.schema.decoder import Decoder, Span, TableVector, path_text
from xlite.schema.errors import FileError, VerifyError
from xlite.schema.layout import MODEL, OP_OPTIONS, Table
from xlite.schema.naming import quoted
from xlite.schema.records import TYPE_CHECKING

if TYPE_CHECKING:
    import enum
    from typing import Any, TypeVar, Union

    from xlite.schema.decoder import Path

    Source = Union[bytes, bytearray, memoryview, mmap.mmap, np.ndarray]
    Fields = dict[str, Any]
    E = TypeVar("E", bound=enum.IntEnum)


_DTYPES: dict[int, t.DType] = {e.value: e for e in t.DType}
_OP_KINDS: dict[int, t.OpKind] = {e.value: e for e in t.OpKind}
_ACTIVATION_KINDS: dict[int, t.ActivationKind] = {e.value: e for e in t.ActivationKind}
# Options tables whose ``kind`` is an enum of their own.
_KINDS: dict[type, tuple[str, dict[int, Any]]] = {
    t.PlanesOptions: ("kind of planes", {e.value: e for e in t.PlanesKind}),
    t.ReduceOptions: ("reduction", {e.value: e for e in t.ReduceKind}),
}
# Read alone and first: of the rest a newer major version may have made anything.
_VERSION = Table("Model's version", MODEL.fields[:2])
_OPTIONS = tuple(getattr(t, table.name) for table in OP_OPTIONS)


def read_model(data: Source) -> t.Model:
    """Decodes a whole file; any object with a contiguous buffer will do, a memory map included.

    Constants are read-only arrays of their type's ``storage_shape`` that look into ``data`` (into one copy of
    it, where its memory does not start at a multiple of 16 bytes), so ``data`` must not change afterwards.
    Raises FileError where this is no .xlite file or one of a newer major version, VerifyError with the field
    and the byte where it is damaged. The model is decoded, not verified: see :func:`load_model`.
    """
    return _Reader(_aligned(_view(data))).model()


def _view(data: Any) -> memoryview:
    try:
        return memoryview(data).cast("B").toreadonly()
    except (TypeError, ValueError) as error:  # ValueError: a map that is closed
        raise FileError(f"cannot read a model from {type(data).__name__}: {error}") from None


def _aligned(view: memoryview) -> memoryview:
    """``view`` itself, or its bytes at an address that keeps the constants 16-byte aligned in memory too."""
    if len(view) == 0 or _address(np.frombuffer(view, np.uint8)) % t.ALIGNMENT == 0:
        return view
    room = np.empty(len(view) + t.ALIGNMENT, np.uint8)
    start = -_address(room) % t.ALIGNMENT
    room[start : start + len(view)] = view
    return room[start : start + len(view)].data.toreadonly()


def _address(array: np.ndarray) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


class _Reader:
    def __init__(self, view: memoryview) -> None:
        _check_identifier(view)
        self.decoder = Decoder(view)
        self.version = (0, 0)

    def model(self) -> t.Model:
        version = self.decoder.root(_VERSION)
        self.version = (version["version_major"], version["version_minor"])
        _check_version(*self.version)
        root = self.decoder.root(MODEL)
        buffers = [fields["data"] for _, fields in self.decoder.tables(root["buffers"])]
        return t.Model(
            tensors=[self._tensor(f, buffers, path) for path, f in self.decoder.tables(root["tensors"])],
            ops=[self._op(f, path) for path, f in self.decoder.tables(root["ops"])],
            inputs=root["inputs"],
            outputs=root["outputs"],
            plan=t.Plan(**root["plan"]) if root["plan"] else None,
            metadata=self._metadata(root["metadata"]),
            version_major=self.version[0],
            version_minor=self.version[1],
        )

    def _tensor(self, fields: Fields, buffers: list[Span], path: Path) -> t.Tensor:
        dtype = self._enum(_DTYPES, fields["dtype"], "element type", (path, "dtype"))
        tensor_type = t.TensorType(fields["shape"], dtype, fields["packed_axes"])
        try:
            check_size(tensor_type)
        except ContractError as error:
            raise VerifyError(f"{path_text(path)} {quoted(fields['name'])}: {error}") from None
        buffer = fields["buffer"]
        if buffer < -1 or buffer >= len(buffers):
            raise VerifyError(
                f"{path_text((path, 'buffer'))}: there is no buffer {buffer}, the file has {len(buffers)}"
            )
        data = None if buffer == -1 else self._constant(tensor_type, buffers[buffer], path)
        return t.Tensor(fields["name"], tensor_type, data, fields["scale"], fields["zero_point"])

    def _constant(self, tensor_type: t.TensorType, span: Span, path: Path) -> np.ndarray:
        if span.length != tensor_type.nbytes:
            raise VerifyError(
                f"{path_text(path)}: {tensor_type} needs {tensor_type.nbytes} bytes, "
                f"its data at byte {span.start} has {span.length}"
            )
        dtype = tensor_type.dtype.numpy
        flat = np.frombuffer(self.decoder.data, dtype, span.length // dtype.itemsize, span.start)
        return flat.reshape(tensor_type.storage_shape)

    def _op(self, fields: Fields, path: Path) -> t.Op:
        kind = self._enum(_OP_KINDS, fields["kind"], "op", (path, "kind"))
        number, members = fields["options"]
        options = self._options(number, members, (path, "options"))
        return t.Op(kind, fields["inputs"], fields["outputs"], options, fields["name"])

    def _options(self, number: int, fields: Fields | None, path: Path) -> t.Options | None:
        if number == 0:
            return None
        if fields is None:
            raise VerifyError(f"{path_text(path)}: {self._unknown('options table', number)}")
        if "output_dtype" in fields:
            where = (path, "output_dtype")
            fields["output_dtype"] = self._enum(_DTYPES, fields["output_dtype"], "element type", where)
        if "activation" in fields:
            fields["activation"] = self._activation(fields["activation"], (path, "activation"))
        if "data" in fields:
            fields["data"] = bytes(self.decoder.bytes_of(fields["data"]))
        table = _OPTIONS[number - 1]
        if table in _KINDS:
            fields["kind"] = self._enum(_KINDS[table][1], fields["kind"], _KINDS[table][0], (path, "kind"))
        options: t.Options = table(**fields)
        return options

    def _activation(self, fields: Fields | None, path: Path) -> t.Activation:
        if fields is None:
            return t.NO_ACTIVATION
        fields["kind"] = self._enum(_ACTIVATION_KINDS, fields["kind"], "activation", (path, "kind"))
        return t.Activation(**fields)

    def _metadata(self, fields: Fields | None) -> t.Metadata:
        if fields is None:
            return t.Metadata()
        preprocessing = fields["preprocessing"]
        return t.Metadata(
            **{
                **fields,
                "labels": list(fields["labels"]),
                "preprocessing": t.Preprocessing(**preprocessing) if preprocessing else None,
                "entries": self._entries(fields["entries"]),
            }
        )

    def _entries(self, vector: TableVector) -> dict[str, str]:
        entries: dict[str, str] = {}
        for path, fields in self.decoder.tables(vector):
            if fields["key"] in entries:
                raise VerifyError(f"{path_text(path)}: the key {quoted(fields['key'])} is there twice")
            entries[fields["key"]] = fields["value"]
        return entries

    def _enum(self, members: dict[int, E], number: int, what: str, path: Path) -> E:
        member = members.get(number)
        if member is None:
            raise VerifyError(f"{path_text(path)}: {self._unknown(what, number)}")
        return member

    def _unknown(self, what: str, number: int) -> str:
        ours = f"{t.VERSION_MAJOR}.{t.VERSION_MINOR}"
        if self.version <= (t.VERSION_MAJOR, t.VERSION_MINOR):
            return f"there is no {what} number {number} in version {ours} of the format"
        theirs = f"{self.version[0]}.{self.version[1]}"
        return (
            f"{what} number {number} is newer than this reader "
            f"(the file is of version {theirs}, the reader knows {ours}); update xlite"
        )


def _check_identifier(view: memoryview) -> None:
    if len(view) == 0:
        raise FileError("this is not a .xlite file: it is empty")
    if bytes(view[4:8]) != t.FILE_IDENTIFIER:
        if bytes(view[:4]) in (b"\x89HDF", b"PK\x03\x04"):
            raise FileError("this is a Keras model or an archive, no .xlite file; pack it first: xlite convert")
        raise FileError(
            f"this is not a .xlite file: bytes 4 to 8 are {bytes(view[4:8])!r} instead of {t.FILE_IDENTIFIER!r}"
        )


def _check_version(major: int, minor: int) -> None:
    if major > t.VERSION_MAJOR:
        raise FileError(
            f"the file is of version {major}.{minor}, this xlite reads up to {t.VERSION_MAJOR}.x; update xlite"
        )
    if major < 1:
        raise VerifyError(f"version_major: there is no version {major}.{minor} of the format")
