"""What stands before each sign: activations that it makes meaningless go, a batch norm that is missing comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import keras

from xlite.binarization import kinds
from xlite.binarization.topology import Call, Topology


@dataclass
class Rewrites:
    """Calls (by ``id``) of one model: activations that fall away, binarized layers before which a batch norm is
    put, batch norms that come behind the pooling that follows them; layers (by ``id``) that lose their own
    activation."""

    without: set[int] = field(default_factory=set)
    without_fused: set[int] = field(default_factory=set)
    norm_before: set[int] = field(default_factory=set)
    pool_first: dict[int, Call] = field(default_factory=dict)  # norm's call -> the pooling's call


def rewrites(topology: Topology, binarized: set[int]) -> Rewrites:
    """``binarized``: layers (by ``id``) whose inputs get a sign."""
    found = Rewrites()
    kept_fused: set[int] = set()
    for call in topology.calls:
        if kinds.is_activation(call.target):
            if _feeds_signs(topology, call, binarized):
                found.without.add(id(call))
        elif kinds.fused_activation(call.target) is not None:
            removable = _feeds_signs(topology, call, binarized)
            (found.without_fused if removable else kept_fused).add(id(call.target))
    found.without_fused -= kept_fused  # a layer that is called twice has one activation
    for call in topology.calls:
        if id(call.target) in binarized and not _is_centred(topology, call.inputs[0], found):
            found.norm_before.add(id(call))
    for call in topology.calls:
        pool = _pool_behind(topology, call, binarized, found)
        if pool is not None:
            found.pool_first[id(call)] = pool
    return found


def _feeds_signs(topology: Topology, call: Call, binarized: set[int]) -> bool:
    """Whether all that reads this call's output, if only through other layers, is a sign or another activation,
    and a sign is among them."""
    signs = False
    seen: set[int] = set()
    waiting = [call]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if topology.leaves_model(current):
            return False
        for reader in topology.next_calls(current):
            target = reader.target
            if id(target) in binarized or getattr(target, "input_quantizer", None) is not None:
                signs = True
            elif (
                kinds.is_carrier(target) or kinds.is_norm(target) or kinds.is_sum(target) or kinds.is_join(target)
            ):
                waiting.append(reader)
            elif not kinds.is_activation(target):
                return False
    return signs


def _is_centred(topology: Topology, tensor: Any, found: Rewrites) -> bool:
    """Whether values of both signs are to be expected: a norm made them, or a sum with one."""
    while True:
        call = topology.makers[id(tensor)]
        if kinds.is_norm(call.target):
            return True
        if kinds.is_sum(call.target):
            return any(_is_centred(topology, operand, found) for operand in call.inputs)
        if kinds.is_join(call.target):
            return all(_is_centred(topology, operand, found) for operand in call.inputs)
        if not kinds.is_carrier(call.target) and id(call) not in found.without:
            return False
        tensor = call.inputs[0]


def _pool_behind(topology: Topology, call: Call, binarized: set[int], found: Rewrites) -> Call | None:
    """The max pooling behind a batch norm with which it can change places: the norm rises with its input, belongs
    to a binarized layer and has no other reader."""
    if not isinstance(call.target, keras.layers.BatchNormalization) or not _rises(call.target):
        return None
    if id(topology.makers[id(call.inputs[0])].target) not in binarized or len(call.target._inbound_nodes) != 1:
        return None
    for reader in _only_readers(topology, call):
        if isinstance(reader.target, kinds.MAX_POOLS):
            return reader if reader.target.data_format == "channels_last" else None
        if id(reader) not in found.without:
            return None
    return None


def _only_readers(topology: Topology, call: Call) -> Iterator[Call]:
    """The call's only reader, that one's only reader, and so on."""
    while True:
        readers = list(topology.next_calls(call))
        if len(readers) != 1 or topology.leaves_model(call):
            return
        call = readers[0]
        yield call


def _rises(norm: Any) -> bool:
    """Whether the norm is one of channels, the last axis, and no channel of it turns its values round."""
    axis = norm.axis if isinstance(norm.axis, int) else norm.axis[0]
    last = axis in (-1, norm.input_spec.ndim - 1)
    return last and (not norm.scale or float(keras.ops.min(norm.gamma)) > 0)
