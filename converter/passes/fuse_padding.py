"""A padding op in front of a convolution becomes the convolution's own padding.

before: %1 = pad(%0) {paddings=(0, 0, 1, 1, 1, 1, 0, 0), value=1.0}; %2 = conv_2d(%1, bit[8,3,3,32])
after:  %2 = conv_2d(%0, bit[8,3,3,32]) {pad_top=1, pad_bottom=1, pad_left=1, pad_right=1, pad_value=1}

Floats can only be padded with 0 that way, bits with +1 or -1; and a convolution that pads already must do so with
the same value.
"""

from __future__ import annotations

from dataclasses import replace

from xlite.converter.graph import Graph, Node
from xlite.schema.types import Conv2DOptions, Conv3DOptions, DType, OpKind, PadOptions

_2D = (("pad_top", "pad_bottom"), ("pad_left", "pad_right"))
_AXES = {
    OpKind.CONV_2D: _2D,
    OpKind.DEPTHWISE_CONV_2D: _2D,
    OpKind.CONV_3D: (("pad_front", "pad_back"), *_2D),
}


def run(graph: Graph) -> bool:
    producers = graph.producers()
    changed = False
    for node in graph.nodes:
        x = node.inputs[0] if node.kind in _AXES else None
        pad = producers.get(x) if x is not None else None
        if pad is not None and pad.kind is OpKind.PAD:
            changed |= _fuse(node, pad)
    return changed


def _fuse(node: Node, pad: Node) -> bool:
    options, padding, x = node.options, pad.options, pad.inputs[0]
    assert isinstance(options, (Conv2DOptions, Conv3DOptions))
    assert isinstance(padding, PadOptions)
    assert x is not None
    names = [name for axis in _AXES[node.kind] for name in axis]
    spatial, channels = padding.paddings[2:-2], padding.paddings[-2:]
    own = any(getattr(options, name) for name in names)
    fits = padding.value == 0 if x.type.dtype is DType.FLOAT32 else padding.value in (1, -1)
    if not fits or any(channels) or (own and options.pad_value != padding.value):
        return False
    added = {name: getattr(options, name) + amount for name, amount in zip(names, spatial)}
    node.options = replace(options, pad_value=int(padding.value), **added)  # type: ignore[arg-type]
    node.inputs[0] = x
    node.layers = tuple(dict.fromkeys((*node.layers, *pad.layers)))
    return True
