"""What a model needs in memory, to the byte and before any of it is allocated, and the limit it is held to.

The account counts what the model adds to a process: the arena, the workspace, prepacked weights and the weights.
Those of a file that is mapped are pages of that file, read in place: they are in memory while somebody looks at
them, and the system may drop them at any time without a loss. They count all the same, since a model whose
weights do not stay in memory reads its file anew in every run. What a process takes without the model, Python
and what it has imported, is not the model's; :func:`xlite.interpreter.process.resident` says how much that is.
"""

from __future__ import annotations

import math
import mmap
import re
from collections.abc import Sequence
from numbers import Integral

from xlite.interpreter import process
from xlite.interpreter.kernels.base import Kernel, OpSpec
from xlite.interpreter.targets import Target, host_ram, isa_here, machine
from xlite.schema.errors import Error
from xlite.schema.naming import quoted
from xlite.schema.records import TYPE_CHECKING, record, replace
from xlite.schema.types import WORD_BITS, DType, Model, Plan, Tensor, TensorType

if TYPE_CHECKING:
    from typing import Optional, Union

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}


@record(frozen=True)
class Item:
    """One thing that takes memory. ``kind``: arena, workspace, prepacked or weights."""

    kind: str
    name: str
    bytes: int


@record(frozen=True)
class Account:
    """Bytes by kind, and the items behind them, the biggest first. Items of one kind need not sum to its bytes:
    tensors share the arena and ops share the workspace.

    weights: constants, each byte once however many tensors share it. mapped: pages of the mapped file that stay
    in memory, its tables and the ends of pages included; 0 where the model does not lie in a mapped file.
    loading: what packing weights takes for a moment beyond all that a run takes.
    """

    arena: int
    workspace: int
    prepacked: int
    weights: int
    items: tuple[Item, ...]
    mapped: int = 0
    loading: int = 0

    @property
    def ram(self) -> int:
        """What the interpreter allocates; weights stay in the mapped file or in flash."""
        return self.arena + self.workspace + self.prepacked

    @property
    def total(self) -> int:
        """Where weights are in memory too: all that the model adds to a process at its peak."""
        return self.ram + (self.mapped or self.weights) + self.loading

    def rows(self) -> list[tuple[str, int]]:
        """(what, bytes), for a table; they sum to :attr:`total`."""
        rows = [("arena", self.arena), ("workspace", self.workspace), ("prepacked weights", self.prepacked)]
        rows.append(("mapped file", self.mapped) if self.mapped else ("weights", self.weights))
        return [*rows, ("while loading", self.loading)] if self.loading else rows


@record(frozen=True)
class Limit:
    """Bytes that a model may use. ``flash``: None where weights count as RAM. ``source`` names the limit in
    messages; ``base``: what of the source's memory is Python's own and ``ram`` has no more. ``elsewhere``: the
    name of the target whose memory it is, where that has other kernels than this machine."""

    ram: Optional[int] = None
    flash: Optional[int] = None
    source: str = ""
    weights_in_ram: bool = True
    base: int = 0
    elsewhere: str = ""

    def counted(self, account: Account) -> int:
        """Bytes of the account that are held to ``ram``."""
        return account.total if self.weights_in_ram else account.ram

    def excess(self, account: Account) -> int:
        """Bytes of RAM that the account has too many; 0 if it fits."""
        return 0 if self.ram is None else max(0, self.counted(account) - self.ram)

    def flash_excess(self, account: Account) -> int:
        return 0 if self.flash is None else max(0, account.weights - self.flash)


def parse_size(size: Union[int, str]) -> int:
    """Bytes from an int or from text such as ``"64MiB"``, ``"430 MB"`` or ``"1.5 GiB"`` (KB, MB and GB are
    powers of 1000, KiB, MiB and GiB powers of 1024). Raises Error for anything else."""
    if isinstance(size, Integral) and not isinstance(size, bool) and size >= 0:
        return int(size)
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", size) if isinstance(size, str) else None
    if match is None or match.group(2).upper() not in _UNITS:
        raise Error(f"{size!r} is no size in memory: write a number of bytes or text such as '64MiB' or '430 MB'")
    return int(float(match.group(1)) * _UNITS[match.group(2).upper()])


def format_size(size: int) -> str:
    """``size`` bytes for a reader: ``640 B``, ``12.5 KiB``, ``1.2 MiB``."""
    if size < 1024:
        return f"{size} B"
    value = float(size)
    for unit in ("KiB", "MiB", "GiB"):
        value /= 1024
        if value < 1024 or unit == "GiB":
            break
    return f"{value:.1f} {unit}"


def make_limit(memory_limit: Union[int, str, None], target: Optional[Target]) -> Limit:
    """The limit that counts: ``memory_limit`` where it is given, else the target's RAM less what Python takes of
    it there, else this machine's (a file must not be able to ask for more)."""
    flash = None if target is None else target.flash_bytes
    in_ram = target is None or target.weights_in_ram
    if memory_limit is not None:
        return Limit(parse_size(memory_limit), flash, "memory_limit", in_ram)
    if target is not None and target.ram_bytes is not None:
        left = max(0, target.ram_bytes - target.base_bytes)
        elsewhere = "" if target.isa.lower() in (isa_here(), machine().lower()) else target.name
        return Limit(left, flash, f"target '{target.name}'", in_ram, target.base_bytes, elsewhere)
    return Limit(host_ram(), flash, "this machine", in_ram)


# -- the account ---------------------------------------------------------------------------------------------


def account(
    model: Model, plan: Plan, specs: Sequence[OpSpec], kernels: Sequence[Kernel], types: Sequence[TensorType]
) -> Account:
    """Adds up what ``model`` needs with this plan and these kernels (one an op)."""
    items = []
    needs = [(kernel.workspace(spec), kernel.prepacked(spec)) for spec, kernel in zip(specs, kernels)]
    for spec, kernel, (scratch, packed) in zip(specs, kernels, needs):
        name = f"{quoted(spec.op.name or spec.op.label)} ({kernel.name})"
        items += [Item("workspace", name, scratch), Item("prepacked", name, packed)]
    for tensor, type_, offset in zip(model.tensors, types, plan.offsets):
        if tensor.is_constant:
            items.append(Item("weights", quoted(tensor.name), type_.nbytes))
        elif offset >= 0:
            items.append(Item("arena", f"{quoted(tensor.name)} {type_}", type_.nbytes))
    items = sorted((item for item in items if item.bytes), key=lambda item: -item.bytes)
    workspace = max((scratch for scratch, _ in needs), default=0)
    prepacked = sum(packed for _, packed in needs)
    weights = process.total(process.union(process.extent(t.data) for t in model.tensors if t.data is not None))
    mapped = map_bytes(model)
    found = Account(plan.arena_bytes, workspace, prepacked, weights, tuple(items))
    if not mapped:
        return found
    consumed = consumed_pages(model, specs, kernels)
    mapped -= process.total(process.union(page for pages in consumed for page in pages))
    run, load = found.ram + mapped, _checked_pages(model.tensors)
    packed_so_far = 0
    for i in loading_order(consumed):
        packed_so_far += needs[i][1]
        load = max(load, packed_so_far + process.total(consumed[i]))
    return replace(found, mapped=mapped, loading=max(0, load - run))


def map_bytes(model: Model) -> int:
    """Bytes of the pages of the mapped file in which the model's constants lie; 0 if they lie in none."""
    map_ = file_map(model)
    return 0 if map_ is None else -(-len(map_) // process.PAGE) * process.PAGE


def file_map(model: Model) -> Optional[mmap.mmap]:
    """The map of the file in which the model's constants lie, or None."""
    data = next((t.data for t in model.tensors if t.data is not None and t.data.nbytes), None)
    return None if data is None else process.file_map(data)


def consumed_pages(model: Model, specs: Sequence[OpSpec], kernels: Sequence[Kernel]) -> list[list[process.Extent]]:
    """For each op the pages of the mapped file that nobody reads once the op is prepared. An op that shares them
    with an earlier one has them too: it reads them when it is prepared, after they were released."""
    if not process.can_release() or file_map(model) is None:
        return [[] for _ in specs]
    wanted, left = [], []
    for spec, kernel in zip(specs, kernels):
        given = [(slot, model.tensors[t].data) for slot, t in enumerate(spec.op.inputs) if t >= 0]
        constants = [(slot, process.extent(data)) for slot, data in given if data is not None]
        left.append([extent for slot, extent in constants if slot in kernel.consumes])
        wanted += [extent for slot, extent in constants if slot not in kernel.consumes]
    in_place = process.union(wanted)
    return [process.whole_pages(process.without(process.union(extents), in_place)) for extents in left]


def loading_order(consumed: Sequence[Sequence[process.Extent]]) -> list[int]:
    """The order in which ops are prepared: those that look at the most pages first, while few are packed yet."""
    return sorted(range(len(consumed)), key=lambda i: -process.total(consumed[i]))


def _checked_pages(tensors: Sequence[Tensor]) -> int:
    """Bytes of the pages that the file's verifier looks at: the last word of every row that has unused bits."""
    rows = []
    for tensor in tensors:
        if tensor.data is not None and tensor.type.dtype is DType.BIT:
            row = math.prod(tensor.type.shape[len(tensor.type.shape) - tensor.type.packed_axes :])
            if row % WORD_BITS:
                rows.append(process.extent(tensor.data))
    return process.total(process.union(rows, process.PAGE))
