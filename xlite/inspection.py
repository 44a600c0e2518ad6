"""What is in a .xlite file: ops, tensors, multiply-accumulates, the arena over time. Plain data, for a table, for
JSON or for a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Optional, Union

from xlite.converter.targeting import OnTarget, on_target, specs_of
from xlite.interpreter import Resolver, Target, memory, planner
from xlite.interpreter.kernels.base import OpSpec
from xlite.interpreter.resolver import Choice
from xlite.schema.errors import KernelError
from xlite.schema.macs import op_macs
from xlite.schema.types import DType, Model, Plan


@dataclass(frozen=True)
class TensorRow:
    """One tensor. ``bits``: of one element; ``bytes``: of all as they are stored; ``offset``: its place in the
    arena in bytes, None for a constant."""

    index: int
    name: str
    type: str
    shape: tuple[int, ...]
    bits: int
    bytes: int
    constant: bool
    offset: Optional[int]


@dataclass(frozen=True)
class OpRow:
    """One op. ``precision`` and ``macs`` (of one sample) are empty and 0 where it multiplies nothing;
    ``weight_bytes``: its constants; ``live_bytes``: of the arena, while it runs; ``note``: why its kernel is not
    of the wanted backend."""

    index: int
    name: str
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_type: str
    output_type: str
    precision: str
    macs: int
    weight_bytes: int
    live_bytes: int
    kernel: str
    backend: str
    note: str


@dataclass(frozen=True)
class Inspection:
    """A whole file. ``memory`` is what the interpreter would allocate here, by kind."""

    file_bytes: int
    format_version: str
    metadata: dict[str, Any]
    inputs: list[int]
    outputs: list[int]
    ops: list[OpRow]
    tensors: list[TensorRow]
    macs: dict[str, int]
    arena_bytes: int
    arena_lower_bound: int
    memory: dict[str, int]
    target: Optional[OnTarget] = None

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for ``json.dumps``."""
        return asdict(self)

    @property
    def peak(self) -> Optional[OpRow]:
        """The op that needs most of the arena (the first of them); None in a model without ops."""
        return max(self.ops, key=lambda row: row.live_bytes, default=None)


def inspect(model: Model, file_bytes: int, resolver: Resolver, target: Optional[Target] = None) -> Inspection:
    """Reads everything off a verified model, with the kernels that ``resolver`` has for it on this machine.

    An op that no kernel can compute (a custom op) is listed all the same. ``target``: what the model needs there,
    whether it fits and how long a run may take are added.
    """
    plan = model.plan if model.plan is not None else planner.plan(model)
    specs = specs_of(model)
    choices = [_choice(resolver, spec) for spec in specs]
    ops = _op_rows(model, plan, choices)
    macs: dict[str, int] = {}
    for row in ops:
        if row.macs:
            macs[row.precision] = macs.get(row.precision, 0) + row.macs
    known = [(spec, choice.kernel) for spec, choice in zip(specs, choices) if isinstance(choice, Choice)]
    types = [tensor.type for tensor in model.tensors]
    account = memory.account(model, plan, [spec for spec, _ in known], [kernel for _, kernel in known], types)
    return Inspection(
        file_bytes=file_bytes,
        format_version=f"{model.version_major}.{model.version_minor}",
        metadata=asdict(model.metadata),
        inputs=list(model.inputs),
        outputs=list(model.outputs),
        ops=ops,
        tensors=[_tensor_row(model, index, plan.offsets[index]) for index in range(len(model.tensors))],
        macs=macs,
        arena_bytes=plan.arena_bytes,
        arena_lower_bound=plan.lower_bound,
        memory=dict(account.rows()),
        target=None if target is None else on_target(model, plan, specs, target),
    )


def _choice(resolver: Resolver, spec: OpSpec) -> Union[Choice, str]:
    """The kernel, or why there is none."""
    try:
        return resolver.resolve(spec)
    except KernelError as error:
        return str(error)


def _op_rows(model: Model, plan: Plan, choices: Sequence[Union[Choice, str]]) -> list[OpRow]:
    rows = []
    for live, op, choice in zip(planner.timeline(model, plan), model.ops, choices):
        tensors = [model.tensors[t] for t in op.inputs if t >= 0]
        precision, macs = op_macs(model, op)
        row = OpRow(
            index=live.op,
            name=op.name,
            kind=op.label,
            inputs=op.inputs,
            outputs=op.outputs,
            input_type=str(next((t.type for t in tensors if not t.is_constant), "")),
            output_type=str(model.tensors[op.outputs[0]].type),
            precision=precision,
            macs=macs,
            weight_bytes=sum(t.type.nbytes for t in tensors if t.is_constant),
            live_bytes=live.live_bytes,
            kernel=choice.kernel.name if isinstance(choice, Choice) else "",
            backend=choice.kernel.backend if isinstance(choice, Choice) else "",
            note=choice.note if isinstance(choice, Choice) else choice,
        )
        rows.append(row)
    return rows


def _tensor_row(model: Model, index: int, offset: int) -> TensorRow:
    tensor = model.tensors[index]
    type_ = tensor.type
    return TensorRow(
        index=index,
        name=tensor.name,
        type=type_.dtype.short,
        shape=type_.shape,
        bits=1 if type_.dtype is DType.BIT else 8 * type_.dtype.numpy.itemsize,
        bytes=type_.nbytes,
        constant=tensor.is_constant,
        offset=None if tensor.is_constant else offset,
    )
