"""A max pool between a packed convolution and its batch norm and sign moves behind the sign.

before: %1 = conv_2d(bits); %2 = max_pool_2d(%1); %3 = batch_norm(%2, ...); %4 = sign(%3)
after:  %1 = conv_2d(bits); %2 = batch_norm(%1, ...); %3 = sign(%2); %4 = max_pool_2d(%3, bit[C])

The convolution can then give bits by thresholds. For a function f that never decreases f(max(x)) = max(f(x)), and
for one that never increases f(max(x)) = min(f(x)); with a batch norm both occur, by the sign of each channel's
gamma, and the pool's ``flip`` input marks the channels whose minimum is wanted.
"""

from __future__ import annotations

import numpy as np

from xlite.converter.graph import Graph, Node, Value, bit_constant
from xlite.converter.passes.chains import Readers, directions, is_packed
from xlite.schema.types import OpKind


def run(graph: Graph) -> bool:
    readers = Readers(graph)
    for node in graph.nodes:
        if node.kind is not OpKind.SIGN or node.inputs[0] is None:
            continue
        chain = readers.chain_before(node.inputs[0])
        pool = readers.producers.get(chain.source)
        if not chain.nodes or pool is None or not _movable(pool, readers):
            continue
        turn = directions(chain.nodes, chain.source.type.shape[-1])
        if turn is not None:
            _move(graph, node, chain.nodes, pool, turn)
            return True
    return False


def _movable(pool: Node, readers: Readers) -> bool:
    """A max pool that nothing else reads, over a packed op that it alone reads (through links)."""
    x = pool.inputs[0]
    if pool.kind is not OpKind.MAX_POOL_2D or x is None or readers.only_reader(pool.output) is None:
        return False
    if readers.only_reader(x) is None:
        return False
    return is_packed(readers.producers.get(readers.chain_before(x).source))


def _move(graph: Graph, sign: Node, links: tuple[Node, ...], pool: Node, turn: np.ndarray) -> None:
    value = pool.inputs[0]
    assert value is not None
    for link in links:
        value = graph.add(link.kind, [value, *link.inputs[1:]], link.options, layers=link.layers, before=pool)
    bits = graph.add(OpKind.SIGN, [value], layers=sign.layers, before=pool)
    flip: Value | None = None
    if np.any(turn < 0):
        flip = bit_constant(f"{pool.output.name}/flip", turn)
    name = sign.output.name
    pooled = graph.add(OpKind.MAX_POOL_2D, [bits, flip], pool.options, layers=pool.layers, name=name, before=pool)
    graph.replace(sign.output, pooled)
    for node in (sign, *links, pool):
        graph.remove(node)
