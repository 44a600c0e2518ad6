"""A sign after a packed convolution, with everything per-channel in between, becomes one integer comparison.

before: %1 = conv_2d(bits, bit[8,3,3,32], alpha, bias) {relu}; %2 = batch_norm(%1, ...); %3 = sign(%2)
after:  %3 = conv_2d(bits, bit[8,3,3,32], -, -, i32[8]) {output_dtype=BIT}

The accumulator is an integer in [-K, K], so the chain, evaluated in float64 at these integers, is a list of
signs. Where it changes once, from -1 to +1, that is a threshold t: -1 iff acc < t. A channel where it changes from
+1 to -1 gets its weights negated, which negates the accumulator exactly (padding of any value included): with the
last +1 at acc = u, -1 iff acc > u, so -1 iff -acc < -u. Never and always are INT32_MIN and INT32_MAX.

Chains that are monotone are searched by bisection; others (a PReLU with a negative slope) at every integer, and
are left alone if the signs change more than once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from xlite.converter.graph import Graph, Node, Value, constant, int8_constant
from xlite.converter.passes.chains import (
    Readers,
    accumulator_bound,
    directions,
    evaluate,
    is_packed,
)
from xlite.converter.passes.pack_weights import CHANNEL_AXIS, PACKED_AXES
from xlite.schema.activations import is_rising
from xlite.schema.bits import pack_signs, unpack_signs
from xlite.schema.types import Conv2DOptions, Conv3DOptions, DenseOptions, DType, OpKind, TensorType

NEVER = np.iinfo(np.int32).min
ALWAYS = np.iinfo(np.int32).max
MAX_TABLE = 1 << 25  # signs that the exhaustive search may list


def run(graph: Graph) -> bool:
    readers = Readers(graph)
    for node in graph.nodes:
        if node.kind is not OpKind.SIGN or node.inputs[0] is None:
            continue
        if readers.only_reader(node.inputs[0]) is None:
            continue
        chain = readers.chain_before(node.inputs[0])
        source = readers.producers.get(chain.source)
        if source is None or not is_packed(source) or readers.only_reader(chain.source) is None:
            continue
        found = thresholds(source, chain.nodes)
        if found is not None:
            _fold(graph, source, chain.nodes, node, *found)
            return True
    return False


def thresholds(conv: Node, links: Sequence[Node]) -> tuple[np.ndarray, np.ndarray] | None:
    """int32 thresholds and a bool per channel that says whose weights are to be negated; None if not foldable."""
    channels = conv.output.type.shape[-1]
    bound = accumulator_bound(conv)
    assert isinstance(conv.options, (Conv2DOptions, Conv3DOptions, DenseOptions))
    if directions(links, channels) is not None and is_rising(conv.options.activation):
        return _bisect(conv, links, channels, bound)
    return _search(conv, links, channels, bound)


def _bisect(conv: Node, links: Sequence[Node], channels: int, bound: int) -> tuple[np.ndarray, np.ndarray]:
    def negative(acc: np.ndarray) -> np.ndarray:
        return evaluate(conv, links, acc) < 0

    low = np.full(channels, -bound, np.int64)
    high = np.full(channels, bound, np.int64)
    at_low, at_high = negative(low), negative(high)
    while np.any(high - low > 1):
        middle = (low + high) >> 1
        same = negative(middle) == at_low
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    # signs up to ``low`` are those at -K, from ``high`` on those at K
    flip = ~at_low & at_high
    found = np.where(flip, -low, high)
    found = np.where(at_low & at_high, ALWAYS, np.where(~at_low & ~at_high, NEVER, found))
    return found.astype(np.int32), flip


def _search(conv: Node, links: Sequence[Node], channels: int, bound: int) -> tuple[np.ndarray, np.ndarray] | None:
    if (2 * bound + 1) * channels > MAX_TABLE:
        return None
    acc = np.arange(-bound, bound + 1, dtype=np.int64)[:, None]
    negative = evaluate(conv, links, np.broadcast_to(acc, (len(acc), channels))) < 0
    changes = negative[1:] != negative[:-1]
    if np.any(changes.sum(axis=0) > 1):
        return None
    at_low, at_high = negative[0], negative[-1]
    low = -bound + np.argmax(changes, axis=0)
    flip = ~at_low & at_high
    found = np.where(flip, -low, low + 1)
    found = np.where(at_low & at_high, ALWAYS, np.where(~at_low & ~at_high, NEVER, found))
    return found.astype(np.int32), flip


def _fold(
    graph: Graph, conv: Node, links: Sequence[Node], sign: Node, found: np.ndarray, flip: np.ndarray
) -> None:
    x, kernel = conv.inputs[0], conv.inputs[1]
    assert kernel is not None
    if np.any(flip):
        kernel = _negated(kernel, flip, conv.kind)
    threshold = constant(f"{conv.output.name}/threshold", found)
    options = _bit_options(conv.options)
    layers = dict.fromkeys((*conv.layers, *(name for link in links for name in link.layers), *sign.layers))
    inputs = [x, kernel, None, None, threshold, conv.inputs[5]]
    bits = graph.add(conv.kind, inputs, options, layers=layers, name=sign.output.name, before=conv)
    graph.replace(sign.output, bits)
    for node in (sign, *links, conv):
        graph.remove(node)


def _bit_options(options):
    return replace(options, output_dtype=DType.BIT, activation=type(options)().activation)


def _negated(kernel: Value, flip: np.ndarray, kind: OpKind) -> Value:
    """The filter of bits or int8 (above -128) with the weights of the marked output channels negated."""
    axes = PACKED_AXES[kind]
    assert kernel.data is not None
    turn = np.where(flip, -1, 1).astype(np.int8)
    shape = [1] * len(kernel.type.shape)
    shape[CHANNEL_AXIS[kind]] = -1
    if kernel.type.dtype is DType.INT8:
        return int8_constant(kernel.name, kernel.data * turn.reshape(shape))
    signs = unpack_signs(kernel.data, kernel.type.shape, axes) * turn.reshape(shape)
    return Value(kernel.name, TensorType(kernel.type.shape, DType.BIT, axes), pack_signs(signs, axes))
