"""The functions and Lambda layers of the larq-zoo package, by the names under which its networks are saved."""

from __future__ import annotations

from typing import Any

import numpy as np

from xlite.converter.frontend.model import KerasLayer
from xlite.converter.graph import Value
from xlite.converter.lowering.activations import activation, relu
from xlite.converter.lowering.code import code_in, lambda_layer
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.magnitudes import filter_magnitudes, kernel_magnitude
from xlite.converter.lowering.quantizers import kernel_quantizer, scaled_signs
from xlite.converter.lowering.registry import Lowering, find_lowering
from xlite.schema.types import OpKind, PadOptions


@kernel_quantizer("xnor_weight_scale", "XnorWeightScale", binary=True)
def xnor_weight_scale(kernel: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    """XNOR-Net's alpha * sign(w), alpha = mean |w| of a filter (arXiv 1603.05279), w clipped to -1 to 1 before."""
    return scaled_signs(kernel, filter_magnitudes(np.clip(kernel, -1, 1)))


@kernel_quantizer("magnitude_aware_sign_unclipped", "layer_scaled_sign", "LayerScaledSign", binary=True)
def magnitude_aware_sign_unclipped(kernel: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    """alpha * sign(w) with one alpha for the whole kernel, as in DoReFa-Net (arXiv 1606.06160)."""
    return scaled_signs(kernel, kernel_magnitude(kernel))


@activation("clip_by_value_activation")
def clip_by_value_activation(ctx: Context, x: Value) -> Value:
    """clip(x, 0, 1)."""
    return relu(ctx, x, max_value=1.0)


# -- Lambda layers -------------------------------------------------------------------------------------------


@lambda_layer("*_block_*_out", module="larq_zoo.literature.real_to_bin_nets")
def block_output(ctx: Context, x: Value) -> Value:
    """RealToBinaryNet gives its blocks' outputs a name in this way."""
    return x


@lambda_layer("*", module="larq_zoo.core.utils")
def tensorflow_function(ctx: Context, *inputs: Value) -> Value | list[Value]:
    """One TensorFlow function with fixed arguments: the file holds both as data, in what the code closes over."""
    closure = code_in(ctx).closure
    if len(closure) != 3 or not isinstance(closure[2], str):
        raise ctx.unsupported(
            "does not say which TensorFlow function it calls",
            f'say what it does with @xlite.converter.lowering.lambda_layer("{ctx.name}")',
        )
    args, kwargs, name = closure
    function = _operation(ctx, name)
    given = inputs[0] if len(inputs) == 1 else list(inputs)
    result = function(ctx, given, *(args or ()), **(kwargs or {}))
    return result if isinstance(result, Value) else list(result)


def _operation(ctx: Context, name: str) -> Lowering:
    """The lowering of a TensorFlow function."""
    return find_lowering(KerasLayer(ctx.name, "TFOpLambda", "TFOpLambda", {"function": name}))


@lambda_layer("*_merge", module="larq_zoo.literature.meliusnet")
def add_to_last_channels(ctx: Context, x: Value, improvement: Value) -> Value:
    """MeliusNet's improvement block (arXiv 2001.05936): adds to the newest channels alone."""
    missing = x.type.shape[-1] - improvement.type.shape[-1]
    padded = improvement
    if missing:
        padded = ctx.add(OpKind.PAD, [improvement], PadOptions((0, 0, 0, 0, 0, 0, missing, 0)))
    return ctx.add(OpKind.ADD, [x, padded])
