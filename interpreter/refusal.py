"""What is said of a model that does not fit: how much it is too large, its biggest items, and what would make it
fit. No advice is guessed: each mend is the account of the model as it would be, done anew, held to the same limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xlite.interpreter import planner
from xlite.interpreter.memory import Account, Item, Limit, format_size
from xlite.schema.contracts import FILTERED
from xlite.schema.errors import MemoryLimitError
from xlite.schema.naming import quoted
from xlite.schema.records import TYPE_CHECKING, record, replace
from xlite.schema.types import DType, Model, Plan, TensorType

if TYPE_CHECKING:
    from typing import Callable, Optional

_TABLE_ROWS = 8


@record(frozen=True)
class Case:
    """A model for which there is no room. ``account``: with the smallest kernels, ``fastest``: with those that it
    would have had with room. ``with_batch`` and ``lean`` give the account of the same model with another batch,
    and without prepacked weights."""

    model: Model
    types: Sequence[TensorType]
    plan: Plan
    batch: int
    account: Account
    fastest: Account
    limit: Limit
    with_batch: Callable[[int], Account]
    lean: Callable[[], Account]


def check(case: Case) -> None:
    """Raises MemoryLimitError, with a table and the mends, where the account is over the limit."""
    account, limit = case.account, case.limit
    if limit.excess(account):
        assert limit.ram is not None
        sentence = f"the model needs {_exact(limit.counted(account))}, {limit.source} allows {_exact(limit.ram)}"
        if limit.base:
            sentence += f" beside the {format_size(limit.base)} of Python itself"
        raise MemoryLimitError(_message(sentence, account, list(_mends(case))))
    if limit.flash_excess(account):
        assert limit.flash is not None
        sentence = f"the weights need {_exact(account.weights)}, {limit.source} has {_exact(limit.flash)} of flash"
        raise MemoryLimitError(_message(sentence, account, list(_flash_mends(case))))


def out_of_memory(account: Account) -> MemoryLimitError:
    """The error for a machine that refuses the allocation itself."""
    sentence = f"this machine has no memory for the {_exact(account.ram)} that the model needs"
    return MemoryLimitError(_message(sentence, account, ["run it with a smaller batch"]))


# -- mends ---------------------------------------------------------------------------------------------------


def _mends(case: Case) -> Iterator[str]:
    limit, needed = case.limit, case.limit.counted(case.account)
    if limit.source == "memory_limit":
        yield f"memory_limit={needed} fits"
    if case.batch > 1:
        yield _smaller_batch(case)
    if case.account.prepacked and limit.counted(case.lean()) < needed:
        yield _verdict("prepack=False", case, case.lean())
    elif case.fastest.prepacked > case.account.prepacked:
        left_out = _exact(case.fastest.prepacked - case.account.prepacked)
        yield f"prepack=False saves nothing: {left_out} of prepacked weights are left out already"
    stem = _int8_stem(case)
    if stem is not None:
        yield _verdict(
            "uint8 images and an int8 first layer (--input-dtype uint8 --quantize int8-stem)", case, stem
        )
    floats = _largest_float_weights(case) if limit.weights_in_ram else None
    if floats is not None:
        yield _verdict(f"binarizing {floats.name}", case, _less(case.account, _binary_saves(floats)))
    if case.account.arena > needed // 2:
        yield f"the arena alone is {_exact(case.account.arena)}: smaller images or fewer channels shrink it"


def _flash_mends(case: Case) -> Iterator[str]:
    assert case.limit.flash is not None
    over = case.account.weights - case.limit.flash
    floats = _largest_float_weights(case)
    if floats is not None:
        saved = _binary_saves(floats)
        yield f"binarizing {floats.name} saves {_exact(saved)} {_fits(over - saved)}"
    else:
        yield f"fewer filters or units: {_exact(over)} of weights are too many"


def _verdict(what: str, case: Case, account: Account) -> str:
    """What a change saves and whether the model fits then."""
    assert case.limit.ram is not None
    needed = case.limit.counted(account)
    saved = case.limit.counted(case.account) - needed
    return f"{what} saves {_exact(saved)} {_fits(needed - case.limit.ram)}"


def _fits(over: int) -> str:
    return "and fits" if over <= 0 else f"but is still {_exact(over)} too much"


def _smaller_batch(case: Case) -> str:
    """The largest batch that fits, found by halving."""
    assert case.limit.ram is not None
    one = case.with_batch(1)
    if case.limit.excess(one):
        return _verdict("batch 1", case, one)
    low, high = 1, case.batch
    while high - low > 1:
        middle = (low + high) // 2
        if case.limit.excess(case.with_batch(middle)):
            high = middle
        else:
            low = middle
    return f"batch {low} is the largest that fits"


def _int8_stem(case: Case) -> Optional[Account]:
    """The account with the graph's float images as uint8 and the float filters that read them as int8; None where
    that saves nothing, or where images and those filters are not among the biggest items."""
    model = case.model
    images = {t for t in model.inputs if case.types[t].dtype is DType.FLOAT32}
    filters = {op.inputs[1] for op in model.ops if op.kind in FILTERED and op.inputs[0] in images}
    filters = {t for t in filters if case.types[t].dtype is DType.FLOAT32}
    biggest = {item.name for item in case.account.items[:_TABLE_ROWS]}
    named = {f"{quoted(model.tensors[t].name)} {case.types[t]}" for t in images}
    named |= {quoted(model.tensors[t].name) for t in filters}
    if not filters or not named & biggest:
        return None
    types = [replace(y, dtype=DType.UINT8) if t in images else y for t, y in enumerate(case.types)]
    arena = planner.plan(model, types=types).arena_bytes
    saved = sum(3 * case.types[t].elements for t in filters) if case.limit.weights_in_ram else 0
    return _less(replace(case.account, arena=min(arena, case.account.arena)), saved)


def _largest_float_weights(case: Case) -> Optional[Item]:
    """The largest float filter among the biggest items."""
    sizes = {quoted(t.name): t.type for t in case.model.tensors if t.is_constant}
    filters = {quoted(case.model.tensors[op.inputs[1]].name) for op in case.model.ops if op.kind in FILTERED}
    for item in case.account.items[:_TABLE_ROWS]:
        if item.kind == "weights" and item.name in filters and sizes[item.name].dtype is DType.FLOAT32:
            return item
    return None


def _binary_saves(item: Item) -> int:
    """A bit in place of 32, and a scale of 4 bytes for each of few channels, which does not count here."""
    return item.bytes - item.bytes // 32


def _less(account: Account, weights: int) -> Account:
    """The account with so many bytes of weights less."""
    mapped = account.mapped and max(1, account.mapped - weights)
    return replace(account, weights=account.weights - weights, mapped=mapped)


# -- the message ---------------------------------------------------------------------------------------------


def _message(sentence: str, account: Account, mends: Sequence[str]) -> str:
    lines = [sentence + ":"]
    lines += [f"  {what:<18} {_exact(size):>24}" for what, size in account.rows()]
    lines.append("the biggest items (tensors share the arena, ops share the workspace):")
    biggest = account.items[:_TABLE_ROWS]
    lines += [f"  {item.kind:<10} {format_size(item.bytes):>11}  {item.name}" for item in biggest]
    lines.append("what would make it fit:")
    lines += [f"  {mend}" for mend in mends]
    return "\n".join(lines)


def _exact(size: int) -> str:
    return f"{size} B" if size < 1024 else f"{size} B ({format_size(size)})"
