"""Runs a float graph (what lowering gives) by the oracle of single ops, in float64."""

from __future__ import annotations

import numpy as np

from tests.oracle import evaluate as evaluate_op
from xlite.converter.graph import Graph
from xlite.schema.types import Op


def evaluate(graph: Graph, *inputs: np.ndarray) -> list[np.ndarray]:
    """The graph's outputs for inputs of any batch, in the order of ``graph.outputs``."""
    values = {value: np.asarray(x, np.float64) for value, x in zip(graph.inputs, inputs)}
    for node in graph.nodes:
        op = Op(node.kind, (), (), node.options)
        given = [None if v is None else values[v] if v.data is None else v.data for v in node.inputs]
        result = evaluate_op(op, given)
        expected = node.output.type.shape[1:]
        assert result.shape[1:] == expected, f"{node.kind.name} gives {result.shape}, the graph says {expected}"
        values[node.output] = result
    return [values[value] for value in graph.outputs]
