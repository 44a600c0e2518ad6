"""The lowest floor: what a .xlite file says, how it is read, checked and written.

Importing it loads numpy alone; the flatbuffers runtime comes with the first :func:`write_model`.
"""

from __future__ import annotations

from xlite.schema.contracts import SLOTS, ContractError, Slot, infer, inplace_inputs
from xlite.schema.errors import Error, FileError, VerifyError
from xlite.schema.files import load_model, write_file
from xlite.schema.lifetimes import lifetimes
from xlite.schema.reader import read_model
from xlite.schema.types import (
    ALIGNMENT,
    FILE_IDENTIFIER,
    NO_ACTIVATION,
    VERSION_MAJOR,
    VERSION_MINOR,
    Activation,
    ActivationKind,
    ActivationOptions,
    ConcatenateOptions,
    Conv2DOptions,
    CustomOptions,
    DenseOptions,
    DType,
    Metadata,
    Model,
    Op,
    OpKind,
    Options,
    PadOptions,
    Plan,
    Pool2DOptions,
    Preprocessing,
    ReshapeOptions,
    Tensor,
    TensorType,
)
from xlite.schema.verifier import verify


def write_model(model: Model) -> bytes:
    """The file of a model; see :func:`xlite.schema.writer.write_model`."""
    from xlite.schema import writer

    return writer.write_model(model)


__all__ = [
    "ALIGNMENT",
    "FILE_IDENTIFIER",
    "NO_ACTIVATION",
    "SLOTS",
    "VERSION_MAJOR",
    "VERSION_MINOR",
    "Activation",
    "ActivationKind",
    "ActivationOptions",
    "ConcatenateOptions",
    "ContractError",
    "Conv2DOptions",
    "CustomOptions",
    "DType",
    "DenseOptions",
    "Error",
    "FileError",
    "Metadata",
    "Model",
    "Op",
    "OpKind",
    "Options",
    "PadOptions",
    "Plan",
    "Pool2DOptions",
    "Preprocessing",
    "ReshapeOptions",
    "Slot",
    "Tensor",
    "TensorType",
    "VerifyError",
    "infer",
    "inplace_inputs",
    "lifetimes",
    "load_model",
    "read_model",
    "verify",
    "write_file",
    "write_model",
]
