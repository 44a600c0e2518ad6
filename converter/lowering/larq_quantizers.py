"""Larq's quantizers that are no plain sign: Heaviside, ternary, DoReFa.

Kernels are computed in float32, step by step as Larq does. Sums over a kernel are taken in float64 and rounded
once: TensorFlow's own order of summation differs from machine to machine, and this is the value in their middle.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.quantizers import input_quantizer, kernel_quantizer
from xlite.schema.contracts.rules import MAX_PLANES
from xlite.schema.types import Activation, ActivationKind, ActivationOptions, OpKind, PlanesKind, PlanesOptions

# -- 0 and 1 -------------------------------------------------------------------------------------------------


@kernel_quantizer("ste_heaviside", "SteHeaviside", binary=True)
def heaviside_kernel(kernel: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    """1 where w > 0, else 0."""
    return (kernel > 0).astype(np.float32)


@input_quantizer("ste_heaviside", "SteHeaviside", binary=True)
def heaviside_input(ctx: Context, x: Value, config: dict[str, Any]) -> Value:
    return _planes(ctx, x, PlanesOptions(PlanesKind.HEAVISIDE, 1))


# -- -1, 0 and 1 ---------------------------------------------------------------------------------------------


@kernel_quantizer("ste_tern", "SteTern", binary=True)
def ternary_kernel(kernel: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    """sign(sign(w + t) + sign(w - t)), t given or, as in Ternary Weight Networks (arXiv 1605.04711), 0.7 times the
    mean of |w| over the whole kernel. At w = t and w = -t the one half counts alone: they become 1 and -1."""
    threshold = np.float32(config.get("threshold_value", 0.05))
    if config.get("ternary_weight_networks"):
        total = np.float32(np.abs(kernel).sum(dtype=np.float64))
        threshold = np.float32(0.7) * total / np.float32(kernel.size)
    return np.sign(np.sign(kernel + threshold) + np.sign(kernel - threshold))


@input_quantizer("ste_tern", "SteTern")
def ternary_input(ctx: Context, x: Value, config: dict[str, Any]) -> Value:
    """The same in float ops: there is no packed form of ternary activations."""
    if config.get("ternary_weight_networks"):
        raise _depends_on_batch(ctx, "ste_tern with ternary_weight_networks=True", "a fixed threshold_value")
    threshold = float(config.get("threshold_value", 0.05))
    above, below = (_sign_of(ctx, _affine(ctx, x, 1.0, offset)) for offset in (threshold, -threshold))
    return _sign_of(ctx, ctx.add(OpKind.ADD, [above, below]))


# -- k bits --------------------------------------------------------------------------------------------------

_DOREFA = ("dorefa", "dorefa_quantizer", "DoReFa", "DoReFaQuantizer")


def _bits(config: dict[str, Any]) -> int:
    return int(config.get("k_bit", 2))


def _is_for_weights(config: dict[str, Any]) -> bool:
    """Raises ValueError where the configuration is not Larq's."""
    mode = config.get("mode", "activations")
    if mode not in ("activations", "weights"):
        raise ValueError(f"DoReFa has the modes 'activations' and 'weights', not {mode!r}")
    return mode == "weights"


@kernel_quantizer(*_DOREFA, binary=lambda config: _bits(config) == 1)
def dorefa_kernel(kernel: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    """DoReFa-Net (arXiv 1606.06160): to 2^k levels from 0 to 1; weights are squeezed into that range before, by
    tanh(w) / (2 max |tanh(w)|) + 1/2, and brought to -1 to 1 behind."""
    steps = np.float32(2 ** _bits(config) - 1)
    if not _is_for_weights(config):
        return np.round(np.clip(kernel, 0, 1) * steps) / steps
    limited = np.tanh(kernel, dtype=np.float64).astype(np.float32)
    largest = np.float32(2) * np.abs(limited).max()
    unit = limited / largest if largest else np.zeros_like(limited)
    return np.float32(2) * (np.round((unit + np.float32(0.5)) * steps) / steps) - np.float32(1)


@input_quantizer(*_DOREFA, binary=lambda config: _bits(config) <= MAX_PLANES)
def dorefa_input(ctx: Context, x: Value, config: dict[str, Any]) -> Value:
    """k bit planes; in float ops where there are more than a packed op takes."""
    if _is_for_weights(config):
        raise _depends_on_batch(ctx, "DoReFa with mode='weights'", "mode='activations'")
    bits = _bits(config)
    if bits <= MAX_PLANES:
        return _planes(ctx, x, PlanesOptions(PlanesKind.DOREFA, bits))
    steps = float(2**bits - 1)
    unit = ctx.add(OpKind.ACTIVATION, [x], ActivationOptions(Activation(ActivationKind.RELU, 0.0, max_value=1.0)))
    whole = ctx.add(
        OpKind.ACTIVATION,
        [_affine(ctx, unit, steps, 0.0)],
        ActivationOptions(Activation(ActivationKind.ROUND)),
    )
    return ctx.add(OpKind.DIVIDE, [whole, ctx.literal(np.full((1,) * len(x.type.shape), steps))])


# -- what inputs cannot have ---------------------------------------------------------------------------------


@input_quantizer("magnitude_aware_sign", "MagnitudeAwareSign")
def magnitude_aware_input(ctx: Context, x: Value, config: dict[str, Any]) -> Value:
    raise _depends_on_batch(ctx, "magnitude_aware_sign", "'ste_sign'")


def _depends_on_batch(ctx: Context, what: str, instead: str) -> Exception:
    return ctx.unsupported(
        f"quantizes its input by {what}, which takes a mean or a maximum over the whole batch: one image's result "
        "would depend on the others",
        f"use {instead} for inputs",
    )


# -- shared --------------------------------------------------------------------------------------------------


def _planes(ctx: Context, x: Value, options: PlanesOptions) -> Value:
    return ctx.add(OpKind.FROM_PLANES, [ctx.add(OpKind.BIT_PLANES, [x], options)], options)


def _sign_of(ctx: Context, x: Value) -> Value:
    """-1, 0 or 1 in float32."""
    return ctx.add(OpKind.ACTIVATION, [x], ActivationOptions(Activation(ActivationKind.SIGN)))


def _affine(ctx: Context, x: Value, scale: float, offset: float) -> Value:
    channels = x.type.shape[-1]
    scales, offsets = (ctx.literal(np.full(channels, value)) for value in (scale, offset))
    return ctx.add(OpKind.BATCH_NORM, [x, scales, offsets])
