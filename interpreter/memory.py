"""What a model needs in memory, and the limit it is held to before any of it is allocated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional, Union

from xlite.interpreter.kernels.base import Kernel, OpSpec
from xlite.interpreter.targets import Target, host_ram
from xlite.schema.errors import Error, MemoryLimitError
from xlite.schema.naming import quoted
from xlite.schema.types import Model, Plan, TensorType

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
_TABLE_ROWS = 8


@dataclass(frozen=True)
class Item:
    """One thing that takes memory. ``kind``: arena, workspace, prepacked or weights."""

    kind: str
    name: str
    bytes: int


@dataclass(frozen=True)
class Account:
    """Bytes by kind, and the items behind them, the biggest first. Items of one kind need not sum to its bytes:
    tensors share the arena and ops share the workspace."""

    arena: int
    workspace: int
    prepacked: int
    weights: int
    items: tuple[Item, ...]

    @property
    def ram(self) -> int:
        """What the interpreter allocates; weights stay in the mapped file or in flash."""
        return self.arena + self.workspace + self.prepacked

    @property
    def total(self) -> int:
        return self.ram + self.weights

    def rows(self) -> list[tuple[str, int]]:
        """(what, bytes), for a table."""
        return [
            ("arena", self.arena),
            ("workspace", self.workspace),
            ("prepacked weights", self.prepacked),
            ("weights", self.weights),
        ]


@dataclass(frozen=True)
class Limit:
    """Bytes that a model may use. ``flash``: None where weights count as RAM. ``source`` names the limit in
    messages."""

    ram: Optional[int] = None
    flash: Optional[int] = None
    source: str = ""

    def excess(self, account: Account) -> int:
        """Bytes of RAM that the account has too many; 0 if it fits."""
        if self.ram is None:
            return 0
        return max(0, self._counted(account) - self.ram)

    def room(self, account: Account) -> int:
        """Bytes that are left for workspace and prepacked weights; negative if the rest alone is too much."""
        assert self.ram is not None
        return self.ram - self._counted(account) + account.workspace + account.prepacked

    def _counted(self, account: Account) -> int:
        return account.total if self.flash is None else account.ram

    def flash_excess(self, account: Account) -> int:
        return 0 if self.flash is None else max(0, account.weights - self.flash)


def parse_size(size: Union[int, str]) -> int:
    """Bytes from an int or from text such as ``"64MiB"``, ``"430 MB"`` or ``"1.5 GiB"`` (KB, MB and GB are
    powers of 1000, KiB, MiB and GiB powers of 1024). Raises Error for anything else."""
    if isinstance(size, int) and not isinstance(size, bool) and size >= 0:
        return size
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
    """The limit that counts: ``memory_limit`` where it is given, else the target's RAM, else this machine's (a
    file must not be able to ask for more)."""
    flash = None if target is None else target.flash_bytes
    if memory_limit is not None:
        return Limit(parse_size(memory_limit), flash, "memory_limit")
    if target is not None and target.ram_bytes is not None:
        return Limit(target.ram_bytes, flash, f"target '{target.name}'")
    return Limit(host_ram(), flash, "this machine")


def account(
    model: Model, plan: Plan, specs: Sequence[OpSpec], kernels: Sequence[Kernel], types: Sequence[TensorType]
) -> Account:
    """Adds up what ``model`` needs with this plan and these kernels (one an op)."""
    items = []
    workspace = prepacked = 0
    for spec, kernel in zip(specs, kernels):
        name = quoted(spec.op.name or spec.op.label)
        scratch, packed = kernel.workspace(spec), kernel.prepacked(spec)
        workspace = max(workspace, scratch)
        prepacked += packed
        items.append(Item("workspace", f"{name} ({kernel.name})", scratch))
        items.append(Item("prepacked", f"{name} ({kernel.name})", packed))
    weights = 0
    for tensor, type_, offset in zip(model.tensors, types, plan.offsets):
        if tensor.is_constant:
            weights += type_.nbytes
            items.append(Item("weights", quoted(tensor.name), type_.nbytes))
        elif offset >= 0:
            items.append(Item("arena", f"{quoted(tensor.name)} {type_}", type_.nbytes))
    items = sorted((item for item in items if item.bytes), key=lambda item: -item.bytes)
    return Account(plan.arena_bytes, workspace, prepacked, weights, tuple(items))


def check(account: Account, limit: Limit, batch: int) -> None:
    """Raises MemoryLimitError, with a table and the mend, where the account is over the limit."""
    over, over_flash = limit.excess(account), limit.flash_excess(account)
    if over:
        assert limit.ram is not None
        needed = limit.ram + over
        sentence = f"the model needs {_exact(needed)}, {limit.source} allows {_exact(limit.ram)}"
        raise MemoryLimitError(_message(sentence, account, _mends(account, limit, needed, batch)))
    if over_flash:
        assert limit.flash is not None
        sentence = f"the weights need {_exact(account.weights)}, {limit.source} has {_exact(limit.flash)} of flash"
        raise MemoryLimitError(_message(sentence, account, ["binarize more layers, or use fewer filters"]))


def out_of_memory(account: Account) -> MemoryLimitError:
    """The error for a machine that refuses the allocation itself."""
    sentence = f"this machine has no memory for the {_exact(account.ram)} that the model needs"
    return MemoryLimitError(_message(sentence, account, ["run it with a smaller batch"]))


def _mends(account: Account, limit: Limit, needed: int, batch: int) -> list[str]:
    mends = []
    assert limit.ram is not None
    if limit.source == "memory_limit":
        mends.append(f"raise memory_limit to {needed} bytes")
    if batch > 1:
        mends.append(f"use a batch below {batch} (the arena grows with it)")
    if account.prepacked and needed - account.prepacked <= limit.ram:
        mends.append("pass prepack=False")
    if account.arena >= account.weights:
        mends.append("train with smaller images or fewer channels in the largest tensors above")
    else:
        mends.append("binarize the largest weights above, or use fewer filters")
    return mends


def _message(sentence: str, account: Account, mends: Sequence[str]) -> str:
    lines = [sentence + ":"]
    lines += [f"  {what:<18} {_exact(size):>24}" for what, size in account.rows()]
    lines.append("the biggest items:")
    biggest = account.items[:_TABLE_ROWS]
    lines += [f"  {item.kind:<10} {format_size(item.bytes):>11}  {item.name}" for item in biggest]
    lines.append("to make it fit: " + "; or ".join(mends))
    return "\n".join(lines)


def _exact(size: int) -> str:
    return f"{size} B" if size < 1024 else f"{size} B ({format_size(size)})"
