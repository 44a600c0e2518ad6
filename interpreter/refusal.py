"""What is said of a model that does not fit: how much it is too large, its biggest items, and what would make it
fit. No advice is guessed: each mend is the account of the model as it would be, done anew, held to the same limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xlite.interpreter.int8_stem import with_int8_stem
from xlite.interpreter.memory import Account, Item, Limit, file_map, format_size
from xlite.interpreter.process import PAGE
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
    would have had with room. ``of`` gives the account of a model as it would be, with a batch, ``lean`` that of
    this one without prepacked weights, both with the smallest kernels."""

    model: Model
    types: Sequence[TensorType]
    plan: Plan
    batch: int
    account: Account
    fastest: Account
    limit: Limit
    of: Callable[[Model, int], Account]
    lean: Callable[[], Account]


def check(case: Case) -> None:
    """Raises MemoryLimitError, with a table and the mends, where the account is over the limit."""
    account, limit = case.account, case.limit
    if limit.excess(account):
        assert limit.ram is not None
        sentence = f"the model needs {_exact(limit.counted(account))}, {limit.source} allows {_exact(limit.ram)}"
        if limit.base:
            sentence += f" beside the {format_size(limit.base)} of Python itself"
        raise MemoryLimitError(_message(sentence, account, list(_mends(case)), limit.elsewhere))
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
        yield _verdict(f"binarizing {floats.name}", case, _less(case, _binary_saves(floats)))
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
    one = case.of(case.model, 1)
    if case.limit.excess(one):
        return _verdict("batch 1", case, one)
    low, high = 1, case.batch
    while high - low > 1:
        middle = (low + high) // 2
        if case.limit.excess(case.of(case.model, middle)):
            high = middle
        else:
            low = middle
    return f"batch {low} is the largest that fits"


def _int8_stem(case: Case) -> Optional[Account]:
    """The account with the graph's float images as uint8 and the filters that read them as int8; None where that
    saves nothing, or where none of what would change is among the biggest items."""
    made = with_int8_stem(case.model)
    if made is None:
        return None
    kept = {f"{quoted(tensor.name)} {tensor.type}" for tensor in made.tensors}
    changed = {
        quoted(tensor.name) if tensor.is_constant else f"{quoted(tensor.name)} {type_}"
        for tensor, type_ in zip(case.model.tensors, case.types)
        if f"{quoted(tensor.name)} {tensor.type}" not in kept
    }
    if not changed & {item.name for item in case.account.items[:_TABLE_ROWS]}:
        return None
    found = case.of(made, case.batch)
    found = replace(found, mapped=_mapped(case, found.mapped, case.account.weights - found.weights))
    return found if case.limit.counted(found) < case.limit.counted(case.account) else None


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


def _less(case: Case, weights: int) -> Account:
    """The account with so many bytes of weights less."""
    account = case.account
    return replace(account, weights=account.weights - weights, mapped=_mapped(case, account.mapped, weights))


def _mapped(case: Case, mapped: int, weights: int) -> int:
    """What is left of ``mapped`` of a file that has so many bytes of weights less: whole pages."""
    file = file_map(case.model)
    if file is None:
        return 0
    return max(1, mapped - _pages(len(file)) + _pages(len(file) - weights))


def _pages(size: int) -> int:
    return -(-size // PAGE) * PAGE


# -- the message ---------------------------------------------------------------------------------------------


def _message(sentence: str, account: Account, mends: Sequence[str], elsewhere: str = "") -> str:
    lines = [sentence + ":"]
    lines += [f"  {what:<18} {_exact(size):>24}" for what, size in account.rows()]
    if elsewhere:
        there = f"'xlite inspect --target {elsewhere}' prints what those of the device need"
        lines.append(f"these are needs of this machine's kernels, which run the model here; {there}")
    lines.append("the biggest items (tensors share the arena, ops share the workspace):")
    biggest = account.items[:_TABLE_ROWS]
    lines += [f"  {item.kind:<10} {format_size(item.bytes):>11}  {item.name}" for item in biggest]
    lines.append("what would make it fit:")
    lines += [f"  {mend}" for mend in mends]
    return "\n".join(lines)


def _exact(size: int) -> str:
    return f"{size} B" if size < 1024 else f"{size} B ({format_size(size)})"
