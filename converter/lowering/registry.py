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

from xlite.converter.frontend.config import is_operation
from xlite.converter.frontend.model import KerasLayer
from xlite.converter.graph import Value
from xlite.schema.errors import UnsupportedLayerError

Lowering = Callable[..., Union[Value, Sequence[Value]]]

_LOWERINGS: dict[str, Lowering] = {}

# What Keras 2 calls the nodes that hold a TensorFlow function.
_TENSORFLOW_NODES = ("TFOpLambda", "SlicingOpLambda", "ClassMethod")

# Packages whose classes files name without the package.
_HOUSES = ("", "keras", "tf_keras", "tensorflow", "larq", "xlite", "builtins")


def lowering(*names: str) -> Callable[[Lowering], Lowering]:
    """Decorator: registers a function as the lowering of the layers called ``names``.

    A name is what Keras registers a class under (``"MyPkg>MyLayer"``), or the bare class name of one that is not
    registered. Nodes that are no layers have names of their own: ``"keras.ops.Clip"`` for an operation of
    ``keras.ops`` by its class, ``"tf.clip_by_value"`` for a TensorFlow function in a Keras 2 model; their
    functions are called with the node's own arguments, Values in place of tensors.

    The function is called once for every call of such a layer, with a
    :class:`~xlite.converter.lowering.context.Context` and one Value for each input, and returns the output Value
    (or a list of them). A later registration replaces an earlier one.
    """

    def register(function: Lowering) -> Lowering:
        for name in names:
            _LOWERINGS[name] = function
        return function

    return register


def find_lowering(layer: KerasLayer) -> Lowering:
    """The lowering of a layer; UnsupportedLayerError, saying how to register one, where there is none."""
    operation = operation_name(layer)
    function = _LOWERINGS.get(operation or layer.registered_name)
    if function is not None and (operation or not (_is_ours(function) and _is_foreign(layer))):
        return function
    if operation:
        raise UnsupportedLayerError(
            f"'{layer.name}' is the operation {operation}, which has no lowering; write the model without it, or "
            f'register one with @xlite.converter.lowering("{operation}")'
        )
    raise UnsupportedLayerError(
        f"layer '{layer.name}' ({layer.registered_name}) has no lowering; replace it by layers that xlite knows, "
        f'or register one with @xlite.converter.lowering("{layer.registered_name}")'
    )


def operation_name(layer: KerasLayer) -> str:
    """The name of an operation that stands among the layers, as lowerings are registered for it; "" for a layer.

    ``keras.ops`` nodes have a class each; TensorFlow's functions are named by where they stand in its Python API.
    """
    if is_operation(layer):
        return f"keras.ops.{layer.class_name}"
    if layer.class_name in _TENSORFLOW_NODES:
        return "tf." + str(layer.config.get("function", layer.class_name)).replace("compat.v1.", "")
    return ""


def _is_ours(function: Lowering) -> bool:
    return function.__module__.startswith("xlite.converter.")


def _is_foreign(layer: KerasLayer) -> bool:
    """True for somebody's own class that happens to be called as one of Keras's."""
    return ">" not in layer.registered_name and layer.module.split(".")[0] not in _HOUSES
