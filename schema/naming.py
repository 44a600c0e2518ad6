"""How messages call an op or a tensor of a model: by index and name, the name quoted and cut short."""

from __future__ import annotations

from xlite.schema.types import Model

_LONGEST = 60


def op_name(model: Model, index: int) -> str:
    """For example ``op 3 (conv_2d 'block1')``."""
    op = model.ops[index]
    label = op.label if op.label.isidentifier() and len(op.label) <= _LONGEST else quoted(op.label)
    return f"op {index} ({label} {quoted(op.name)})" if op.name else f"op {index} ({label})"


def tensor_name(model: Model, index: int) -> str:
    """For example ``tensor 5 'block1/conv'``."""
    return f"tensor {index} {quoted(model.tensors[index].name)}"


def quoted(name: str) -> str:
    """A name from a file: what does not print is escaped, and at most 60 characters of it are shown."""
    return repr(name if len(name) <= _LONGEST else name[: _LONGEST - 3] + "...")
