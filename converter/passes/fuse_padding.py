"""A padding op in front of a convolution becomes the convolution's own padding.

before: %1 = pad(%0) {paddings=(0, 0, 1, 1, 1, 1, 0, 0), value=1.0}; %2 = conv_2d(%1, bit[8,3,3,32])
after:  %2 = conv_2d(%0, bit[8,3,3,32]) {pad_top=1, pad_bottom=1, pad_left=1, pad_right=1, pad_value=1}

Floats can only be padded with 0 that way, bits with +1 or -1; and a convolution that pads already must do so with
the same value.
"""

from __future__ import annotations

from dataclasses import replace

from xlite.converter.graph import Graph, Node
from xlite.schema.types import Conv2DOptions, DType, OpKind, PadOptions


def run(graph: Graph) -> bool:
    producers = graph.producers()
    changed = False
    for node in graph.nodes:
        if node.kind not in (OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D):
            continue
        x = node.inputs[0]
        pad = producers.get(x) if x is not None else None
        if pad is not None and pad.kind is OpKind.PAD:
            changed |= _fuse(node, pad)
    return changed


def _fuse(node: Node, pad: Node) -> bool:
    options, padding, x = node.options, pad.options, pad.inputs[0]
    assert isinstance(options, Conv2DOptions)
    assert isinstance(padding, PadOptions)
    assert x is not None
    *_batch, top, bottom, left, right, front, back = padding.paddings
    own = any((options.pad_top, options.pad_bottom, options.pad_left, options.pad_right))
    fits = padding.value == 0 if x.type.dtype is DType.FLOAT32 else padding.value in (1, -1)
    if not fits or front or back or (own and options.pad_value != padding.value):
        return False
    node.options = replace(
        options,
        pad_top=options.pad_top + top,
        pad_bottom=options.pad_bottom + bottom,
        pad_left=options.pad_left + left,
        pad_right=options.pad_right + right,
        pad_value=int(padding.value),
    )
    node.inputs[0] = x
    node.layers = tuple(dict.fromkeys((*node.layers, *pad.layers)))
    return True
