"""Records do what dataclasses do: every property is held against the dataclass with the same fields."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlite.interpreter.kernels.base import Kernel
from xlite.schema import types
from xlite.schema.records import field, record, replace


class Plain:
    first: int
    second: Any
    third: str = "three"
    fourth: list = dataclasses.field(default_factory=list)


class One:
    only: float


def both(shape: type, frozen: bool) -> tuple[Any, Any]:
    """A record and a dataclass with the fields of ``shape``, under the same name."""
    made = []
    for decorate, factory in ((record, field), (dataclasses.dataclass, dataclasses.field)):
        body = {"__annotations__": dict(shape.__annotations__), "__qualname__": shape.__name__}
        body.update({name: vars(shape)[name] for name in shape.__annotations__ if name in vars(shape)})
        if "fourth" in body:
            body["fourth"] = factory(default_factory=list)
        made.append(decorate(frozen=frozen)(type(shape.__name__, (), body)))
    return made[0], made[1]


def outcome(call) -> Any:
    """What a call gives, or the type of what it raises."""
    try:
        return call()
    except Exception as error:
        return type(error)


SHAPES = pytest.mark.parametrize("shape", [Plain, One])
FROZEN = pytest.mark.parametrize("frozen", [False, True])
small = st.integers(0, 2)
calls = st.tuples(
    st.lists(small, max_size=5),
    st.dictionaries(st.sampled_from(["first", "second", "third", "fourth", "fifth", "only"]), small, max_size=4),
)


@pytest.mark.parametrize("pair", [both(shape, frozen) for shape in (Plain, One) for frozen in (False, True)])
@settings(deadline=None)
@given(call=calls, other=calls)
def test_it_takes_compares_and_shows_what_a_dataclass_does(pair, call, other):
    results = []
    for cls in pair:
        made = outcome(lambda cls=cls: cls(*call[0], **call[1]))
        second = outcome(lambda cls=cls: cls(*other[0], **other[1]))
        shown = made if isinstance(made, type) else (repr(made), vars(made), list(vars(made)))
        equal = made == second
        hashed = outcome(lambda made=made, second=second: hash(made) == hash(second)) if equal else None
        results.append((shown, equal, made != second, hashed))
    assert results[0] == results[1]


@SHAPES
@FROZEN
def test_its_fields_can_be_changed_unless_it_is_frozen(shape, frozen):
    for cls in both(shape, frozen):
        made = cls(*range(len(dataclasses.fields(cls))))
        name = dataclasses.fields(cls)[0].name
        if frozen:
            with pytest.raises(dataclasses.FrozenInstanceError, match=name):
                setattr(made, name, 5)
            with pytest.raises(dataclasses.FrozenInstanceError, match=name):
                delattr(made, name)
        else:
            setattr(made, name, 5)
            assert getattr(made, name) == 5


@SHAPES
@FROZEN
def test_dataclasses_and_inspect_take_it_for_one(shape, frozen):
    ours, theirs = both(shape, frozen)
    assert dataclasses.is_dataclass(ours)
    described = [
        [(f.name, f.type, f.default, f.default_factory, f.init) for f in dataclasses.fields(cls)]
        for cls in (ours, theirs)
    ]
    assert described[0] == described[1]
    assert inspect.signature(ours) == inspect.signature(theirs)
    values = range(len(described[0]))
    made = ours(*values)
    assert dataclasses.asdict(made) == dataclasses.asdict(theirs(*values))
    name = described[0][0][0]
    assert dataclasses.replace(made, **{name: 9}) == replace(made, **{name: 9}) == ours(9, *values[1:])
    assert made == ours(*values)


def test_each_record_has_a_default_of_its_own():
    ours, _ = both(Plain, False)
    first, second = ours(1, 2), ours(1, 2)
    first.fourth.append(3)
    assert (first.fourth, second.fourth) == ([3], [])


def test_records_of_two_classes_are_never_equal():
    (first, _), (second, _) = both(One, True), both(One, True)
    assert first(1) != second(1)
    assert first(1) != 1


def test_an_array_equals_itself():
    data = np.arange(3)
    assert types.Tensor("x", types.TensorType((3,), types.DType.INT32), data) == types.Tensor(
        "x", types.TensorType((3,), types.DType.INT32), data
    )


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
@pytest.mark.parametrize("made", [types.TensorType((1, 4), types.DType.BIT), types.Metadata(labels=["a"])])
def test_copies_are_equal(make, made):
    assert make(made) == made
    assert make(made) is not made


def test_a_class_derived_from_it_has_its_fields():
    class Own(types.TensorType):
        """A method more, and no field."""

    made = Own((1, 4), types.DType.BIT)
    assert dataclasses.asdict(made) == {"shape": (1, 4), "dtype": types.DType.BIT, "packed_axes": 1}
    assert inspect.signature(Own) == inspect.signature(types.TensorType)
    with pytest.raises(TypeError, match=r"Own\(\): missing a required argument: 'shape'"):
        Own()


def test_a_wrong_call_says_what_is_wrong():
    with pytest.raises(TypeError, match=r"Kernel\(\): missing a required argument: 'backend'"):
        Kernel("name")
    with pytest.raises(TypeError, match=r"TensorType\(\): got an unexpected keyword argument 'axes'"):
        types.TensorType((1, 4), types.DType.BIT, axes=1)
