"""A model on a device that is not this machine: which kernels it gets there, what they take and how long they may
need. Memory is the same account that the interpreter holds to its limit; latency is an estimate."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from xlite.converter.codegen.targets import COMPILE_TARGETS
from xlite.converter.codegen.trim import workspace
from xlite.interpreter import TARGETS, Resolver, Target, costs, memory
from xlite.interpreter.kernels.base import Kernel, OpSpec
from xlite.interpreter.kernels.c import isa, lookup
from xlite.interpreter.resolver import Choice
from xlite.schema.errors import BackendError, KernelError
from xlite.schema.records import replace
from xlite.schema.types import DType, Model, OpKind, Plan

_TILES = ("neon",)  # instruction sets whose kernels keep weights in register tiles
_C = "c"
# Cores whose float kernels have no tiles; of a Target of one's own with another core nobody knows.
_SMALL = frozenset(TARGETS[name].isa for name, known in COMPILE_TARGETS.items() if known.small)


@dataclass(frozen=True)
class KindCost:
    """All ops of one class: how many, their multiply-accumulates, what they cost and their share of the total."""

    kind: str
    ops: int
    macs: int
    cost: float
    share: float


@dataclass(frozen=True)
class Latency:
    """An estimate of one run. ``total`` is in ``unit``; ``milliseconds`` takes an instruction a clock cycle,
    which no core reaches in all of a network, and is None where the clock is not known. ``ops``: cost of each
    op, None where no op like it was measured: ``unknown`` counts those. ``source``: the command that measured
    the figures."""

    unit: str
    source: str
    total: float
    milliseconds: Optional[float]
    kinds: list[KindCost]
    ops: list[Optional[float]]
    unknown: int
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


def on_target(model: Model, plan: Plan, specs: Sequence[OpSpec], target: Target, resolver: Resolver) -> OnTarget:
    """What a verified model needs on ``target`` and how long a run may take there."""
    limit = memory.make_limit(None, target)
    choices = [kernel_there(resolver, spec, target) for spec in specs]
    account = _account(model, plan, specs, choices, target)
    if limit.excess(account):  # there the fastest kernels give way too
        choices = [kernel_there(resolver, spec, target, lean=True) for spec in specs]
        account = _account(model, plan, specs, choices, target)
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
    model: Model, plan: Plan, specs: Sequence[OpSpec], choices: Sequence[Optional[Choice]], target: Target
) -> memory.Account:
    known = [(spec, _there(choice.kernel, target)) for spec, choice in zip(specs, choices) if choice is not None]
    types = [tensor.type for tensor in model.tensors]
    return memory.account(model, plan, [spec for spec, _ in known], [kernel for _, kernel in known], types)


def _there(kernel: Kernel, target: Target) -> Kernel:
    """With the scratch that it takes on the target, where the C library is compiled for another core."""
    small = target.runtime == "c" and target.isa in _SMALL
    return replace(kernel, workspace=lambda spec: workspace(kernel.name, kernel.workspace(spec), small))


def kernel_there(resolver: Resolver, spec: OpSpec, target: Target, lean: bool = False) -> Optional[Choice]:
    """The kernel that an op gets on the target; None for an op that nobody can compute. lean: the one that takes
    the least memory in place of the fastest.

    Those of the C library, since a target has it: in register tiles where its instruction set has such, of what is
    there in C alone the first else. On a microcontroller the one with the least scratch, as its reader of files
    takes.
    """
    try:
        found = list(resolver.candidates(spec))
    except KernelError:
        return None
    if target.name == costs.HOST and not lean:
        return found[0]
    tiles = target.name == costs.HOST or any(name in target.isa for name in _TILES)
    fitting = [c for c in found if c.kernel.backend == _C and (tiles or costs.family(c.kernel) != costs.TILED)]
    if not fitting:
        return None if target.runtime == "c" else found[-1]
    if target.runtime == "c" or lean:
        return min(fitting, key=lambda choice: choice.kernel.workspace(spec) + choice.kernel.prepacked(spec))
    return fitting[0]


def target_resolver(target: Target) -> Resolver:
    """Of the C library where this machine has it, whatever the target is; else of the reference."""
    if target.name == costs.HOST:
        return Resolver()
    try:
        return Resolver(_C)
    except BackendError:
        return Resolver("numpy")


def _note(specs: Sequence[OpSpec], choices: Sequence[Optional[Choice]], target: Target) -> str:
    missing = sum(choice is None for choice in choices)
    if missing:
        return f"{missing} ops have no kernel there; their memory and time are not counted"
    if target.name == costs.HOST:
        return ""
    if any(choice is not None and choice.kernel.backend == "numpy" for choice in choices):
        return "the C library is not built here: the scratch of its kernels is not counted"
    if any(_may_look_up(spec, target) or _may_pair(spec, target) for spec in specs):
        return "on the device convolutions of bits and of integers have kernels that take 60 to 96 KiB of scratch"
    if any(choice is not None and costs.family(choice.kernel) == costs.TILED for choice in choices):
        return (
            f"prepacked weights and scratch are those of {isa()[0]}, this machine's; the device's differ a little"
        )
    return ""


def _may_look_up(spec: OpSpec, target: Target) -> bool:
    """Whether ARMv6, which has no popcount, may take a kernel for it that this machine has no use for."""
    x, filters = (*spec.inputs[:2], None, None)[:2]
    bits = x is not None and filters is not None and x.dtype is filters.dtype is DType.BIT
    return _elsewhere(target) and spec.kind is OpKind.CONV_2D and bits and lookup.takes(spec)


def _may_pair(spec: OpSpec, target: Target) -> bool:
    """Whether ARMv6 multiplies its integers in pairs, for which it widens them first."""
    dtypes = {x.dtype for x in spec.inputs[:2] if x is not None}
    return _elsewhere(target) and spec.kind is OpKind.CONV_2D and bool(dtypes & {DType.INT8, DType.UINT8})


def _elsewhere(target: Target) -> bool:
    """Whether the target is an ARMv6 and this machine is none."""
    return target.isa.startswith("armv6+") and platform.machine() != "armv6l"


def _latency(specs: Sequence[OpSpec], choices: Sequence[Optional[Choice]], target: Target) -> Optional[Latency]:
    """None where nothing was measured for the target's instruction set."""
    known = costs.figures(costs.HOST if target.name == costs.HOST else target.isa)
    if known is None:
        return None
    found = [
        None if choice is None else _estimate(spec, choice.kernel, known, target)
        for spec, choice in zip(specs, choices)
    ]
    total = sum(cost for cost in found if cost is not None)
    return Latency(
        unit=known.unit,
        source=known.source,
        total=total,
        milliseconds=_milliseconds(total, known.unit, target.clock_hz),
        kinds=_kinds(specs, found, total),
        ops=found,
        unknown=sum(cost is None for cost in found),
    )


def _estimate(spec: OpSpec, kernel: Kernel, known: costs.Figures, target: Target) -> Optional[float]:
    """Of the kernel, or of the look-up that the device has and takes where that is faster."""
    found = costs.estimate(spec, kernel, known)
    if found is None or not _may_look_up(spec, target):
        return found
    looked_up = costs.estimate(spec, lookup.KERNELS[0], known)
    return found if looked_up is None else min(found, looked_up)


def _milliseconds(total: float, unit: str, clock_hz: int) -> Optional[float]:
    if unit == "ns":
        return total / 1e6
    return 1e3 * total / clock_hz if clock_hz else None


def _kinds(specs: Sequence[OpSpec], found: Sequence[Optional[float]], total: float) -> list[KindCost]:
    """Sums by class of op, the dearest first."""
    sums: dict[str, tuple[int, int, float]] = {}
    for spec, cost in zip(specs, found):
        done = costs.work(spec)
        ops, macs, sum_ = sums.get(done.key, (0, 0, 0.0))
        sums[done.key] = ops + 1, macs + done.macs, sum_ + (cost or 0.0)
    rows = [
        KindCost(key, ops, macs, cost, cost / total if total else 0.0) for key, (ops, macs, cost) in sums.items()
    ]
    return sorted(rows, key=lambda row: -row.cost)
