"""Output types of an op from its input types and options, with every rule checked on the way."""

from __future__ import annotations

from collections.abc import Sequence

from xlite.schema.contracts import elementwise, filtered, pools, rules, shapes
from xlite.schema.contracts.rules import ContractError, require
from xlite.schema.contracts.slots import SLOTS
from xlite.schema.records import TYPE_CHECKING
from xlite.schema.types import OPTIONS_OF_KIND, DType, OpKind, Options, TensorType

if TYPE_CHECKING:
    from typing import Callable, Optional

    Types = Sequence[Optional[TensorType]]

__all__ = ["ContractError", "infer", "inplace_inputs"]


def infer(kind: OpKind, inputs: Types, options: Options | None) -> list[TensorType] | None:
    """Types of the outputs of one op, or None for ``CUSTOM``, whose types only its author knows.

    inputs: one type a slot, None for an absent optional one. Raises :class:`ContractError` with the broken
    rule; the caller adds which op it was.
    """
    wanted = OPTIONS_OF_KIND.get(kind)
    if wanted is None:
        require(options is None, "takes no options")
    else:
        require(isinstance(options, wanted), f"needs {wanted.__name__}")
    inputs = _check_arity(kind, inputs)
    if kind is OpKind.CUSTOM:
        return None
    outputs = [RULES[kind](inputs, options)]
    if kind in filtered.RULES:
        _check_accumulators(kind, inputs, options)
    for output in outputs:
        rules.check_size(output)
    return outputs


def inplace_inputs(kind: OpKind, inputs: Types, outputs: Sequence[TensorType]) -> tuple[int, ...]:
    """Slots whose memory the (only) output may take over, because the kernels read each element before they
    write it. Empty where the op cannot run in place."""
    if kind in _ELEMENTWISE:
        candidates: tuple[int, ...] = (0,)
    elif kind in _BINARY:
        candidates = (0, 1)
    elif kind is OpKind.RESHAPE:
        x = inputs[0]
        candidates = (0,) if x is not None and same_rows(x, outputs[0]) else ()
    else:
        candidates = ()
    return tuple(i for i in candidates if _same_bytes(inputs[i], outputs[0]))


def _check_accumulators(kind: OpKind, inputs: Types, options) -> None:
    x, kernel = inputs[:2]
    assert x is not None
    assert kernel is not None
    if x.dtype is DType.FLOAT32:
        return
    bound = filtered.accumulator_bound(kind, kernel, options, x.dtype)
    what = "bit planes" if options.planes > 1 else "integers"
    require(bound <= rules.MAX_ELEMENTS, f"the sums of its {what} do not fit an int32")


def same_rows(x: TensorType, y: TensorType) -> bool:
    """True if a reshape from ``x`` to ``y`` leaves the stored bytes as they are. Rows of bits keep their
    padding, so the rows must be equal or whole words on both sides."""
    if x.dtype is not DType.BIT or x.shape[-1] == y.shape[-1]:
        return True
    return x.shape[-1] % 32 == 0 and y.shape[-1] % 32 == 0


_ELEMENTWISE = frozenset({OpKind.BATCH_NORM, OpKind.ACTIVATION, OpKind.PRELU, OpKind.SOFTMAX})
_BINARY = frozenset({OpKind.ADD, *shapes.BROADCAST})


def _same_bytes(x: TensorType | None, y: TensorType) -> bool:
    return x is not None and x.dtype is y.dtype and x.nbytes == y.nbytes


def _check_arity(kind: OpKind, inputs: Types) -> Types:
    """One type a slot; optional slots at the end need not be named."""
    slots = SLOTS[kind]
    if slots is None:
        require(len(inputs) >= 1, "needs at least one input")
        require(all(i is not None for i in inputs), "has an absent input")
    else:
        missing = [None for slot in slots[len(inputs) :] if slot.optional]
        inputs = [*inputs, *missing]
        require(len(inputs) == len(slots), f"needs {len(slots)} inputs, has {len(inputs) - len(missing)}")
        for slot, given in zip(slots, inputs):
            require(slot.optional or given is not None, f"input '{slot.name}' is absent")
    for given in inputs:
        if given is not None:
            rules.check_size(given)
    return inputs


RULES: dict[OpKind, Callable[..., TensorType]] = {
    **filtered.RULES,
    **elementwise.RULES,
    **pools.RULES,
    **shapes.RULES,
}
