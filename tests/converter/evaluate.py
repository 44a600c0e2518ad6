"""Runs a float graph (what lowering gives) in the plainest numpy, in float64: the tests' own reading of the ops.

Bits are held as +1.0 and -1.0; there are no packed constants before the passes have run.
"""

from __future__ import annotations

import numpy as np

from xlite.converter.graph import Graph, Node
from xlite.schema.types import Activation, ActivationKind, OpKind


def evaluate(graph: Graph, *inputs: np.ndarray) -> list[np.ndarray]:
    """The graph's outputs for inputs of any batch, in the order of ``graph.outputs``."""
    values = {value: np.asarray(x, np.float64) for value, x in zip(graph.inputs, inputs)}
    for node in graph.nodes:
        given = [
            None if v is None else values[v] if v.data is None else v.data.astype(np.float64) for v in node.inputs
        ]
        result = _RULES[node.kind](node, *given)
        expected = node.output.type.shape[1:]
        assert result.shape[1:] == expected, f"{node.kind.name} gives {result.shape}, the graph says {expected}"
        values[node.output] = result
    return [values[value] for value in graph.outputs]


def _windows(x, window, options, fill):
    """Every window of a padded image: (N, OH, OW, KH, KW, C)."""
    pads = ((options.pad_top, options.pad_bottom), (options.pad_left, options.pad_right))
    x = np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=fill)
    dilation = (getattr(options, "dilation_h", 1), getattr(options, "dilation_w", 1))
    spans = [(k - 1) * d + 1 for k, d in zip(window, dilation)]
    view = np.lib.stride_tricks.sliding_window_view(x, spans, axis=(1, 2))
    view = view[:, :: options.stride_h, :: options.stride_w, :, :: dilation[0], :: dilation[1]]
    return view.transpose(0, 1, 2, 4, 5, 3)


def _activation(x, activation: Activation):
    kind = activation.kind
    if kind is ActivationKind.RELU:
        below = activation.alpha * (x - activation.threshold)
        return np.where(
            x >= activation.max_value, activation.max_value, np.where(x >= activation.threshold, x, below)
        )
    if kind is ActivationKind.SIGMOID:
        return 1 / (1 + np.exp(-x))
    if kind is ActivationKind.TANH:
        return np.tanh(x)
    if kind is ActivationKind.HARD_TANH:
        return np.clip(x, -1, 1)
    return x


def _finish(y, bias, options):
    return _activation(y if bias is None else y + bias, options.activation)


def _conv(node: Node, x, kernel, scale, bias, threshold):
    options = node.options
    taps = _windows(x, kernel.shape[1:3], options, options.pad_value)
    per_group = kernel.shape[3]
    filters = len(kernel) // options.groups
    groups = []
    for g in range(options.groups):
        part = taps[..., g * per_group : (g + 1) * per_group]
        groups.append(np.einsum("nhwijc,oijc->nhwo", part, kernel[g * filters : (g + 1) * filters]))
    return _finish(np.concatenate(groups, axis=-1), bias, options)


def _depthwise(node: Node, x, kernel, scale, bias, threshold):
    taps = _windows(x, kernel.shape[:2], node.options, node.options.pad_value)
    taps = np.repeat(taps, kernel.shape[2] // x.shape[-1], axis=-1)
    return _finish(np.einsum("nhwijc,ijc->nhwc", taps, kernel), bias, node.options)


def _dense(node: Node, x, kernel, scale, bias, threshold):
    return _finish(x @ kernel.T, bias, node.options)


def _max_pool(node: Node, x, flip):
    window = (node.options.window_h, node.options.window_w)
    return _windows(x, window, node.options, -np.inf).max(axis=(3, 4))


def _average_pool(node: Node, x):
    window = (node.options.window_h, node.options.window_w)
    return np.nanmean(_windows(x, window, node.options, np.nan), axis=(3, 4))


def _softmax(node: Node, x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _pad(node: Node, x):
    pads = np.reshape(node.options.paddings, (-1, 2))
    return np.pad(x, pads, constant_values=node.options.value)


_RULES = {
    OpKind.CONV_2D: _conv,
    OpKind.DEPTHWISE_CONV_2D: _depthwise,
    OpKind.DENSE: _dense,
    OpKind.BATCH_NORM: lambda node, x, scale, offset: x * scale + offset,
    OpKind.SIGN: lambda node, x: np.where(x < 0, -1.0, 1.0),
    OpKind.UNPACK: lambda node, x: x,
    OpKind.ACTIVATION: lambda node, x: _activation(x, node.options.activation),
    OpKind.PRELU: lambda node, x, slope: np.where(x < 0, slope * x, x),
    OpKind.SOFTMAX: _softmax,
    OpKind.MAX_POOL_2D: _max_pool,
    OpKind.AVERAGE_POOL_2D: _average_pool,
    OpKind.ADD: lambda node, a, b: a + b,
    OpKind.CONCATENATE: lambda node, *xs: np.concatenate(xs, axis=node.options.axis),
    OpKind.RESHAPE: lambda node, x: x.reshape((len(x), *node.options.shape)),
    OpKind.PAD: _pad,
}
