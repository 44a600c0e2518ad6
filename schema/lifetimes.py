"""When each activation is alive, counted in ops: what the planner packs by and the verifier holds a plan to."""

from __future__ import annotations

from xlite.schema.records import TYPE_CHECKING
from xlite.schema.types import Model

if TYPE_CHECKING:
    from typing import Optional

Lifetime = tuple[int, int]


def lifetimes(model: Model) -> list[Optional[Lifetime]]:
    """(first, last) op index, both included, for each tensor of ``model``; None for constants.

    ``first`` is the op that writes the tensor, ``last`` the last op that reads it (the writer itself if none
    does). A graph output is alive to ``len(model.ops)``. A graph input is alive from -1 to ``len(model.ops)``:
    its memory is never reused, so that ``invoke`` can run again without the input being set again. A tensor
    that no op writes and that is no graph input has no lifetime either (the verifier refuses it).

    Tensors a and b must not share memory if ``a.first <= b.last and b.first <= a.last``, except an op's output
    with one of ``contracts.inplace_inputs`` whose ``last`` is that op.

    Expects tensor indices in range; -1 among an op's inputs is an absent one.
    """
    spans: list[Optional[Lifetime]] = [None] * len(model.tensors)
    end = len(model.ops)
    for index, op in enumerate(model.ops):
        for tensor in op.outputs:
            spans[tensor] = (index, index)
        for tensor in op.inputs:
            span = spans[tensor] if tensor >= 0 else None
            if span is not None:
                spans[tensor] = (span[0], index)
    for tensor in model.outputs:
        span = spans[tensor]
        if span is not None:
            spans[tensor] = (span[0], end)
    for tensor in model.inputs:
        spans[tensor] = (-1, end)
    return [None if t.is_constant else span for t, span in zip(model.tensors, spans)]
