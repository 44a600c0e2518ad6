"""Pieces of text that several generated files share."""

from __future__ import annotations

from dataclasses import dataclass

from xlite.converter.codegen.names import comment, identifier
from xlite.schema.types import DType, Model, TensorType

DTYPE_NAMES: dict[DType, str] = {
    DType.FLOAT32: "float32",
    DType.INT32: "int32",
    DType.INT8: "int8",
    DType.UINT8: "uint8",
    DType.BIT: "bit",
}


@dataclass(frozen=True)
class Port:
    """An input or an output of the network: its tensor, and what its names end in (``input``, or ``input_1`` where
    there are several)."""

    tensor: int
    name: str
    type: TensorType
    suffix: str

    @property
    def shown(self) -> str:
        shape = "x".join(map(str, self.type.shape))
        return f"{comment(self.name)}: {DTYPE_NAMES[self.type.dtype]} {shape}"

    @property
    def count(self) -> int:
        """Elements as they are stored: of bits, words."""
        return self.type.nbytes // self.type.dtype.numpy.itemsize


def ports(model: Model, what: str) -> list[Port]:
    """The model's inputs (``what`` is "input") or outputs ("output"), in order."""
    tensors = model.inputs if what == "input" else model.outputs
    names = [what] if len(tensors) == 1 else [f"{what}_{i}" for i in range(len(tensors))]
    return [Port(t, model.tensors[t].name, model.tensors[t].type, n) for t, n in zip(tensors, names)]


def constant_name(model: Model, tensor: int) -> str:
    """What a constant is called in C; the index makes it unique."""
    return f"c{tensor}_{identifier(model.tensors[tensor].name)}"


def banner(model: Model, what: str, producer: str) -> str:
    """The first lines of a generated file."""
    source = f" from {comment(model.metadata.source_name)}" if model.metadata.source_name else ""
    return f"/* {what} Made by {producer}{source}; not to be edited. */\n"
