"""Chains of per-channel float ops between a convolution and a sign, as functions of the accumulator.

    y = step_n(... step_1(acc * scale + bias))        per output channel, in float64

Shared by the passes that fold such a chain into thresholds or move a max pool across it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from xlite.converter.graph import Graph, Node, Value
from xlite.schema import contracts
from xlite.schema.activations import is_rising
from xlite.schema.contracts import FILTERED
from xlite.schema.types import Activation, ActivationKind, ActivationOptions, DType, OpKind

# Ops that move elements without changing them (a padding adds some).
PER_ELEMENT = frozenset(
    {OpKind.RESHAPE, OpKind.CONCATENATE, OpKind.PAD, OpKind.TRANSPOSE, OpKind.SLICE, OpKind.TILE}
)
LINKS = (OpKind.BATCH_NORM, OpKind.ACTIVATION, OpKind.PRELU)


@dataclass(frozen=True)
class Chain:
    """``nodes`` from the source outward; ``source`` is the value that the first of them reads."""

    source: Value
    nodes: tuple[Node, ...]


class Readers:
    """Who computes and who reads each value, gathered once for a graph that does not change meanwhile."""

    def __init__(self, graph: Graph):
        self.producers = graph.producers()
        self.uses = graph.uses()
        self.outputs = set(graph.outputs)

    def only_reader(self, value: Value) -> Node | None:
        """The one node that reads the value, None if there are several or it is an output of the graph."""
        users = self.uses.get(value, [])
        return users[0] if len(users) == 1 and value not in self.outputs else None

    def chain_before(self, value: Value) -> Chain:
        """The longest chain of links that ends in ``value`` and is read by nothing else on the way."""
        nodes: list[Node] = []
        while True:
            node = self.producers.get(value)
            if node is None or not is_link(node) or self.only_reader(value) is None:
                return Chain(value, tuple(reversed(nodes)))
            nodes.append(node)
            first = node.inputs[0]
            assert first is not None
            value = first


def is_link(node: Node) -> bool:
    """A float op that maps each channel of the last axis by itself."""
    if node.kind is OpKind.PRELU:
        slope = node.inputs[1]
        return slope is not None and all(d == 1 for d in slope.type.shape[:-1])
    if isinstance(node.options, ActivationOptions):
        return node.options.activation.kind in FUNCTIONS
    return node.kind in LINKS


def is_packed(node: Node | None) -> bool:
    """A convolution or dense op that sums bits or integers and still gives floats."""
    if node is None or node.kind not in FILTERED:
        return False
    x, kernel = node.inputs[:2]
    both = x is not None and kernel is not None and DType.FLOAT32 not in (x.type.dtype, kernel.type.dtype)
    return both and node.output.type.dtype is DType.FLOAT32


def accumulator_bound(node: Node) -> int:
    """K: the accumulator of a packed op lies in [-K, K]."""
    x, kernel = node.inputs[:2]
    assert x is not None
    assert kernel is not None
    return contracts.accumulator_bound(node.kind, kernel.type, node.options, x.type.dtype)


def evaluate(node: Node, links: Sequence[Node], acc: np.ndarray) -> np.ndarray:
    """The float64 value of the chain for accumulators of shape (..., channels)."""
    scale, bias = node.constant(2), node.constant(3)
    y = acc.astype(np.float64)
    if scale is not None:
        y = y * scale.astype(np.float64)
    if bias is not None:
        y = y + bias.astype(np.float64)
    assert node.options is not None
    y = _activate(y, node.options.activation)  # type: ignore[union-attr]
    for link in links:
        y = _link(link, y)
    return y


def _link(link: Node, y: np.ndarray) -> np.ndarray:
    if link.kind is OpKind.BATCH_NORM:
        scale, offset = link.constant(1), link.constant(2)
        assert scale is not None
        assert offset is not None
        return y * scale.astype(np.float64) + offset.astype(np.float64)
    if link.kind is OpKind.PRELU:
        return np.where(y >= 0, y, y * _slope(link))
    return _activate(y, link.options.activation)  # type: ignore[union-attr]


def _relu(y: np.ndarray, a: Activation) -> np.ndarray:
    low = a.alpha * (y - a.threshold)
    return np.where(y >= a.max_value, a.max_value, np.where(y >= a.threshold, y, low))


def _sigmoid(y: np.ndarray) -> np.ndarray:
    return 0.5 * np.tanh(0.5 * y) + 0.5


def _negative_exp(y: np.ndarray) -> np.ndarray:
    """exp(y) - 1 where y < 0, else 0."""
    return np.expm1(np.minimum(y, 0.0))


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017, arXiv 1706.02515

# The activations that can be folded, in float64. Others stay float ops.
FUNCTIONS: dict[ActivationKind, Callable[[np.ndarray, Activation], np.ndarray]] = {
    ActivationKind.NONE: lambda y, a: y,
    ActivationKind.RELU: _relu,
    ActivationKind.SIGMOID: lambda y, a: _sigmoid(y),
    ActivationKind.TANH: lambda y, a: np.tanh(y),
    ActivationKind.HARD_TANH: lambda y, a: np.clip(y, -1.0, 1.0),
    ActivationKind.ELU: lambda y, a: np.where(y > 0, y, a.alpha * _negative_exp(y)),
    ActivationKind.SELU: lambda y, a: _SELU_SCALE * np.where(y > 0, y, _SELU_ALPHA * _negative_exp(y)),
    ActivationKind.CELU: lambda y, a: np.where(y > 0, y, a.alpha * _negative_exp(y / a.alpha)),
    ActivationKind.SOFTPLUS: lambda y, a: np.logaddexp(0.0, y),
    ActivationKind.SOFTSIGN: lambda y, a: y / (1.0 + np.abs(y)),
    ActivationKind.HARD_SIGMOID: lambda y, a: np.clip(a.alpha * y + a.threshold, 0.0, 1.0),
    ActivationKind.CLIP: lambda y, a: np.clip(y, a.threshold, a.max_value),
    ActivationKind.SILU: lambda y, a: y * _sigmoid(y),
}


def _activate(y: np.ndarray, activation: Activation) -> np.ndarray:
    return FUNCTIONS[activation.kind](y, activation)


def _slope(link: Node) -> np.ndarray:
    slope = link.constant(1)
    assert slope is not None
    return slope.astype(np.float64).reshape(-1)


def directions(links: Sequence[Node], channels: int) -> np.ndarray | None:
    """Per channel +1 if the links never decrease, -1 if they never increase, 0 if both hold (they are constant).

    None where some channel does neither. int8 of shape (channels,).
    """
    sign = np.ones(channels, np.int8)
    for link in links:
        if link.kind is OpKind.BATCH_NORM:
            scale = link.constant(1)
            assert scale is not None
            sign = sign * np.sign(scale).astype(np.int8)
        elif link.kind is OpKind.PRELU:
            if np.any(_slope(link) < 0):
                return None
        elif not is_rising(link.options.activation):  # type: ignore[union-attr]
            return None
    return sign
