""":class:`Model` -> bytes of a .xlite file, through the code that flatc generates.

The same model always gives the same bytes: nothing is read but the model, in its own order. A flatbuffer is
built from its end to its front, so what is written first here (the constants) lies last in the file, and the
tables, which a reader needs first, lie together at the front.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import flatbuffers
import numpy as np

from xlite.schema.errors import FileError
from xlite.schema.generated import xlite_generated as fb
from xlite.schema.layout import OP_OPTIONS
from xlite.schema.types import ALIGNMENT, FILE_IDENTIFIER, Activation, Metadata, Model, Op, Options, Plan, Tensor

_UNION_NUMBER = {table.name: number for number, table in enumerate(OP_OPTIONS, start=1)}


def write_model(model: Model) -> bytes:
    """The file of a model. Identical constants share one buffer, each at a multiple of 16 bytes.

    Raises FileError where a constant does not match its type, a text is no text, or the file would pass 2 GiB.
    """
    try:
        return _Writer(model).write()
    except flatbuffers.builder.BuilderSizeError:
        raise FileError("the model is too large, a .xlite file holds less than 2 GiB") from None
    except UnicodeEncodeError as error:
        raise FileError(f"cannot write the text {error.object!r}: it holds a lone surrogate") from None


class _Writer:
    def __init__(self, model: Model) -> None:
        self.model = model
        constants = sum(t.data.nbytes for t in model.tensors if t.data is not None)
        self.builder = flatbuffers.Builder(constants + 4096)

    def write(self) -> bytes:
        model, builder = self.model, self.builder
        buffers, buffer_of = self._buffers(model.tensors)
        fields = {
            "version_major": model.version_major,
            "version_minor": model.version_minor,
            "buffers": self._offsets(buffers),
            "metadata": self._metadata(model.metadata),
            "plan": None if model.plan is None else self._plan(model.plan),
            "tensors": self._offsets([self._tensor(*pair) for pair in zip(model.tensors, buffer_of)]),
            "ops": self._offsets([self._op(op) for op in model.ops]),
            "inputs": self._ints(model.inputs),
            "outputs": self._ints(model.outputs),
        }
        builder.Finish(self._table("Model", fields), FILE_IDENTIFIER)
        return bytes(builder.Output())

    # -- parts of the model ----------------------------------------------------------------------------------

    def _buffers(self, tensors: Sequence[Tensor]) -> tuple[list[int], list[int]]:
        """Offsets of the buffer tables, and for each tensor the index of its buffer (-1: an activation)."""
        numbers: dict[bytes, int] = {}
        buffer_of = [-1] * len(tensors)
        for index, tensor in enumerate(tensors):
            if tensor.data is not None:
                buffer_of[index] = numbers.setdefault(_constant_bytes(index, tensor), len(numbers))
        vectors = [self._aligned_bytes(content) for content in numbers]
        return [self._table("Buffer", {"data": vector}) for vector in vectors], buffer_of

    def _tensor(self, tensor: Tensor, buffer: int) -> int:
        fields = {
            "name": self._text(tensor.name),
            "shape": self._ints(tensor.type.shape),
            "dtype": tensor.type.dtype,
            "buffer": buffer,
            "packed_axes": tensor.type.packed_axes,
            "scale": tensor.scale,
            "zero_point": tensor.zero_point,
        }
        return self._table("Tensor", fields)

    def _op(self, op: Op) -> int:
        fields: dict[str, Any] = {
            "kind": op.kind,
            "inputs": self._ints(op.inputs),
            "outputs": self._ints(op.outputs),
            "name": self._text(op.name),
        }
        if op.options is not None:
            fields["options_type"] = _UNION_NUMBER[type(op.options).__name__]
            fields["options"] = self._options(op.options)
        return self._table("Op", fields)

    def _options(self, options: Options) -> int:
        return self._table(type(options).__name__, {k: self._value(v) for k, v in vars(options).items()})

    def _plan(self, plan: Plan) -> int:
        count = len(plan.offsets)
        offsets = self._vector(8, count, 8, struct.pack(f"<{count}q", *plan.offsets))
        return self._table(
            "Plan", {"offsets": offsets, "arena_bytes": plan.arena_bytes, "lower_bound": plan.lower_bound}
        )

    def _metadata(self, metadata: Metadata) -> int:
        entries = [
            self._table("KeyValue", {"key": self._text(key), "value": self._text(value)})
            for key, value in metadata.entries.items()
        ]
        fields: dict[str, Any] = {
            "labels": self._offsets([self._string(label) for label in metadata.labels]),
            "entries": self._offsets(entries),
        }
        for name in ("producer", "source_name", "source_sha256", "source_format", "model_name"):
            fields[name] = self._text(getattr(metadata, name))
        if metadata.preprocessing is not None:
            fields["preprocessing"] = self._table("Preprocessing", vars(metadata.preprocessing))
        return self._table("Metadata", fields)

    # -- parts of a flatbuffer -------------------------------------------------------------------------------

    def _table(self, name: str, fields: dict[str, Any]) -> int:
        """Writes a table through its generated functions. None leaves a field out."""
        getattr(fb, f"{name}Start")(self.builder)
        for field, value in fields.items():
            if value is not None:
                _adder(name, field)(self.builder, value)
        end: int = getattr(fb, f"{name}End")(self.builder)
        return end

    def _value(self, value: Any) -> Any:
        """An option's value as its table takes it: scalars as they are, the rest as offsets (None: left out)."""
        if isinstance(value, Activation):
            return self._table("Activation", vars(value)) if value != Activation() else None
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, tuple):
            return self._ints(value)
        if isinstance(value, bytes):
            return self.builder.CreateByteVector(value) if value else None
        return value

    def _string(self, text: str) -> int:
        offset: int = self.builder.CreateString(text)
        return offset

    def _text(self, text: str) -> int | None:
        """A string field, left out where it is empty."""
        return self._string(text) if text else None

    def _ints(self, values: Sequence[int]) -> int:
        try:
            content = struct.pack(f"<{len(values)}i", *values)
        except struct.error as error:
            raise FileError(f"{tuple(values)} does not fit integers of 32 bits: {error}") from None
        return self._vector(4, len(values), 4, content)

    def _offsets(self, offsets: Sequence[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        end: int = self.builder.EndVector()
        return end

    def _aligned_bytes(self, content: bytes) -> int:
        """A byte vector whose first element (not its length) lies at a multiple of 16 bytes of the file.

        The builder aligns relative to the end of the file and pads the whole file to the largest alignment it
        has seen, so that this holds from its start as well.
        """
        return self._vector(1, len(content), ALIGNMENT, content)

    def _vector(self, size: int, count: int, alignment: int, content: bytes) -> int:
        """A vector of ``count`` elements of ``size`` bytes, written as a whole."""
        builder = self.builder
        builder.StartVector(size, count, alignment)
        start = builder.Head() - len(content)
        builder.head = start
        builder.Bytes[start : start + len(content)] = content
        end: int = builder.EndVector()
        return end


def _constant_bytes(index: int, tensor: Tensor) -> bytes:
    data = np.asarray(tensor.data)
    wanted = tensor.type
    if data.dtype != wanted.dtype.numpy or data.shape != wanted.storage_shape:
        raise FileError(
            f"tensor {index} {tensor.name!r} is {wanted}, held as {wanted.dtype.numpy} {wanted.storage_shape}, "
            f"but its data is {data.dtype} {data.shape}"
        )
    return data.astype(wanted.dtype.numpy, order="C", copy=False).tobytes()


@cache
def _adder(table: str, field: str) -> Callable[[Any, Any], None]:
    """The generated function that adds a field to a table."""
    adder: Callable[[Any, Any], None] = getattr(fb, f"{table}Add{_camel(field)}")
    return adder


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
