"""What the network ends with: probabilities, the scores before a softmax, or whole numbers.

The softmax of a classifier changes no ranking, and costs an exponential a class; scale and bias of a binary layer
are two floats a class, which a caller can apply to the one score that it wants.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

import numpy as np

from xlite.schema.errors import Error
from xlite.schema.types import (
    NO_ACTIVATION,
    DenseOptions,
    DType,
    Model,
    Op,
    OpKind,
    Tensor,
    TensorType,
)


@dataclass(frozen=True)
class Scores:
    """without: the ops that were left out, in words. score * scale + bias, by class, is what the network gave
    before; None where that is the score itself."""

    without: str = ""
    scale: Optional[np.ndarray] = None
    bias: Optional[np.ndarray] = None


def with_scores(model: Model, wanted: str) -> tuple[Model, Scores]:
    """The model as ``logits`` or ``int32`` ask for it, unchanged for ``model``. Raises Error, saying why, where
    its last layer does not allow that."""
    if wanted == "model":
        return model, Scores()
    if len(model.outputs) != 1:
        raise Error(f"scores {wanted} need a model with one output, this one has {len(model.outputs)}")
    last = _writer(model, model.outputs[0])
    without = ""
    if last is not None and model.ops[last].kind is OpKind.SOFTMAX:
        model, without = _without(model, last), "softmax"
        last = _writer(model, model.outputs[0])
    if wanted == "logits":
        if not without:
            raise Error("scores logits: the model does not end with a softmax, its scores are as they are")
        return model, Scores(without)
    return _whole_numbers(model, last, without)


def _writer(model: Model, tensor: int) -> Optional[int]:
    return next((i for i, op in enumerate(model.ops) if tensor in op.outputs), None)


def _without(model: Model, index: int) -> Model:
    """Without the op ``index``, which writes the only output: its input takes that place."""
    ops = [op for i, op in enumerate(model.ops) if i != index]
    return pruned(replace(model, ops=ops, outputs=(model.ops[index].inputs[0],), plan=None))


def _whole_numbers(model: Model, last: Optional[int], without: str) -> tuple[Model, Scores]:
    op = None if last is None else model.ops[last]
    if op is None or last is None or not _is_binary_dense(model, op):
        raise Error(
            "scores int32 need a last dense layer of bits with bit weights and no activation but a softmax: give "
            "it an input_quantizer and a kernel_quantizer, or choose scores logits"
        )
    assert isinstance(op.options, DenseOptions)
    scale, bias = (_constant(model, op, slot) for slot in (2, 3))
    inputs = (*op.inputs[:2], -1, -1, -1, *op.inputs[5:])
    ops = list(model.ops)
    ops[last] = replace(op, inputs=inputs, options=replace(op.options, output_dtype=DType.INT32))
    tensors = list(model.tensors)
    y = tensors[model.outputs[0]]
    tensors[model.outputs[0]] = Tensor(y.name, TensorType(y.type.shape, DType.INT32))
    left_out = " and ".join(part for part in (without, "scale and bias of the last layer") if part)
    return pruned(replace(model, ops=ops, tensors=tensors, plan=None)), Scores(left_out, scale, bias)


def pruned(model: Model) -> Model:
    """Without the tensors that nothing refers to."""
    used = {*model.inputs, *model.outputs, *(t for op in model.ops for t in (*op.inputs, *op.outputs) if t >= 0)}
    numbers = {old: new for new, old in enumerate(sorted(used))}
    numbers[-1] = -1

    def renumbered(tensors: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(numbers[t] for t in tensors)

    ops = [replace(op, inputs=renumbered(op.inputs), outputs=renumbered(op.outputs)) for op in model.ops]
    tensors = [model.tensors[t] for t in sorted(used)]
    ends = renumbered(model.inputs), renumbered(model.outputs)
    return replace(model, tensors=tensors, ops=ops, inputs=ends[0], outputs=ends[1], plan=None)


def _is_binary_dense(model: Model, op: Op) -> bool:
    if op.kind is not OpKind.DENSE or not isinstance(op.options, DenseOptions):
        return False
    bits = all(model.tensors[t].type.dtype is DType.BIT for t in op.inputs[:2])
    return bits and op.options.output_dtype is DType.FLOAT32 and op.options.activation == NO_ACTIVATION


def _constant(model: Model, op: Op, slot: int) -> Optional[np.ndarray]:
    tensor = op.inputs[slot] if slot < len(op.inputs) else -1
    return None if tensor < 0 else model.tensors[tensor].data
