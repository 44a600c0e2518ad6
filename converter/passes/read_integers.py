"""Convolutions and dense layers read integers where their input was made floats from integers, or int8 filters
bits.

before: %1 = dequantize(%0); %2 = batch_norm(%1, s, o); %3 = conv_2d(%2, bit[8,3,3,3], alpha, -) {pad_top=1}
after:  %3 = conv_2d(%0, bit[8,3,3,3], alpha * s / m, -) {pad_top=1, input_multiplier=m, input_zero_point=z}

With x = s * q + o and the real zero at q = -o / s = z / m, x = (s / m) * (m * q - z): the op sums integers exactly
and pads with the real number 0. m is 1 where zero is an integer, 2 where it lies between two (pixels from -1 to
1). Where it is no such number, and nothing is padded, what is left over of o is a constant of every sum and goes
to the bias.

What made floats of the integers may be followed by one scale and offset for all, and by ops that only move or
compare (see ``affine``). Filters are bits, or int8; float ones stay as they are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xlite.converter.graph import Graph, Node, Value, bit_constant, constant
from xlite.converter.passes.affine import Affine, Numbers, affine, moved, numbers
from xlite.converter.passes.pack_int8 import KINDS
from xlite.converter.passes.pack_weights import PACKED_AXES, filter_rows, find_levels
from xlite.schema.bits import unpack_signs
from xlite.schema.contracts import ContractError, infer
from xlite.schema.types import Conv2DOptions, DenseOptions, DType, OpKind


def run(graph: Graph) -> bool:
    producers = graph.producers()
    for node in graph.nodes:
        x = node.inputs[0] if node.kind in KINDS else None
        if x is None or x.type.dtype is not DType.FLOAT32:
            continue
        found = affine(x, producers)
        if _read_bits(node, producers.get(x)) or (found is not None and _read(graph, node, found)):
            return True
    return False


def _read_bits(node: Node, source: Node | None) -> bool:
    """An int8 filter over unpacked bits reads the bits."""
    kernel = node.inputs[1]
    if kernel is None or kernel.type.dtype is not DType.INT8 or source is None or source.kind is not OpKind.UNPACK:
        return False
    node.inputs[0] = source.inputs[0]
    return True


def _read(graph: Graph, node: Node, found: Affine) -> bool:
    options = node.options
    assert isinstance(options, (Conv2DOptions, DenseOptions))
    counted = numbers(found, pads(options))
    filters = _filters(node)
    if counted is None or filters is None:
        return False
    kernel, mask, alpha = filters
    options = replace(options, input_multiplier=counted.multiplier, input_zero_point=counted.zero_point)
    integers = replace(found.integers.type, shape=node.inputs[0].type.shape)  # type: ignore[union-attr]
    try:
        infer(node.kind, [integers, kernel.type, None, None, None, None if mask is None else mask.type], options)
    except ContractError:  # its sums do not fit an int32
        return False
    node.inputs[2], node.inputs[3] = _constants(node, kernel, mask, alpha, counted)
    node.inputs[0], node.inputs[1], node.inputs[5] = moved(graph, found, node), kernel, mask
    node.options = options
    return True


def pads(options: Conv2DOptions | DenseOptions) -> bool:
    """Whether zeros lie around the image."""
    names = ("pad_top", "pad_bottom", "pad_left", "pad_right")
    return any(getattr(options, name, 0) for name in names)


def _filters(node: Node) -> tuple[Value, Value | None, np.ndarray | None] | None:
    """The filter of bits or int8, its mask and the scale it brings along; None for one of floats."""
    kernel = node.inputs[1]
    assert kernel is not None
    assert kernel.data is not None
    if kernel.type.dtype is not DType.FLOAT32:
        return kernel, node.inputs[5], None
    levels = find_levels(node.kind, kernel.data)  # too small a filter to be worth packing for its size
    if levels is None:
        return None
    axes = PACKED_AXES[node.kind]
    mask = None
    if levels.zeros is not None:
        mask = bit_constant(f"{kernel.name}/mask", np.where(levels.zeros, -1, 1), axes)
    return bit_constant(kernel.name, kernel.data, axes), mask, levels.alpha


def _constants(
    node: Node, kernel: Value, mask: Value | None, alpha: np.ndarray | None, counted: Numbers
) -> tuple[Value, Value | None]:
    """Scale and bias of the sums of integers."""
    channels = node.output.type.shape[-1]
    scale = np.ones(channels) if alpha is None else alpha.astype(np.float64)
    own = node.constant(2)
    if own is not None:
        scale = scale * own
    bias = node.inputs[3]
    if counted.rest != 0.0:
        added = counted.rest * scale * _sums(node.kind, kernel, mask)
        before = node.constant(3)
        bias = constant(f"{kernel.name}/bias", (added + (0.0 if before is None else before)).astype(np.float32))
    return constant(f"{kernel.name}/scale", (scale * counted.scale).astype(np.float32)), bias


def _sums(kind: OpKind, kernel: Value, mask: Value | None) -> np.ndarray:
    """The sum of the weights of every filter."""
    assert kernel.data is not None
    weights = kernel.data
    if kernel.type.dtype is DType.BIT:
        weights = unpack_signs(kernel.data, kernel.type.shape, kernel.type.packed_axes)
        if mask is not None and mask.data is not None:
            weights = np.where(unpack_signs(mask.data, mask.type.shape, mask.type.packed_axes) < 0, 0, weights)
    return filter_rows(kind, weights).sum(axis=0, dtype=np.float64)
