"""A model made ready for one batch size: first on paper (:func:`compile_program`, where every refusal happens),
then in memory (:func:`load_program`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Optional

import numpy as np

from xlite.interpreter import backends, memory, planner
from xlite.interpreter.kernels.base import Buffers, OpSpec, Step
from xlite.interpreter.resolver import Choice, Resolver
from xlite.schema.contracts import ContractError, infer, with_optional_inputs
from xlite.schema.errors import InputError
from xlite.schema.naming import op_name
from xlite.schema.types import Model, Plan, Tensor, TensorType

_ARENA_ALIGNMENT = 64  # bytes: a cache line, and enough for any vector load


@dataclass(frozen=True)
class Settings:
    """How programs of one interpreter are made."""

    limit: memory.Limit
    prepack: bool = True
    preserve_all: bool = False
    threads: int = 1


@dataclass(frozen=True)
class Program:
    """Everything that is known about a run before memory exists. ``types`` has one entry a tensor, ``specs`` and
    ``choices`` one an op."""

    model: Model
    batch: int
    types: tuple[TensorType, ...]
    plan: Plan
    specs: tuple[OpSpec, ...]
    choices: tuple[Choice, ...]
    account: memory.Account


@dataclass(frozen=True)
class Loaded:
    """A program in memory. ``arrays`` has one storage array a tensor, ``steps`` one step an op, ``calls`` the same
    work in as few calls as the backends can join it into."""

    arrays: tuple[np.ndarray, ...]
    steps: tuple[Step, ...]
    calls: tuple[Step, ...]


def compile_program(model: Model, batch: int, resolver: Resolver, settings: Settings) -> Program:
    """Types, plan, kernels and the memory account for ``batch``.

    Raises InputError where the model cannot run with this batch, KernelError where an op has no kernel and
    MemoryLimitError where the limit is too small.
    """
    types = batch_types(model, batch)
    specs = tuple(_spec(op, types, settings.threads) for op in model.ops)
    if model.plan is not None and batch == 1 and not settings.preserve_all:
        plan = model.plan
    else:
        plan = planner.plan(model, preserve_all=settings.preserve_all, types=types)

    def account(choices: Sequence[Choice]) -> memory.Account:
        return memory.account(model, plan, specs, [c.kernel for c in choices], types)

    choices = tuple(_fastest(resolver, spec, settings.prepack) for spec in specs)
    total = account(choices)
    if settings.limit.excess(total):
        choices = _fitting(resolver, specs, settings.prepack, choices, settings.limit.room(total))
        total = account(choices)
    memory.check(total, settings.limit, batch)
    return Program(model, batch, types, plan, specs, choices, total)


def load_program(program: Program) -> Loaded:
    """Allocates the arena and the workspace and prepares every op. Raises MemoryLimitError if the machine has
    not enough memory."""
    try:
        arena = aligned_bytes(program.plan.arena_bytes)
        workspace = aligned_bytes(program.account.workspace)
    except MemoryError:
        raise memory.out_of_memory(program.account) from None
    offsets = program.plan.offsets
    tensors = program.model.tensors
    arrays = tuple(_array(t, y, arena, o) for t, y, o in zip(tensors, program.types, offsets))
    steps = []
    threads: dict[str, Optional[object]] = {}
    for spec, choice in zip(program.specs, program.choices):
        op = spec.op
        indices = with_optional_inputs(op.kind, op.inputs)
        inputs = tuple(None if t < 0 else arrays[t] for t in indices)
        outputs = tuple(arrays[t] for t in op.outputs)
        scratch = workspace[: choice.kernel.workspace(spec)]
        backend = choice.kernel.backend
        if backend not in threads:
            threads[backend] = backends.make_threads(backend, spec.threads)
        steps.append(choice.kernel.prepare(spec, Buffers(inputs, outputs, scratch, threads[backend])))
    return Loaded(arrays, tuple(steps), tuple(_joined(program.choices, steps)))


def batch_types(model: Model, batch: int) -> tuple[TensorType, ...]:
    """Every tensor's type with another batch. Raises InputError, naming the op, where an op does not allow it."""
    if batch == 1:
        return tuple(tensor.type for tensor in model.tensors)
    types = tuple(t.type if t.is_constant else _with_batch(t.type, batch) for t in model.tensors)
    for index, op in enumerate(model.ops):
        inputs = [None if t < 0 else types[t] for t in op.inputs]
        try:
            outputs = infer(op.kind, inputs, op.options)
            expected = [types[t] for t in op.outputs]
            if outputs is not None and outputs != expected:
                raise ContractError(f"gives {outputs[0]}, not {expected[0]}")
        except ContractError as error:
            raise InputError(f"batch {batch} does not work for {op_name(model, index)}: {error}") from None
    return types


def aligned_bytes(size: int, alignment: int = _ARENA_ALIGNMENT) -> np.ndarray:
    """``size`` zero bytes whose address is a multiple of ``alignment``."""
    block = np.zeros(size + alignment, np.uint8)
    start = -block.ctypes.data % alignment
    return block[start : start + size]


def _with_batch(type_: TensorType, batch: int) -> TensorType:
    return replace(type_, shape=(batch, *type_.shape[1:]))


def _spec(op, types: Sequence[TensorType], threads: int) -> OpSpec:
    indices = with_optional_inputs(op.kind, op.inputs)
    inputs: tuple[Optional[TensorType], ...] = tuple(None if t < 0 else types[t] for t in indices)
    return OpSpec(op, inputs, tuple(types[t] for t in op.outputs), threads)


def _array(tensor: Tensor, type_: TensorType, arena: np.ndarray, offset: int) -> np.ndarray:
    if tensor.data is None:
        return arena[offset : offset + type_.nbytes].view(type_.dtype.numpy).reshape(type_.storage_shape)
    # in the file's own bytes unless they lie where a kernel could not read them
    data = np.require(tensor.data, type_.dtype.numpy, ["C", "A"]).view()
    data.flags.writeable = False
    return data


def _joined(choices: Sequence[Choice], steps: Sequence[Step]) -> list[Step]:
    """Consecutive steps of one backend, joined by that backend."""
    calls: list[Step] = []
    start = 0
    for end in range(1, len(steps) + 1):
        backend = choices[start].kernel.backend
        if end == len(steps) or choices[end].kernel.backend != backend:
            calls += backends.link(backend, steps[start:end])
            start = end
    return calls


# -- choosing kernels that fit ------------------------------------------------------------------------------


def _usable(resolver: Resolver, spec: OpSpec, prepack: bool) -> list[Choice]:
    """Candidates in order of preference; without ``prepack`` those that keep no weights of their own, if any."""
    found = list(resolver.candidates(spec))
    lean = [choice for choice in found if choice.kernel.prepacked(spec) == 0]
    return lean if lean and not prepack else found


def _fastest(resolver: Resolver, spec: OpSpec, prepack: bool) -> Choice:
    choice = resolver.resolve(spec)
    if prepack or choice.kernel.prepacked(spec) == 0:
        return choice
    return _usable(resolver, spec, prepack)[0]


def _fitting(
    resolver: Resolver, specs: Sequence[OpSpec], prepack: bool, fastest: Sequence[Choice], room: int
) -> tuple[Choice, ...]:
    """The fastest kernels whose workspace and prepacked weights fit into ``room`` bytes: every op starts with the
    kernel that needs the least, then takes back its fastest one, in running order, where the total still fits.
    Where nothing fits, the smallest."""
    chosen = [_smallest(resolver, spec, prepack, first) for spec, first in zip(specs, fastest)]
    needs = [_need(choice, spec) for choice, spec in zip(chosen, specs)]
    prepacked = sum(packed for _, packed in needs)
    # the workspace is shared: what counts is the largest, of the ops before (decided) and of those after
    after = [0, *accumulate((scratch for scratch, _ in reversed(needs)), max)][::-1]
    before = 0
    for i, (spec, first) in enumerate(zip(specs, fastest)):
        scratch, packed = _need(first, spec)
        more = packed - needs[i][1]
        if max(before, scratch, after[i + 1]) + prepacked + more <= room:
            chosen[i], needs[i] = first, (scratch, packed)
            prepacked += more
        before = max(before, needs[i][0])
    return tuple(chosen)


def _smallest(resolver: Resolver, spec: OpSpec, prepack: bool, first: Choice) -> Choice:
    best = min(_usable(resolver, spec, prepack), key=lambda choice: sum(_need(choice, spec)))
    if sum(_need(best, spec)) == sum(_need(first, spec)):
        return first
    return replace(best, note=f"{first.kernel.name} needs more memory than the limit leaves")


def _need(choice: Choice, spec: OpSpec) -> tuple[int, int]:
    """Bytes of workspace and of prepacked weights."""
    return choice.kernel.workspace(spec), choice.kernel.prepacked(spec)
