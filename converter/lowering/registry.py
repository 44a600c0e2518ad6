"""Which function lowers which Keras layer class, and what it is given.

A lowering is a plain function ``(ctx, *inputs) -> output`` (or a sequence of outputs) that adds nodes to the
graph. Users register their own::

    @xlite.converter.lowering("MyPkg>Scale")
    def scale(ctx, x):
        (factor,) = ctx.weights("factor")
        zero = np.zeros_like(factor)
        return ctx.add(OpKind.BATCH_NORM, [x, ctx.constant("factor", factor), ctx.constant("zero", zero)])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable, Union

from xlite.converter.frontend.model import KerasLayer
from xlite.converter.graph import Value
from xlite.schema.errors import UnsupportedLayerError

Lowering = Callable[..., Union[Value, Sequence[Value]]]

_LOWERINGS: dict[str, Lowering] = {}

# Packages whose classes files name without the package.
_HOUSES = ("", "keras", "tf_keras", "tensorflow", "larq", "xlite", "builtins")


def lowering(*names: str) -> Callable[[Lowering], Lowering]:
    """Decorator: registers a function as the lowering of the layers called ``names``.

    A name is what Keras registers a class under (``"MyPkg>MyLayer"``), the bare class name of one that is not
    registered, or ``"keras.ops>Add"`` for a ``keras.ops`` function in a functional model. The function is called
    once for every call of such a layer, with a :class:`~xlite.converter.lowering.context.Context` and one Value
    for each input, and returns the output Value (or a list of them). A later registration replaces an
    earlier one.
    """

    def register(function: Lowering) -> Lowering:
        for name in names:
            _LOWERINGS[name] = function
        return function

    return register


def find_lowering(layer: KerasLayer) -> Lowering:
    """The lowering of a layer; UnsupportedLayerError, saying how to register one, where there is none."""
    function = _LOWERINGS.get(layer.registered_name)
    if function is not None and not (is_ours(function) and _is_foreign(layer)):
        return function
    raise UnsupportedLayerError(
        f"layer '{layer.name}' ({layer.registered_name}) has no lowering; replace it by layers that xlite knows, "
        f'or register one with @xlite.converter.lowering("{layer.registered_name}")'
    )


def is_ours(function: Lowering) -> bool:
    """True for a lowering that comes with xlite."""
    return function.__module__.startswith("xlite.converter.")


def _is_foreign(layer: KerasLayer) -> bool:
    """True for somebody's own class that happens to be called as one of Keras's."""
    return ">" not in layer.registered_name and layer.module.split(".")[0] not in _HOUSES
