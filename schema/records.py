"""Classes of named fields: what ``dataclasses`` makes, without the time that it takes to make them.

``dataclasses.dataclass`` writes the source of the methods of each class and compiles it, anew in each process: two
to five million instructions a class, and to run a model takes fifty. Records share a few functions instead, which
look the names of the fields up. They behave alike: arguments by position or name, defaults, ``==``, ``repr`` and
hash by fields; frozen ones refuse to be changed. To ``replace``, ``fields`` and ``asdict`` of ``dataclasses``, to
``inspect.signature`` and to type checkers they are dataclasses. A record has no other record as its base.
"""

from __future__ import annotations

from operator import attrgetter

TYPE_CHECKING = False  # typing's own, without the import: type checkers know the name
if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from dataclasses import field, replace
    from typing import Any, Callable, NoReturn

__all__ = ["field", "record", "replace"]

if not TYPE_CHECKING:

    def record(cls: type | None = None, *, frozen: bool = False) -> Any:
        """Makes a class with annotated fields a record: ``@record`` or ``@record(frozen=True)``."""
        return _make(cls, frozen) if cls is not None else lambda found: _make(found, frozen)

    def field(*, default_factory: Callable[[], Any]) -> Any:
        """A field whose default is made anew for each record."""
        return _Factory(default_factory)

    def replace(made: Any, **changes: Any) -> Any:
        """A new record with the fields of ``made``, but for ``changes``."""
        state = vars(made)
        return type(made)(**{name: state[name] for name in made._fields.names if name not in changes}, **changes)


_ABSENT: Any = object()  # the value of a field that has none yet


class _Factory:
    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


class _Fields:
    """What the shared functions know of a class. ``template`` has every field with its default, in order."""

    __slots__ = ("annotations", "factories", "names", "required", "template", "values")

    def __init__(self, annotations: dict[str, Any], defaults: dict[str, Any]) -> None:
        self.annotations = annotations
        self.names = tuple(defaults)
        self.factories = [(name, value.make) for name, value in defaults.items() if type(value) is _Factory]
        self.required = [name for name, value in defaults.items() if value is _ABSENT]  # they come first
        self.template = {**defaults, **{name: _ABSENT for name, _ in self.factories}}
        self.values: Callable[[Any], tuple[Any, ...]] = _getter(self.names)


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*names) if len(names) > 1 else lambda made: tuple(getattr(made, name) for name in names)


def _make(cls: Any, frozen: bool) -> Any:
    own = vars(cls)
    annotations = cls.__annotations__
    cls._fields = fields = _Fields(annotations, {name: own.get(name, _ABSENT) for name in annotations})
    for name, _ in fields.factories:
        delattr(cls, name)
    cls.__init__, cls.__repr__, cls.__eq__ = _init, _repr, _eq
    cls.__hash__ = _hash if frozen else None
    if frozen:
        cls.__setattr__, cls.__delattr__ = _refuse, _refuse
    setattr(cls, "__match_args__", fields.names)  # noqa: B010 (mypy takes an assignment for one of a tuple type)
    for name in ("__dataclass_fields__", "__dataclass_params__", "__signature__"):
        setattr(cls, name, _OfDataclass(name, frozen))
    return cls


# -- the functions that all records share --------------------------------------------------------------------


def _init(self: Any, *values: Any, **named: Any) -> None:
    fields = self._fields
    count = len(values)
    state = fields.template.copy()
    state.update(zip(fields.names, values))
    misfit = count > len(fields.names)
    if named:
        state.update(named)
        misfit = misfit or len(state) > len(fields.names)
        misfit = misfit or (count > 0 and not named.keys().isdisjoint(fields.names[:count]))
    for name in fields.required[count:]:
        misfit = misfit or state[name] is _ABSENT
    if misfit:
        _explain(type(self), values, named)
    for name, make in fields.factories:
        if state[name] is _ABSENT:
            state[name] = make()
    self.__dict__.update(state)


def _explain(cls: type, values: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Raises the TypeError of a call whose arguments are not those of ``cls``."""
    import inspect

    try:
        inspect.signature(cls).bind(*values, **named)
    except TypeError as error:
        raise TypeError(f"{cls.__name__}(): {error}") from None


def _repr(self: Any) -> str:
    fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields.names)
    return f"{type(self).__qualname__}({fields})"


def _eq(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    values = self._fields.values
    return values(self) == values(other)


def _hash(self: Any) -> int:
    return hash(self._fields.values(self))


def _refuse(self: Any, name: str, *_: Any) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot change field '{name}' of {type(self).__name__}")


# -- what others ask of dataclasses ---------------------------------------------------------------------------


class _OfDataclass:
    """A class attribute that the dataclass with the same fields has; made when somebody asks for it."""

    def __init__(self, name: str, frozen: bool) -> None:
        self.name, self.frozen = name, frozen

    def __get__(self, made: object, cls: Any) -> Any:
        import dataclasses
        import inspect

        fields = cls._fields
        defaults = {name: value for name, value in fields.template.items() if value is not _ABSENT}
        defaults.update((name, dataclasses.field(default_factory=make)) for name, make in fields.factories)
        body = {"__annotations__": dict(fields.annotations), "__module__": cls.__module__, **defaults}
        same: Any = dataclasses.dataclass(frozen=self.frozen)(type(cls.__name__, (), body))
        found = inspect.signature(same) if self.name == "__signature__" else getattr(same, self.name)
        setattr(cls, self.name, found)
        return found
