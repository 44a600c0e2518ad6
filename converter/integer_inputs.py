"""Integer inputs: a network that was trained on floats reads bytes.

before: %0 = input f32[1,32,32,3]; ...
after:  %0 = input u8[1,32,32,3]; %1 = dequantize(%0); %2 = batch_norm(%1, scale, offset); ...

The batch norm is there only where Keras's input is another number than the byte itself. The passes then move what
they can into integer ops (:mod:`xlite.converter.passes.read_integers`).
"""

from __future__ import annotations

import numpy as np

from xlite.converter.graph import Graph, Node, Value, constant
from xlite.schema.errors import ConversionError
from xlite.schema.types import RANGES, DType, OpKind, Preprocessing, QuantizeOptions, TensorType

DTYPES = {"uint8": DType.UINT8, "int8": DType.INT8}


def dtype_of(name: str) -> DType:
    """The dtype called so. Raises ConversionError with the names that there are."""
    if name not in DTYPES:
        raise ConversionError(f"the input cannot be {name!r}; choose one of {', '.join(DTYPES)}")
    return DTYPES[name]


def preprocessing_of(dtype: DType, low: float, high: float) -> Preprocessing:
    """How integers become numbers from ``low``, their smallest value, to ``high``, their largest."""
    if not low < high:
        raise ConversionError(f"the input range {low:g}, {high:g} is empty; give the lower end first")
    smallest, largest = RANGES[dtype]
    scale = (high - low) / (largest - smallest)
    return Preprocessing(scale, low - smallest * scale)


def read_integers(graph: Graph, dtype: DType, preprocessing: Preprocessing | None) -> None:
    """Makes every float input of the graph one of integers. preprocessing: what number each integer stands for in
    Keras's input; None for the integer itself."""
    found = [value for value in graph.inputs if value.type.dtype is DType.FLOAT32]
    if not found:
        raise ConversionError("the model has no float input that could be of integers; leave out the input dtype")
    for value in found:
        _replace(graph, value, dtype, preprocessing or Preprocessing())


def _replace(graph: Graph, old: Value, dtype: DType, preprocessing: Preprocessing) -> None:
    scale, offset = np.float32(preprocessing.scale), np.float32(preprocessing.offset)
    integers = Value(old.name, TensorType(old.type.shape, dtype))
    integers.scale, integers.zero_point = _quantization(dtype, float(scale), float(offset))
    options = QuantizeOptions(DType.FLOAT32)
    floats = Value(f"{old.name}:float", old.type)
    nodes = [Node(OpKind.DEQUANTIZE, [integers], [floats], options, (old.name,))]
    if (scale, offset) != (1, 0):
        channels = old.type.shape[-1]
        pair = (("scale", scale), ("offset", offset))
        constants = [constant(f"{old.name}/{name}", np.full(channels, value)) for name, value in pair]
        numbers = Value(f"{old.name}:scaled", old.type)
        nodes.append(Node(OpKind.BATCH_NORM, [floats, *constants], [numbers], None, (old.name,)))
    graph.replace(old, nodes[-1].output)
    graph.nodes[:0] = nodes
    graph.inputs = [integers if value is old else value for value in graph.inputs]


def _quantization(dtype: DType, scale: float, offset: float) -> tuple[float, int]:
    """The scale and zero point that say the same as ``q * scale + offset``; (0, 0) where no integer is zero."""
    if not scale > 0:
        return 0.0, 0
    zero_point = round(-offset / scale)
    low, high = RANGES[dtype]
    exact = abs(zero_point * scale + offset) <= 1e-6 * scale
    return (scale, zero_point) if exact and low <= zero_point <= high else (0.0, 0)
