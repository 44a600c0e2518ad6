"""The calls of a functional or Sequential Keras model, in running order, and what flows where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import keras

from xlite.schema.errors import TrainingError


@dataclass(eq=False)
class Call:
    """One call of a layer, an operation or a nested model. Tensors are Keras's own symbolic ones."""

    target: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: list[Any]
    outputs: list[Any]

    @property
    def name(self) -> str:
        return str(self.target.name)


@dataclass(eq=False)
class Topology:
    """``calls`` are in running order, inputs of the model included; ``readers`` by ``id`` of a tensor."""

    model: Any
    calls: list[Call]
    makers: dict[int, Call] = field(default_factory=dict)
    readers: dict[int, list[Call]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for call in self.calls:
            self.makers.update({id(tensor): call for tensor in call.outputs})
            for tensor in call.inputs:
                self.readers.setdefault(id(tensor), []).append(call)
        self.ends = {id(tensor) for tensor in self.model.outputs}

    def next_calls(self, call: Call) -> Iterator[Call]:
        for tensor in call.outputs:
            yield from self.readers.get(id(tensor), ())

    def leaves_model(self, call: Call) -> bool:
        """Whether an output of the model is one of this call."""
        return any(id(tensor) in self.ends for tensor in call.outputs)


def is_input(call: Call) -> bool:
    return isinstance(call.target, keras.layers.InputLayer)


def is_model(target: Any) -> bool:
    return isinstance(target, keras.Model)


def read_topology(model: Any) -> Topology:
    """Raises TrainingError for a model whose layers' order is in Python code alone."""
    if not is_model(model):
        raise TrainingError(f"a Keras model is needed, not {model!r}; read a file by keras.saving.load_model")
    if isinstance(model, keras.Sequential) and not model.built:
        raise TrainingError(
            f"model {model.name!r} has no input shape; give the model one, as in keras.Input((32, 32, 3))"
        )
    if not model.built or not getattr(model, "outputs", None):
        kind = "functional or Sequential model with a known input shape"
        raise TrainingError(f"model {model.name!r} cannot be taken apart; it has to be a {kind}")
    order: list[Call] = []
    found: dict[tuple[int, int], Call] = {}
    # Depth first without recursion: DenseNets are deeper than Python's stack.
    stack = [(tensor, False) for tensor in reversed(model.outputs)]
    stops = {id(tensor) for tensor in model.inputs}
    while stack:
        tensor, entered = stack.pop()
        history = tensor._keras_history
        key = (id(history.operation), history.node_index)
        if key in found:
            continue
        node = history.operation._inbound_nodes[history.node_index]
        missing = [] if entered or id(tensor) in stops else [t for t in node.input_tensors if _key(t) not in found]
        if missing:
            stack.append((tensor, True))
            stack.extend((t, False) for t in reversed(missing))
            continue
        arguments = node.arguments
        inputs = [] if id(tensor) in stops else list(node.input_tensors)
        call = Call(history.operation, tuple(arguments.args), dict(arguments.kwargs), inputs, list(node.outputs))
        found[key] = call
        order.append(call)
    return Topology(model, order)


def _key(tensor: Any) -> tuple[int, int]:
    return id(tensor._keras_history.operation), tensor._keras_history.node_index
