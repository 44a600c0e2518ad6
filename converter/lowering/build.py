"""``lower``: every call of every layer, in order, to nodes of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xlite.converter.frontend.dtypes import index_inputs
from xlite.converter.frontend.model import KerasLayer, KerasModel, Ref, map_refs, refs_in
from xlite.converter.graph import Graph, Layer, Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.registry import find_lowering, operation_name
from xlite.schema.errors import ConversionError
from xlite.schema.types import DType, OpKind, ReshapeOptions, TensorType


def lower(model: KerasModel) -> Graph:
    """The float program of a model, with SIGN and UNPACK where a quantizer stands; batch 1.

    Raises UnsupportedLayerError for a layer without a lowering and ConversionError for one whose configuration or
    weights do not add up; both name the layer and the mend.
    """
    graph = Graph(model.name)
    values: dict[tuple[str, int], list[Value]] = {}
    layers = {layer.name: layer for layer in model.layers}
    rows = {layer.name: _row(layer) for layer in model.layers}
    shared: dict[str, dict[str, Value]] = {layer.name: {} for layer in model.layers}
    graph.layers = list(rows.values())
    indices = index_inputs(model.layers)
    for name, number in model.order:
        layer = layers[name]
        call = layer.calls[number]
        if layer.class_name == "InputLayer":
            values[name, number] = [_input(layer, DType.INT32 if name in indices else DType.FLOAT32)]
            continue
        context = Context(graph, layer, call, rows[name], shared[name], model.keras_version)
        values[name, number] = _lower_call(context, number, *_arguments(context, values))
    graph.inputs = [_value(values, ref) for ref in model.inputs]
    _set_outputs(graph, [(ref.layer, _value(values, ref)) for ref in model.outputs])
    return graph


def _row(layer: KerasLayer) -> Layer:
    return Layer(layer.name, layer.class_name, parameters=sum(int(w.size) for w in layer.weights))


def _input(layer: KerasLayer, dtype: DType) -> Value:
    shape = layer.config.get("batch_shape") or layer.config.get("batch_input_shape")
    if not isinstance(shape, list) or not shape:
        raise ConversionError(
            f"input '{layer.name}' has no shape; give the model one, as in keras.Input((32, 32, 3)), and save it "
            "again"
        )
    if len(shape) < 2:
        raise ConversionError(f"input '{layer.name}' has a batch axis only; reshape it to (batch, 1)")
    if any(size is None for size in shape[1:]):
        fixed = tuple(32 if size is None else size for size in shape[1:])
        raise ConversionError(
            f"input '{layer.name}' has the shape {tuple(shape)} with an unknown axis besides the batch; build the "
            f"model with a fixed shape, as in keras.Input({fixed}), and set_weights of this one"
        )
    if not all(isinstance(size, int) and size >= 1 for size in shape[1:]):
        raise ConversionError(f"input '{layer.name}' has the shape {tuple(shape)}; give it whole numbers above 0")
    return Value(layer.name, TensorType((1, *shape[1:]), dtype))


def _arguments(ctx: Context, values: dict[tuple[str, int], list[Value]]) -> tuple[list[Any], dict[str, Any]]:
    """What a lowering is called with: a layer's input tensors, or an operation's arguments as written."""
    if operation_name(ctx.layer):
        args, kwargs = map_refs([ctx.call.args, ctx.call.kwargs], lambda ref: _value(values, ref))
        return args, {key: value for key, value in kwargs.items() if key != "name" and value is not None}
    inputs = ctx.call.inputs
    for name, argument in ctx.call.kwargs.items():
        refs = list(refs_in(argument))
        if name == "initial_state":  # of a recurrent layer; Keras 2 puts its tensors behind the input
            inputs = [*inputs, *refs]
        elif name != "inputs" and refs:
            raise ctx.unsupported(f"is called with a tensor as {name}=", "call it with its inputs alone")
    return [_value(values, ref) for ref in inputs], {}


def _value(values: dict[tuple[str, int], list[Value]], ref: Ref) -> Value:
    outputs = values[ref.layer, ref.call]
    if not 0 <= ref.tensor < len(outputs):
        raise ConversionError(
            f"layer '{ref.layer}' gives {len(outputs)} outputs and the model reads output {ref.tensor}; save it "
            "again"
        )
    return outputs[ref.tensor]


def _lower_call(ctx: Context, number: int, args: list[Any], kwargs: dict[str, Any]) -> list[Value]:
    function = find_lowering(ctx.layer)
    known = len(ctx.graph.nodes)
    try:
        result = function(ctx, *args, **kwargs)
    except (KeyError, TypeError, ValueError, IndexError, ArithmeticError) as error:
        raise ctx.error(
            f"could not be lowered ({type(error).__name__}: {error})",
            "check its configuration and the number of its inputs",
        ) from error
    outputs = [result] if isinstance(result, Value) else list(result)
    made = {value for node in ctx.graph.nodes[known:] for value in node.outputs}
    label = ctx.name if number == 0 else f"{ctx.name}:{number}"
    for index, value in enumerate(outputs):
        if value in made:  # a layer that does nothing at inference passes its input on, name and all
            value.name = label if index == 0 else f"{label}[{index}]"
    return outputs


def _set_outputs(graph: Graph, outputs: Sequence[tuple[str, Value]]) -> None:
    """Graph outputs are tensors of their own: an input, or a second use of one output, is copied."""
    for layer, value in outputs:
        if value in graph.inputs or value in graph.outputs:
            shape = value.type.shape[1:]
            copy = graph.add(OpKind.RESHAPE, [value], ReshapeOptions(shape), layers=(layer,))
            copy.name = f"{value.name}:copy"
            value = copy
        graph.outputs.append(value)
