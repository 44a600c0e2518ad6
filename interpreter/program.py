"""A model made ready for one batch size: first on paper (:func:`compile_program`, where every refusal happens),
then in memory (:func:`load_program`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xlite.interpreter import backends, memory, process
from xlite.interpreter.kernels.base import Buffers, OpSpec, Step
from xlite.interpreter.resolver import Choice
from xlite.schema.contracts import ContractError, infer, with_optional_inputs
from xlite.schema.errors import InputError
from xlite.schema.naming import op_name
from xlite.schema.records import TYPE_CHECKING, record, replace
from xlite.schema.types import Model, Plan, Tensor, TensorType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Optional, Protocol

    from xlite.interpreter import selection
    from xlite.interpreter.costs import Figures

    class Candidates(Protocol):
        """A resolver, or what knows the kernels of another machine."""

        def candidates(self, spec: OpSpec) -> Iterator[Choice]: ...


_ARENA_ALIGNMENT = 64  # bytes: a cache line, and enough for any vector load


@record(frozen=True)
class Settings:
    """How programs of one interpreter are made."""

    limit: memory.Limit
    prepack: bool = True
    preserve_all: bool = False
    threads: int = 1


@record(frozen=True)
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


@record(frozen=True)
class Loaded:
    """A program in memory. ``arrays`` has one storage array a tensor, ``steps`` one step an op, ``calls`` the same
    work in as few calls as the backends can join it into. ``base``: bytes of the process that were in memory just
    before, weights that lie in no mapped file among them; None where the system does not say."""

    arrays: tuple[np.ndarray, ...]
    steps: tuple[Step, ...]
    calls: tuple[Step, ...]
    base: Optional[int] = None


def compile_program(model: Model, batch: int, resolver: Candidates, settings: Settings) -> Program:
    """Types, plan, kernels and the memory account for ``batch``.

    Raises InputError where the model cannot run with this batch, KernelError where an op has no kernel and
    MemoryLimitError where the limit is too small.
    """
    draft = _draft(model, batch, settings)
    choices = tuple(_fastest(resolver, spec, settings.prepack) for spec in draft.specs)
    total = draft.account(choices)
    if settings.limit.excess(total):
        choices = fitting(resolver, draft, settings.prepack, settings.limit)
        total = draft.account(choices)
    if settings.limit.excess(total) or settings.limit.flash_excess(total):
        _refuse(draft, resolver, settings, total)
    return Program(model, batch, draft.types, draft.plan, draft.specs, choices, total)


@record(frozen=True)
class Draft:
    """A program before its kernels are chosen."""

    model: Model
    batch: int
    types: tuple[TensorType, ...]
    plan: Plan
    specs: tuple[OpSpec, ...]

    def account(self, choices: Sequence[Choice]) -> memory.Account:
        return memory.account(self.model, self.plan, self.specs, [c.kernel for c in choices], self.types)

    def need(self, choice: Choice, spec: OpSpec, time: float, limit: memory.Limit) -> selection.Need:
        """What a choice costs: ``time``, and bytes beyond :meth:`fixed`, less than none where it gives back pages
        of the file that others read in place. While those are packed they are in memory beside all that is packed
        already, though not yet beside the arena: that is scratch as well."""
        from xlite.interpreter.selection import Need

        kernel = choice.kernel
        kept, scratch = kernel.prepacked(spec), kernel.workspace(spec)
        if limit.weights_in_ram:
            pages = sum(map(process.total, memory.consumed_pages(self.model, [spec], [kernel])))
            kept, scratch = kept - pages, max(scratch, pages - self.plan.arena_bytes)
        return Need(time, kept, scratch)

    def fixed(self, limit: memory.Limit) -> int:
        """Bytes that every choice of kernels needs, with the whole file in place."""
        found = memory.account(self.model, self.plan, (), (), self.types)
        return limit.counted(found)


def _draft(model: Model, batch: int, settings: Settings) -> Draft:
    types = batch_types(model, batch)
    specs = tuple(_spec(op, types, settings.threads) for op in model.ops)
    if model.plan is not None and batch == 1 and not settings.preserve_all:
        plan = model.plan
    else:
        from xlite.interpreter import planner  # files bring a plan, for batch 1

        plan = planner.plan(model, preserve_all=settings.preserve_all, types=types)
    return Draft(model, batch, types, plan, specs)


def _refuse(draft: Draft, resolver: Candidates, settings: Settings, total: memory.Account) -> None:
    """Raises MemoryLimitError with what would make the model fit."""
    from xlite.interpreter.refusal import Case, check

    floor = replace(settings.limit, ram=0)  # where nothing fits, the smallest kernels are chosen

    def smallest(draft: Draft, prepack: bool) -> memory.Account:
        return draft.account(fitting(resolver, draft, prepack, floor))

    check(
        Case(
            draft.model,
            draft.types,
            draft.plan,
            draft.batch,
            total,
            draft.account([_fastest(resolver, spec, settings.prepack) for spec in draft.specs]),
            settings.limit,
            lambda model, batch: smallest(_draft(model, batch, settings), settings.prepack),
            lambda: smallest(draft, False),
        )
    )


def load_program(program: Program) -> Loaded:
    """Allocates the arena and the workspace and prepares every op. Raises MemoryLimitError if the machine has
    not enough memory."""
    map_ = memory.file_map(program.model)
    if map_ is not None:  # what the verifier looked at counts only once a kernel reads it again
        process.release(map_, process.whole_pages([process.extent(np.frombuffer(map_, np.uint8))]))
    base = process.resident()
    try:
        arena = aligned_bytes(program.plan.arena_bytes)
        workspace = aligned_bytes(program.account.workspace)
    except MemoryError:
        from xlite.interpreter.refusal import out_of_memory

        raise out_of_memory(program.account) from None
    offsets = program.plan.offsets
    tensors = program.model.tensors
    arrays = tuple(_array(t, y, arena, o) for t, y, o in zip(tensors, program.types, offsets))
    threads: dict[str, Optional[object]] = {}
    consumed = memory.consumed_pages(program.model, program.specs, [c.kernel for c in program.choices])
    steps: dict[int, Step] = {}
    for i in memory.loading_order(consumed):
        spec, kernel = program.specs[i], program.choices[i].kernel
        indices = with_optional_inputs(spec.kind, spec.op.inputs)
        inputs = tuple(None if t < 0 else arrays[t] for t in indices)
        outputs = tuple(arrays[t] for t in spec.op.outputs)
        if kernel.backend not in threads:
            threads[kernel.backend] = backends.make_threads(kernel.backend, spec.threads)
        buffers = Buffers(inputs, outputs, workspace[: kernel.workspace(spec)], threads[kernel.backend])
        steps[i] = kernel.prepare(spec, buffers)
        if map_ is not None and consumed[i]:
            process.release(map_, consumed[i])
    in_order = tuple(steps[i] for i in range(len(steps)))
    return Loaded(arrays, in_order, tuple(_joined(program.choices, in_order)), base)


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


def _usable(resolver: Candidates, spec: OpSpec, prepack: bool) -> list[Choice]:
    """Candidates in order of preference; without ``prepack`` those that keep no weights of their own, if any."""
    found = list(resolver.candidates(spec))
    lean = [choice for choice in found if choice.kernel.prepacked(spec) == 0]
    return lean if lean and not prepack else found


def _fastest(resolver: Candidates, spec: OpSpec, prepack: bool) -> Choice:
    """The preferred one; without ``prepack`` the first that keeps no weights of its own, if any. It asks for no
    more candidates than it needs: the reference's kernels are imported when they are reached."""
    first = None
    for choice in resolver.candidates(spec):
        if prepack or choice.kernel.prepacked(spec) == 0:
            return choice
        first = first or choice
    assert first is not None  # candidates raises where there are none
    return first


def fitting(
    resolver: Candidates, draft: Draft, prepack: bool, limit: memory.Limit, known: Optional[Figures] = None
) -> tuple[Choice, ...]:
    """The fastest kernels, by an estimate, whose memory fits the limit; where nothing fits, the smallest. known:
    costs of another machine than this one."""
    from xlite.interpreter import costs, selection  # only where a limit bites: most programs never need them

    options = [_usable(resolver, spec, prepack) for spec in draft.specs]
    needs = []
    for spec, choices in zip(draft.specs, options):
        times = costs.rank([choice.kernel for choice in choices], spec, known)
        needs.append([draft.need(choice, spec, time, limit) for choice, time in zip(choices, times)])
    assert limit.ram is not None
    chosen = selection.select(needs, limit.ram - draft.fixed(limit))
    return tuple(_noted(choices, i) for choices, i in zip(options, chosen))


def _noted(choices: Sequence[Choice], index: int) -> Choice:
    if index == 0:
        return choices[0]
    return replace(choices[index], note=f"{choices[0].kernel.name} needs more memory than the limit leaves")
