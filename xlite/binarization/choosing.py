"""Which layers are binarized, and why the others are not."""

from __future__ import annotations

from typing import Any

import keras

from xlite import filters
from xlite.binarization.kinds import QUANTIZED
from xlite.binarization.topology import Topology, is_input, is_model, read_topology

FIRST = "reads the input, whose values a sign would throw away"
LAST = "makes the output, which one bit a weight would coarsen"


def reasons_to_keep(model: Any, selection: filters.Selection) -> dict[int, str]:
    """For every convolution and dense layer (by ``id``) why it stays as it is; "" for one that is binarized.

    ``selection`` is as for :func:`xlite.filters.select`, save that ``None`` picks all but those before which, or
    behind which, there is no other convolution or dense layer.

    Raises TrainingError where layers are asked for by name that do not exist.
    """
    topology = read_topology(model)
    layers = filters.filter_layers(model)
    inside = _in_wrappers(model)
    chosen = None if selection is None else {id(layer) for layer in filters.pick(model, selection)}
    first, last = _first(topology), _last(topology)
    found = {}
    for layer in layers:
        reason = _obstacle(layer, inside)
        if not reason and chosen is None:
            reason = FIRST if id(layer) in first else LAST if id(layer) in last else ""
        elif not reason and chosen is not None and id(layer) not in chosen:
            reason = "is left out by layers="
        found[id(layer)] = reason
    return found


def _obstacle(layer: Any, inside: set[int]) -> str:
    if filters.quantizes_kernel(layer):
        return "has a kernel quantizer already"
    if type(layer) not in QUANTIZED:
        return f"xlite has no quantized {type(layer).__name__}"
    if id(layer) in inside:
        return "is inside of a wrapper, which would have to be rebuilt"
    if getattr(layer, "lora_enabled", False):
        return "trains by LoRA, which does not change its own kernel"
    if getattr(layer, "quantization_mode", None):
        return f"is quantized by Keras ({layer.quantization_mode})"
    return ""


def _in_wrappers(model: Any) -> set[int]:
    """Layers that a wrapper such as TimeDistributed holds."""
    found: set[int] = set()
    for layer in model.layers:
        if is_model(layer):
            found |= _in_wrappers(layer)
        elif isinstance(layer, keras.layers.Wrapper):
            found.add(id(layer.layer))
    return found


def _first(topology: Topology) -> set[int]:
    """Layers that an input reaches without passing another convolution or dense layer."""
    found: set[int] = set()
    _mark_first(topology, False, found)
    return found


def _mark_first(topology: Topology, before: bool, found: set[int]) -> bool:
    """``before``: whether one comes before the model's input. Returns whether one comes before its outputs."""
    state: dict[int, bool] = {}
    for call in topology.calls:
        earlier = before if is_input(call) else any(state[id(tensor)] for tensor in call.inputs)
        if is_model(call.target):
            earlier = _mark_first(read_topology(call.target), earlier, found)
        elif filters.layout_of(call.target) is not None:
            if not earlier:
                found.add(id(call.target))
            earlier = True
        state.update({id(tensor): earlier for tensor in call.outputs})
    return any(state[id(tensor)] for tensor in topology.model.outputs)


def _last(topology: Topology) -> set[int]:
    """Layers from which an output is reached without passing another one."""
    found: set[int] = set()
    _mark_last(topology, False, found)
    return found


def _mark_last(topology: Topology, behind: bool, found: set[int]) -> bool:
    """``behind``: whether one comes behind the model's outputs. Returns whether one comes behind its inputs."""
    state: dict[int, bool] = {}
    for call in reversed(topology.calls):
        later = any(state[id(reader)] for reader in topology.next_calls(call))
        later = later or (behind and topology.leaves_model(call))
        if is_model(call.target):
            later = _mark_last(read_topology(call.target), later, found)
        elif filters.layout_of(call.target) is not None:
            if not later:
                found.add(id(call.target))
            later = True
        state[id(call)] = later
    return any(state[id(call)] for call in topology.calls if is_input(call))
