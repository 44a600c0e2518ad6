"""What a lowering is given: the layer, the call, and the graph to add to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xlite.converter import graph as graphs
from xlite.converter.frontend.model import Call, KerasLayer
from xlite.converter.graph import Graph, Layer, Value
from xlite.schema.errors import ConversionError, UnsupportedLayerError
from xlite.schema.types import OpKind, Options, TensorType


class Context:
    """One call of one layer. ``layer`` is what the frontend read, ``report`` its row in the report."""

    def __init__(
        self,
        graph: Graph,
        layer: KerasLayer,
        call: Call,
        report: Layer,
        shared: dict[str, Value],
        keras_version: str = "",
        part: str = "",
    ):
        self.graph = graph
        self.layer = layer
        self.call = call
        self.report = report
        self.keras_version = keras_version  # of the Keras that wrote the model, "" where it does not say
        self._shared = shared  # constants of this layer, for its later calls
        self._part = part  # before the names of constants, in a layer that holds others

    @property
    def name(self) -> str:
        return self.layer.name

    @property
    def config(self) -> dict[str, Any]:
        return self.layer.config

    @property
    def is_keras_2(self) -> bool:
        """True for a model that Keras 2 (or 1) wrote: some names mean other functions there."""
        return self.keras_version.split(".")[0] in ("1", "2")

    def inner(self, value: dict[str, Any], weights: Sequence[np.ndarray] = (), part: str = "") -> Context:
        """The context of a layer that this one holds, from its serialized ``value``: its nodes and its row in the
        report are this one's. ``weights`` are those of this layer's that belong to it; ``part`` tells its
        constants from those of others."""
        class_name = str(value["class_name"])
        layer = KerasLayer(
            self.name,
            class_name.rsplit(">", 1)[-1],
            str(value.get("registered_name") or class_name),
            value.get("config") or {},
            weights=list(weights),
            module=str(value.get("module") or ""),
        )
        part = f"{self._part}{part}/" if part else self._part
        return Context(self.graph, layer, self.call, self.report, self._shared, self.keras_version, part)

    # -- reading the layer -------------------------------------------------------------------------------------

    def weights(self, *roles: str) -> list[np.ndarray]:
        """The layer's weights, one for each role (``"kernel", "bias"``) in the order of ``layer.weights``.

        Raises ConversionError where the file holds another number of them.
        """
        found = self.layer.weights
        if len(found) != len(roles):
            wanted = ", ".join(roles) or "none"
            raise self.error(
                f"should have {len(roles)} weights ({wanted}) and the file holds {len(found)}",
                "build the model, by calling it once or giving it an input shape, and save it whole",
            )
        for role, weight in zip(roles, found):
            if weight.dtype != np.float32:
                raise self.error(f"has a {role} of {weight.dtype}", "save it with float weights")
        return list(found)

    def check_shape(self, role: str, array: np.ndarray, wanted: Sequence[int]) -> None:
        """Raises ConversionError where a weight's shape is not what the configuration and the input ask for."""
        if array.shape != tuple(wanted):
            raise self.error(
                f"has a {role} of shape {array.shape} where its configuration and input ask for {tuple(wanted)}",
                "save the model again, as a whole",
            )

    def channels_last(self) -> None:
        """Raises where the layer wants channels first."""
        if self.config.get("data_format") == "channels_first":
            raise self.unsupported(
                "has data_format='channels_first'",
                "build the model with data_format='channels_last' and the same weights",
            )

    def inference_only(self) -> None:
        """Raises where the layer is called with ``training=True`` and would not run as at inference."""
        if self.call.kwargs.get("training") is True:
            raise self.error("is called with training=True", "build the model without it, as it should run later")

    # -- writing the graph -------------------------------------------------------------------------------------

    def add(
        self,
        kind: OpKind,
        inputs: Sequence[Value | None],
        options: Options | None = None,
        *,
        output_type: TensorType | None = None,
    ) -> Value:
        """Adds a node that belongs to this layer and returns its output. ``output_type`` is for CUSTOM only."""
        return self.graph.add(kind, inputs, options, layers=(self.name,), output_type=output_type)

    def constant(self, role: str, data: np.ndarray) -> Value:
        """A float32 or int32 constant of this layer. All calls of a shared layer get the same one."""
        role = self._part + role
        if role not in self._shared:
            self._shared[role] = graphs.constant(f"{self.name}/{role}", data)
        return self._shared[role]

    def literal(self, data: Any) -> Value:
        """A float32 constant that this call brings along, which another call of the layer need not share."""
        return graphs.constant(f"{self.name}/literal", np.asarray(data, np.float32))

    # -- refusing ----------------------------------------------------------------------------------------------

    def error(self, problem: str, mend: str) -> ConversionError:
        """An error that names the layer: ``raise ctx.error("has no bias", "give it one")``."""
        return ConversionError(f"layer '{self.name}' ({self.layer.class_name}) {problem}; {mend}")

    def unsupported(self, problem: str, mend: str) -> UnsupportedLayerError:
        """The same for an option that has no lowering."""
        return UnsupportedLayerError(f"layer '{self.name}' ({self.layer.class_name}) {problem}; {mend}")
