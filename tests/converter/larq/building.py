"""Models as the frontends give them, written by hand: what the tests of Larq's side share."""

from __future__ import annotations

from typing import Any

import numpy as np

from xlite.converter.frontend.model import Call, KerasLayer, KerasModel, Ref
from xlite.converter.graph import Graph
from xlite.converter.lowering import lower


def model_of(*layers: KerasLayer, shape: tuple[int, ...] = (4, 4, 8)) -> KerasModel:
    """An input and a chain of layers, each called once with what the one before it gives."""
    source = KerasLayer("x", "InputLayer", "InputLayer", {"batch_shape": [None, *shape]}, [Call()])
    previous = source.name
    for layer in layers:
        layer.calls = layer.calls or [Call([Ref(previous)])]
        previous = layer.name
    every = [source, *layers]
    return KerasModel("m", every, [(layer.name, 0) for layer in every], [Ref("x")], [Ref(previous)])


def quant_conv(kernel: np.ndarray, **config: Any) -> KerasLayer:
    """A QuantConv2D without a bias; its quantizers as they stand in the file."""
    settings = {"filters": kernel.shape[-1], "kernel_size": list(kernel.shape[:2]), "use_bias": False, **config}
    return KerasLayer("conv", "QuantConv2D", "Larq>QuantConv2D", settings, weights=[kernel])


def quantizer(class_name: str, **config: Any) -> dict[str, Any]:
    """A quantizer's configuration as Keras 2.15 writes it."""
    return {
        "module": "larq.quantizers",
        "class_name": class_name,
        "config": {"name": "q", "trainable": True, "dtype": "float32", **config},
        "registered_name": class_name,
        "build_config": {"input_shape": [None, 4]},
    }


def function(name: str) -> dict[str, Any]:
    """A function's, as Keras 2.15 writes it."""
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def lambda_layer(name: str = "code", value: Any = None, **config: Any) -> KerasLayer:
    """A Lambda with marshalled code in it, as Keras 2 writes it."""
    value = ["4wEAAAAAAAAA\n", None, None] if value is None else value
    return KerasLayer(name, "Lambda", "Lambda", {"function": value, "function_type": "lambda", **config})


def lowered(*layers: KerasLayer, shape: tuple[int, ...] = (4, 4, 8)) -> Graph:
    return lower(model_of(*layers, shape=shape))


def kernel_in(graph: Graph) -> np.ndarray:
    """The kernel of the graph's first filtered op, back in Keras's layout (KH, KW, I, O)."""
    for node in graph.nodes:
        if len(node.inputs) > 1 and node.inputs[1] is not None and node.inputs[1].data is not None:
            return node.inputs[1].data.transpose(1, 2, 3, 0)
    raise AssertionError("no op has a filter")
