"""Runs a float graph (what lowering gives) op by op through the oracle, in float64.

Bits are held as +1.0 and -1.0; there are no packed constants before the passes have run.
"""

from __future__ import annotations

import numpy as np

from tests import oracle
from xlite.converter.graph import Graph, Node, Value
from xlite.schema.types import Op


def evaluate(graph: Graph, *inputs: np.ndarray) -> list[np.ndarray]:
    """The graph's outputs for inputs of any batch, in the order of ``graph.outputs``."""
    values = {value: np.asarray(x, np.float64) for value, x in zip(graph.inputs, inputs)}
    for node in graph.nodes:
        given = [None if v is None else _data(values, v) for v in node.inputs]
        result = np.asarray(oracle.evaluate(_op(node), given), np.float64)
        expected = node.output.type.shape[1:]
        assert result.shape[1:] == expected, f"{node.kind.name} gives {result.shape}, the graph says {expected}"
        values[node.output] = result
    return [values[value] for value in graph.outputs]


def _data(values: dict[Value, np.ndarray], value: Value) -> np.ndarray:
    return values[value] if value.data is None else value.data.astype(np.float64)


def _op(node: Node) -> Op:
    """The op as a file has it, but for its tensors' indices, which the oracle does not look at."""
    return Op(node.kind, tuple(range(len(node.inputs))), (0,), node.options, "+".join(node.layers))
