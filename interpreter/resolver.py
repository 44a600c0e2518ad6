"""Which kernel computes which op.

A preference says which backends to try. It is one of

- ``None``: the fastest backend that is available here (``c``, else ``numba``, else ``numpy``); where the C library
  is there but cannot be loaded, with a warning, and where ``$XLITE_LIBRARY`` names one that cannot, an error;
- a name, ``"numba"``: this backend; it must be available;
- a sequence, ``("c", "numba")``: in this order, leaving out what is not available;
- a mapping from ``"default"``, an op kind (``"conv_2d"``), a custom op's name or one op's own name (its Keras
  layer) to any of the above. An op's own name counts before its kind, and that before ``"default"``.

Where no preferred backend has a kernel for an op, the numpy reference computes it, since it has one for every
op; the choice says so (:attr:`Choice.note`) and the interpreter reports it. Kernels that a user registers are
tried before all others, except where a mapping names other backends for the op.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from xlite.interpreter import backends
from xlite.interpreter.kernels.base import Kernel, OpSpec
from xlite.schema.errors import BackendError, KernelError
from xlite.schema.naming import quoted
from xlite.schema.records import TYPE_CHECKING, record
from xlite.schema.types import CustomOptions, Model, OpKind

if TYPE_CHECKING:
    from typing import Optional, Union

    from xlite.interpreter.kernels.custom import CustomFunction, Prepare

    Names = Union[None, str, Sequence[str]]
    Preference = Union[Names, Mapping[str, Names]]


_KINDS = {kind.name.lower() for kind in OpKind}


@record(frozen=True)
class Choice:
    """A kernel for one op. ``wanted`` is the backend that was preferred; ``note`` says why it is another one,
    and is empty otherwise."""

    kernel: Kernel
    wanted: str
    note: str = ""


class Resolver:
    """Chooses a kernel for each op, and holds the kernels and custom ops that a user adds."""

    def __init__(self, backend: Preference = None) -> None:
        """backend: a preference, see the module. Raises BackendError for a backend that does not exist or that
        was named alone and is not available."""
        self._registered: list[Kernel] = []
        self._custom: dict[str, Kernel] = {}
        self._set_preference(backend)

    def with_backend(self, backend: Preference) -> Resolver:
        """The same kernels and custom ops under another preference."""
        copy = Resolver.__new__(Resolver)
        copy._registered = list(self._registered)
        copy._custom = dict(self._custom)
        copy._set_preference(backend)
        return copy

    # -- adding ----------------------------------------------------------------------------------------------

    def register(self, kernel: Kernel) -> None:
        """Adds a kernel. It is used for every op of its kind that it ``supports``; the last one added first."""
        self._registered.insert(0, kernel)

    def register_custom(
        self, name: str, function: Optional[CustomFunction] = None, *, prepare: Optional[Prepare] = None
    ) -> None:
        """Teaches the custom op ``name``: by a plain ``function(inputs, data) -> outputs`` or by ``prepare``.

        function: gets a list of arrays with their logical shapes (bits as int8 +1 and -1; read only) and the
        op's data as bytes; returns a list of arrays (or one array) with the shapes and dtypes of the op's
        outputs, bits as numbers whose sign counts. prepare: as :attr:`Kernel.prepare`, on the raw buffers.
        """
        from xlite.interpreter.kernels.custom import custom_kernel

        self._custom[name] = custom_kernel(name, function, prepare)

    # -- choosing --------------------------------------------------------------------------------------------

    @property
    def default_backend(self) -> str:
        """The backend that ops without a preference of their own are meant to run on."""
        return (self._preference["default"] or (_fastest(),))[0]

    def check(self, model: Model) -> None:
        """Raises BackendError where the preference names an op that ``model`` does not have."""
        known = {"default", *_KINDS, *self._custom}
        for op in model.ops:
            known |= {op.name, op.label}
        for key in self._preference:
            if key not in known:
                names = ", ".join(sorted({quoted(op.name or op.label) for op in model.ops}))
                raise BackendError(
                    f"backend names '{key}', which is neither 'default', an op kind nor an op of this model; "
                    f"its ops are {names}"
                )

    def resolve(self, spec: OpSpec) -> Choice:
        """The first of :meth:`candidates`. Raises KernelError where there is none."""
        return next(self.candidates(spec))

    def candidates(self, spec: OpSpec) -> Iterator[Choice]:
        """Every kernel that can compute ``spec``, the preferred one first. Raises KernelError, naming the op and
        the mend, where there is none at all."""
        override, names = self._preferred(spec)
        wanted = names[0]
        found = False
        for kernel in self._users_kernels(spec):
            if not override or kernel.backend in names:
                found = True
                yield Choice(kernel, kernel.backend)
        for name in dict.fromkeys((*names, backends.REFERENCE)):
            note = "" if name == wanted else f"no {wanted} kernel takes {_describe(spec)}"
            for kernel in self._backend_kernels(name, spec):
                found = True
                yield Choice(kernel, wanted, note)
        if not found:
            raise _no_kernel(spec)

    def _users_kernels(self, spec: OpSpec) -> Iterator[Kernel]:
        for kernel in self._registered:
            if kernel.kind is spec.kind and kernel.supports(spec):
                yield kernel
        if isinstance(spec.op.options, CustomOptions) and spec.op.options.name in self._custom:
            yield self._custom[spec.op.options.name]

    def _backend_kernels(self, name: str, spec: OpSpec) -> Iterator[Kernel]:
        if name in backends.BACKENDS:
            for kernel in backends.kernels_of(name).get(spec.kind, ()):
                if kernel.supports(spec):
                    yield kernel

    # -- the preference --------------------------------------------------------------------------------------

    def _set_preference(self, backend: Preference) -> None:
        given = backend if isinstance(backend, Mapping) else {"default": backend}
        self._preference = {"default": (), **{key: self._available(names) for key, names in given.items()}}

    def _available(self, names: Names) -> tuple[str, ...]:
        """The names that can be used, in order; a single name must be. Empty for None: the fastest, which is
        looked for when an op needs it."""
        if names is None:
            return ()
        own = {kernel.backend for kernel in self._registered}
        if isinstance(names, str) or not isinstance(names, Sequence):
            if names not in own:
                backends.require(names)
            return (names,)
        usable = tuple(name for name in names if name in own or _is_there(name))
        if not usable:
            reasons = "; ".join(f"{name}: {backends.unavailable_reason(name)}" for name in names)
            raise BackendError(f"no backend of {list(names)} is available ({reasons or 'the list is empty'})")
        return usable

    def _preferred(self, spec: OpSpec) -> tuple[bool, tuple[str, ...]]:
        """Whether the op has a preference of its own, and the names."""
        for key in (spec.op.name, spec.op.label, spec.kind.name.lower()):
            if key != "default" and key in self._preference:
                return True, self._preference[key] or (_fastest(),)
        return False, self._preference["default"] or (_fastest(),)


@lru_cache(maxsize=1)
def _fastest() -> str:
    """The first backend that is there and can be loaded; one that is broken (numba may not know this numpy) is
    passed over, since nobody asked for it by name."""
    for name in backends.BACKENDS[:-1]:
        if not _is_there(name):
            continue
        try:
            if backends.kernels_of(name):
                return name
        except BackendError:
            continue
    return backends.REFERENCE


def _is_there(name: str) -> bool:
    """Whether the backend is available. Warns or raises BackendError where it is not and should be."""
    if backends.available(name):
        return True
    backends.check(name)
    return False


def _describe(spec: OpSpec) -> str:
    types = ", ".join("-" if t is None else str(t) for t in spec.inputs)
    label = spec.op.label
    return f"{label if label.isidentifier() else quoted(label)}({types})"


def _no_kernel(spec: OpSpec) -> KernelError:
    op = spec.op
    name = quoted(op.name or op.label)
    if op.kind is OpKind.CUSTOM:
        return KernelError(
            f"op {name} is the custom op {quoted(op.label)}, which nobody registered: call "
            f"resolver.register_custom({quoted(op.label)}, function) and pass resolver= to the Interpreter"
        )
    return KernelError(f"op {name}: no backend has a kernel for {_describe(spec)}")
