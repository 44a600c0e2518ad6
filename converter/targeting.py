"""A model on a device that is not this machine: which kernels it gets there, what they take and how long they may
need. Memory is the same account that the interpreter holds to its limit; latency is an estimate.

``xlite convert --target`` and ``xlite inspect --target`` both ask here.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

from xlite.converter.codegen.targets import COMPILE_TARGETS
from xlite.converter.codegen.trim import workspace
from xlite.interpreter import TARGETS, Resolver, Target, costs, memory, planner
from xlite.interpreter.kernels.base import Kernel, OpSpec
from xlite.interpreter.kernels.c import isa, unavailable_reason
from xlite.interpreter.kernels.c.elsewhere import on_isa
from xlite.interpreter.program import Draft, fitting
from xlite.interpreter.resolver import Choice
from xlite.schema import load_model
from xlite.schema.contracts import with_optional_inputs
from xlite.schema.errors import BackendError, KernelError
from xlite.schema.records import replace
from xlite.schema.types import Model, Op, Plan

_TILES = ("neon",)  # instruction sets whose kernels keep weights in register tiles
_C = "c"
# Cores whose float kernels have no tiles; of a Target of one's own with another core nobody knows.
_SMALL = frozenset(TARGETS[name].isa for name, known in COMPILE_TARGETS.items() if known.small)


@dataclass(frozen=True)
class KindCost:
    """All ops of one class: how many, their multiply-accumulates, what they cost and their share of the total;
    None where that is not known."""

    kind: str
    ops: int
    macs: int
    cost: Optional[float]
    share: Optional[float]


@dataclass(frozen=True)
class Latency:
    """An estimate of one run. ``total`` is in ``unit``; ``milliseconds`` takes an instruction a clock cycle,
    which no core reaches in all of a network, and is None where the clock is not known. ``ops``: cost of each
    op, None where no op like it was measured: ``unknown`` counts those. Where they are most of the ops or of the
    multiply-accumulates, ``total`` is None too, and ``reason`` says why. ``source``: the command that measured the
    figures."""

    unit: str
    source: str
    total: Optional[float]
    milliseconds: Optional[float]
    kinds: list[KindCost]
    ops: list[Optional[float]]
    unknown: int
    reason: str = ""
    estimate: bool = True


@dataclass(frozen=True)
class OnTarget:
    """``memory``: what counts against the target's RAM, by kind; ``needed_bytes`` is its sum.
    ``flash_needed_bytes``: of the weights, None where they are in RAM. ``note``: what is not known of the target
    here."""

    name: str
    description: str
    isa: str
    runtime: str
    has_fpu: bool
    clock_hz: int
    ram_bytes: Optional[int]
    flash_bytes: Optional[int]
    base_bytes: int
    memory: dict[str, int]
    needed_bytes: int
    flash_needed_bytes: Optional[int]
    fits: bool
    kernels: list[str]
    latency: Optional[Latency]
    note: str = ""


def file_on_target(data: bytes, target: Target) -> OnTarget:
    """What the .xlite file of these bytes needs on ``target``: :func:`on_target` of the file when it is mapped."""
    pages = mmap.mmap(-1, len(data))
    pages.write(data)
    model = load_model(pages)
    plan = model.plan if model.plan is not None else planner.plan(model)
    return on_target(model, plan, specs_of(model), target)


def specs_of(model: Model) -> list[OpSpec]:
    """Every op with the types of its operands."""
    return [_spec(model, op) for op in model.ops]


def _spec(model: Model, op: Op) -> OpSpec:
    indices = with_optional_inputs(op.kind, op.inputs)
    inputs = tuple(None if t < 0 else model.tensors[t].type for t in indices)
    return OpSpec(op, inputs, tuple(model.tensors[t].type for t in op.outputs))


def on_target(model: Model, plan: Plan, specs: Sequence[OpSpec], target: Target) -> OnTarget:
    """What a verified model needs on ``target`` and how long a run may take there."""
    limit = memory.make_limit(None, target)
    kernels = KernelsThere(target)
    choices = [next(kernels.candidates(spec), None) for spec in specs]
    account = _account(model, plan, specs, choices)
    if limit.excess(account) and None not in choices:  # there the fastest kernels give way too
        types = tuple(tensor.type for tensor in model.tensors)
        draft = Draft(model, 1, types, plan, tuple(specs))
        choices = list(fitting(kernels, draft, True, limit, _figures(target)))
        account = _account(model, plan, specs, choices)
    rows = [row for row in account.rows() if row[1]]
    if not target.weights_in_ram:
        rows = [("arena", account.arena), ("workspace", account.workspace)]
    elif target.base_bytes:
        rows.append(("Python itself", target.base_bytes))
    needed = sum(size for _, size in rows)
    fits = not limit.excess(account) and not limit.flash_excess(account)
    return OnTarget(
        name=target.name,
        description=target.description,
        isa=target.isa,
        runtime=target.runtime,
        has_fpu=target.has_fpu,
        clock_hz=target.clock_hz,
        ram_bytes=target.ram_bytes,
        flash_bytes=target.flash_bytes,
        base_bytes=target.base_bytes,
        memory=dict(rows),
        needed_bytes=needed,
        flash_needed_bytes=None if target.weights_in_ram else account.weights,
        fits=fits,
        kernels=["" if choice is None else choice.kernel.name for choice in choices],
        latency=_latency(specs, choices, target),
        note=_note(specs, choices, target),
    )


def _account(
    model: Model, plan: Plan, specs: Sequence[OpSpec], choices: Sequence[Optional[Choice]]
) -> memory.Account:
    known = [(spec, choice.kernel) for spec, choice in zip(specs, choices) if choice is not None]
    types = [tensor.type for tensor in model.tensors]
    return memory.account(model, plan, [spec for spec, _ in known], [kernel for _, kernel in known], types)


class KernelsThere:
    """What a resolver is on the target: the C library's kernels, since a target has it, as its core has them."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._host = target.name == costs.HOST
        self._small = target.runtime == "c" and target.isa in _SMALL
        try:
            self._resolver = Resolver() if self._host else Resolver(_C)
        except BackendError:
            self._resolver = Resolver("numpy")

    def candidates(self, spec: OpSpec) -> Iterator[Choice]:
        """The preferred kernel first; none for an op that nobody can compute. On a microcontroller there is one,
        that with the least scratch, as its reader of files takes. Where this machine has no C library, the
        reference's stand in for its kernels."""
        try:
            found = list(self._resolver.candidates(spec))
        except KernelError:
            return
        if self._host:
            yield from found
            return
        tiles = any(name in self._target.isa for name in _TILES)
        own = [choice.kernel for choice in found if choice.kernel.backend == _C]
        own = on_isa([k for k in own if tiles or costs.family(k) != costs.TILED], spec, self._target.isa)
        if self._target.runtime == "c":
            least = min(own, key=lambda kernel: kernel.workspace(spec), default=None)
            if least is not None:
                yield Choice(self._there(least), _C)
            return
        yield from (Choice(kernel, _C) for kernel in own)
        yield from (choice for choice in found if choice.kernel.backend != _C)

    def _there(self, kernel: Kernel) -> Kernel:
        """With the scratch that it takes where the C library is compiled for a microcontroller's core."""
        small = self._small
        return replace(kernel, workspace=lambda spec: workspace(kernel.name, kernel.workspace(spec), small))


def _figures(target: Target) -> Optional[costs.Figures]:
    return costs.figures(costs.HOST if target.name == costs.HOST else target.isa)


def _note(specs: Sequence[OpSpec], choices: Sequence[Optional[Choice]], target: Target) -> str:
    missing = sum(choice is None for choice in choices)
    if missing:
        return f"{missing} ops have no kernel there; their memory and time are not counted"
    if target.name == costs.HOST:
        return ""
    if any(choice is not None and choice.kernel.backend == "numpy" for choice in choices):
        return "the C library is not built here: the scratch of its kernels is not counted"
    if any(choice is not None and costs.family(choice.kernel) == costs.TILED for choice in choices):
        return (
            f"prepacked weights and scratch are those of {isa()[0]}, this machine's; the device's differ a little"
        )
    return ""


def _latency(specs: Sequence[OpSpec], choices: Sequence[Optional[Choice]], target: Target) -> Optional[Latency]:
    """None where nothing was measured for the target's instruction set."""
    known = _figures(target)
    if known is None:
        return None
    found = [
        None if choice is None else costs.estimate(spec, choice.kernel, known)
        for spec, choice in zip(specs, choices)
    ]
    unknown = sum(cost is None for cost in found)
    total = sum(cost for cost in found if cost is not None) if _mostly_known(specs, found) else None
    reason = ""
    if total is None:
        reason = unavailable_reason() or f"{unknown} of {len(specs)} ops are like none that was measured"
    return Latency(
        unit=known.unit,
        source=known.source,
        total=total,
        milliseconds=_milliseconds(total, known.unit, target.clock_hz),
        kinds=_kinds(specs, found, total),
        ops=found,
        unknown=unknown,
        reason=reason,
    )


def _mostly_known(specs: Sequence[OpSpec], found: Sequence[Optional[float]]) -> bool:
    """Whether the sum of what is known says anything about the whole."""
    macs = [costs.work(spec).macs for spec in specs]
    known = [count for count, cost in zip(macs, found) if cost is not None]
    return 2 * len(known) >= len(macs) and 2 * sum(known) >= sum(macs)


def _milliseconds(total: Optional[float], unit: str, clock_hz: int) -> Optional[float]:
    if total is None:
        return None
    if unit == "ns":
        return total / 1e6
    return 1e3 * total / clock_hz if clock_hz else None


def _kinds(specs: Sequence[OpSpec], found: Sequence[Optional[float]], total: Optional[float]) -> list[KindCost]:
    """Sums by class of op, the dearest first."""
    sums: dict[str, tuple[int, int, Optional[float]]] = {}
    for spec, cost in zip(specs, found):
        done = costs.work(spec)
        ops, macs, sum_ = sums.get(done.key, (0, 0, None))
        sums[done.key] = ops + 1, macs + done.macs, sum_ if cost is None else (sum_ or 0.0) + cost
    rows = []
    for key, (ops, macs, cost) in sums.items():
        share = None if cost is None or total is None else cost / total if total else 0.0
        rows.append(KindCost(key, ops, macs, cost, share))
    return sorted(rows, key=lambda row: -(row.cost or 0.0))
