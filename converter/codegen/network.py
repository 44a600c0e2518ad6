"""A model made ready to be written as C: its calls, what they use, and where everything lies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Union

from xlite.converter.codegen.arena import Layout
from xlite.converter.codegen.bands import Bands
from xlite.converter.codegen.calls import Call, make_calls
from xlite.converter.codegen.fusing import fuse
from xlite.converter.codegen.literals import FunctionNames
from xlite.converter.codegen.options import Options
from xlite.converter.codegen.scores import Scores, with_scores
from xlite.converter.codegen.trim import workspace
from xlite.schema.types import Model, OpKind


@dataclass(frozen=True)
class Placed:
    """What runs at once, one op or a chain of ops by bands, and where its scratch lies in the arena."""

    work: Union[Call, Bands]
    scratch_at: int

    @property
    def calls(self) -> tuple[Call, ...]:
        return self.work.calls if isinstance(self.work, Bands) else (self.work,)


@dataclass(frozen=True)
class Network:
    """model: with the scores that were asked for. scores: what was left out of it. constants: tensors, ascending.
    functions: those that parameters hold."""

    model: Model
    options: Options
    scores: Scores
    steps: tuple[Placed, ...]
    constants: tuple[int, ...]
    layout: Layout
    functions: FunctionNames

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(call for step in self.steps for call in step.calls)

    @property
    def small(self) -> bool:
        return self.options.small

    @property
    def arena_bytes(self) -> int:
        """At least 16: C has no empty arrays."""
        return max(self.layout.arena_bytes, 16)

    @property
    def weight_bytes(self) -> int:
        return sum(self.model.tensors[t].type.nbytes for t in self.constants)


def make_network(model: Model, options: Options) -> Network:
    """Chooses kernels and places everything. Raises KernelError for an op that C cannot compute, and Error for
    options that the model does not allow."""
    model, scores = with_scores(model, options.scores)
    functions = FunctionNames()
    small = options.small
    made = make_calls(model, functions, options.custom)
    calls = [replace(c, workspace=workspace(c.function, c.workspace, small)) for c in made]
    cut, layout = fuse(model, calls, options.row_bands)
    placed = tuple(
        Placed(work, scratch) for work, scratch in zip(cut, layout.scratch) if not _is_nothing(work, layout)
    )
    used = {t for step in placed for call in step.calls for t in call.inputs if t >= 0}
    constants = tuple(t for t in sorted(used) if model.tensors[t].is_constant)
    return Network(model, options, scores, placed, constants, layout, functions)


def _is_nothing(call: Union[Call, Bands], layout: Layout) -> bool:
    """A reshape whose output took its input's place."""
    if isinstance(call, Bands) or call.spec.kind is not OpKind.RESHAPE or call.function != "xl_reshape_copy":
        return False
    return layout.offsets[call.inputs[0]] == layout.offsets[call.output]
