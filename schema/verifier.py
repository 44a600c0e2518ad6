"""The rules of the format that concern meaning: what a decoded :class:`Model` must keep before a kernel runs.

Everything behind this door is trusted. Each rule has one line here or in ``contracts``, and every message names
the op or the tensor and the rule that it breaks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from xlite.schema.contracts import SLOTS, ContractError, infer
from xlite.schema.contracts.rules import check_size
from xlite.schema.errors import VerifyError
from xlite.schema.limits import (
    MAX_ARENA_BYTES,
    MAX_ENTRIES,
    MAX_LABELS,
    MAX_OPS,
    MAX_TENSORS,
)
from xlite.schema.naming import op_name, tensor_name
from xlite.schema.plan_rules import verify_plan
from xlite.schema.types import (
    RANGES,
    WORD_BITS,
    CustomOptions,
    DType,
    Metadata,
    Model,
    Op,
    OpKind,
    Tensor,
    TensorType,
)


def verify(model: Model) -> None:
    """Raises VerifyError, in one sentence that names the op or tensor, for the first rule that is broken.

    Holds afterwards: every index is in range; ops run in order, each activation written once before it is read;
    inputs and options keep their op's contract and outputs have the type that it infers; activations are batch 1
    with a batch axis and at least one more; constants fit their types and unused bits are zero; the plan, where
    there is one, gives tensors that live at the same time separate memory within the arena.
    """
    _require(len(model.tensors) <= MAX_TENSORS, f"the model has {len(model.tensors)} tensors, over {MAX_TENSORS}")
    _require(len(model.ops) <= MAX_OPS, f"the model has {len(model.ops)} ops, over {MAX_OPS}")
    _verify_tensors(model)
    _verify_ends(model, model.inputs, "input")
    _verify_ends(model, model.outputs, "output")
    _verify_ops(model)
    if model.plan is not None:
        verify_plan(model, model.plan)
    _verify_metadata(model.metadata)


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise VerifyError(problem)


# -- tensors -------------------------------------------------------------------------------------------------


def _verify_tensors(model: Model) -> None:
    total = 0
    last_words: dict[tuple[int, int, int], int] = {}
    for index, tensor in enumerate(model.tensors):
        problem = _tensor_problem(tensor) or _constant_problem(tensor, last_words)
        if problem:
            raise VerifyError(f"{tensor_name(model, index)}: {problem}")
        if not tensor.is_constant:
            total += tensor.type.nbytes
    _require(total <= MAX_ARENA_BYTES, f"the activations take {total} bytes, over the limit of 2^40")


def _tensor_problem(tensor: Tensor) -> str:
    """What is wrong with a tensor's type, or nothing."""
    tensor_type = tensor.type
    try:
        check_size(tensor_type)
    except ContractError as error:
        return str(error)
    if tensor_type.packed_axes != 1:
        if tensor_type.dtype is not DType.BIT:
            return f"only bits are packed, packed_axes must be 1 for {tensor_type.dtype.short}"
        if not tensor.is_constant:
            return "an activation packs its last axis alone, packed_axes must be 1"
    if not tensor.is_constant:
        if len(tensor_type.shape) < 2:
            return f"an activation needs a batch axis and at least one more, {tensor_type} has one"
        if tensor_type.shape[0] != 1:
            return f"an activation is stored for batch 1, {tensor_type} has batch {tensor_type.shape[0]}"
    return _quantization_problem(tensor)


def _quantization_problem(tensor: Tensor) -> str:
    """What is wrong with the numbers that a tensor of integers says it stands for, or nothing."""
    scale, zero_point, dtype = tensor.scale, tensor.zero_point, tensor.type.dtype
    if scale == 0 and zero_point == 0:
        return ""
    if not (math.isfinite(scale) and scale > 0):
        return f"its scale {scale} is no number above 0"
    if dtype not in RANGES:
        return f"{dtype.short} elements stand for themselves, they have no scale and zero point"
    low, high = RANGES[dtype]
    return "" if low <= zero_point <= high else f"its zero point {zero_point} is no {dtype.short}"


def _constant_problem(tensor: Tensor, last_words: dict[tuple[int, int, int], int]) -> str:
    """What is wrong with a constant's data, or nothing.

    ``last_words`` remembers, for each buffer seen as rows of so many words, all last words or-ed together; so
    any number of tensors that share a buffer cost one look at it.
    """
    data, tensor_type = tensor.data, tensor.type
    if data is None:
        return ""
    if data.dtype != tensor_type.dtype.numpy or data.shape != tensor_type.storage_shape:
        return f"{tensor_type} does not fit its data, {data.dtype} {data.shape}"
    row = math.prod(tensor_type.shape[len(tensor_type.shape) - tensor_type.packed_axes :])
    used = row % WORD_BITS
    if tensor_type.dtype is not DType.BIT or not used:
        return ""
    key = (data.__array_interface__["data"][0], data.shape[-1], data.size)
    if key not in last_words:
        last_words[key] = int(np.bitwise_or.reduce(data[..., -1], axis=None))
    if last_words[key] >> used:
        return f"unused bits (from bit {used} of a row's last word on) are not all zero"
    return ""


def _verify_ends(model: Model, indices: Sequence[int], what: str) -> None:
    """The rules that graph inputs and outputs share."""
    _require(len(indices) > 0, f"the model has no {what}s")
    seen: set[int] = set()
    for index in indices:
        _require(0 <= index < len(model.tensors), f"graph {what} {index} is no tensor of the model")
        constant = model.tensors[index].is_constant
        _require(not constant, f"{tensor_name(model, index)}: a constant cannot be a graph {what}")
        _require(index not in seen, f"{tensor_name(model, index)}: is a graph {what} twice")
        seen.add(index)


# -- ops -----------------------------------------------------------------------------------------------------


def _verify_ops(model: Model) -> None:
    # For each tensor what gave it its value so far, as messages call it.
    origin = ["a constant" if tensor.is_constant else "" for tensor in model.tensors]
    for index in model.inputs:
        origin[index] = "a graph input"
    for number, op in enumerate(model.ops):
        problem = _input_problem(model, op, origin) or _output_problem(model, op, origin)
        problem = problem or _contract_problem(model, op)
        if problem:
            raise VerifyError(f"{op_name(model, number)}: {problem}")
    for index, given in enumerate(origin):
        if not given:
            raise VerifyError(f"{tensor_name(model, index)}: no op writes it and it is no graph input")


def _input_problem(model: Model, op: Op, origin: list[str]) -> str:
    for index in op.inputs:
        if not -1 <= index < len(origin):
            return f"input {index} is no tensor of the model"
        if index >= 0 and not origin[index]:
            return f"reads {tensor_name(model, index)} before it is written"
    return ""


def _output_problem(model: Model, op: Op, origin: list[str]) -> str:
    """What is wrong with the tensors that an op writes, or nothing; they count as written afterwards."""
    if not op.outputs:
        return "has no outputs"
    for index in op.outputs:
        if not 0 <= index < len(origin):
            return f"output {index} is no tensor of the model"
        if origin[index]:
            return f"writes {tensor_name(model, index)}, which is {origin[index]}"
        origin[index] = "written already"
    return ""


def _contract_problem(model: Model, op: Op) -> str:
    """What of its contract an op breaks, or nothing."""
    if isinstance(op.options, CustomOptions) and not op.options.name:
        return "a custom op needs a name"
    given = [None if i < 0 else model.tensors[i] for i in op.inputs]
    try:
        types = infer(op.kind, [None if t is None else t.type for t in given], op.options)
    except ContractError as error:
        return str(error)
    if types is None:
        return ""
    return _slot_problem(op.kind, given) or _type_problem(model, op, types)


def _slot_problem(kind: OpKind, given: Sequence[Tensor | None]) -> str:
    slots = SLOTS[kind]
    for position, tensor in enumerate(given):
        name = f"'{slots[position].name}'" if slots else str(position)
        constant = slots[position].constant if slots else False
        free = slots[position].either if slots else False
        if tensor is None or free or tensor.is_constant is constant:
            continue
        if constant:
            return f"input {name} must be a constant"
        return f"input {name} must be an activation, a constant has no batch"
    if all(tensor is None or tensor.is_constant for tensor in given):
        return "at least one input must be an activation, a constant has no batch"
    return ""


def _type_problem(model: Model, op: Op, types: Sequence[TensorType]) -> str:
    if len(op.outputs) != len(types):
        return f"has {len(op.outputs)} outputs, needs {len(types)}"
    for index, inferred in zip(op.outputs, types):
        declared = model.tensors[index].type
        if declared != inferred:
            return f"gives {inferred}, {tensor_name(model, index)} is {declared}"
    return ""


# -- metadata ------------------------------------------------------------------------------------------------


def _verify_metadata(metadata: Metadata) -> None:
    labels, entries = len(metadata.labels), len(metadata.entries)
    _require(labels <= MAX_LABELS, f"metadata has {labels} labels, over {MAX_LABELS}")
    _require(entries <= MAX_ENTRIES, f"metadata has {entries} entries, over {MAX_ENTRIES}")
    raw = metadata.preprocessing
    if raw is not None:
        finite = math.isfinite(raw.scale) and math.isfinite(raw.offset)
        _require(finite, f"metadata's preprocessing is not finite (scale {raw.scale}, offset {raw.offset})")
