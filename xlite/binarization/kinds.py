"""Layers and operations by what they mean to a sign behind them."""

from __future__ import annotations

from typing import Any, Optional

import keras

from xlite import layers as xl

kl = keras.layers

# Keras's class -> ours. A subclass may compute something else, so the very class is asked for.
QUANTIZED: dict[type, type] = {
    kl.Dense: xl.QuantDense,
    kl.Conv1D: xl.QuantConv1D,
    kl.Conv2D: xl.QuantConv2D,
    kl.Conv3D: xl.QuantConv3D,
    kl.DepthwiseConv2D: xl.QuantDepthwiseConv2D,
    kl.SeparableConv1D: xl.QuantSeparableConv1D,
    kl.SeparableConv2D: xl.QuantSeparableConv2D,
    kl.Conv2DTranspose: xl.QuantConv2DTranspose,
    kl.Conv3DTranspose: xl.QuantConv3DTranspose,
}

# What a sign makes meaningless: behind relu or a sigmoid it is +1 everywhere, and that of the others is (nearly)
# that of their input. By class of a layer or operation, and by name as another layer's activation.
_ACTIVATION_LAYERS = ("ReLU", "LeakyReLU", "ELU")
_ACTIVATIONS = frozenset(
    [
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "celu",
        "gelu",
        "silu",
        "swish",
        "mish",
        "sigmoid",
        "hard_sigmoid",
        "softplus",
        "softsign",
        "tanh",
        "hard_tanh",
        "hard_silu",
        "hard_swish",
        "exponential",
        "tanh_shrink",
    ]
)

# Signs pass through these as they are, or their means do.
_CARRIERS = (
    *(kl.MaxPooling1D, kl.MaxPooling2D, kl.MaxPooling3D),
    *(kl.AveragePooling1D, kl.AveragePooling2D, kl.AveragePooling3D),
    *(kl.ZeroPadding1D, kl.ZeroPadding2D, kl.ZeroPadding3D),
    *(kl.Cropping1D, kl.Cropping2D, kl.Cropping3D),
    *(kl.UpSampling1D, kl.UpSampling2D, kl.UpSampling3D),
    *(kl.Flatten, kl.Reshape, kl.Permute, kl.Identity, kl.RepeatVector),
    *(kl.Dropout, kl.SpatialDropout1D, kl.SpatialDropout2D, kl.SpatialDropout3D),
    *(kl.GaussianNoise, kl.GaussianDropout, kl.AlphaDropout, kl.ActivityRegularization),
)
MAX_POOLS = (kl.MaxPooling1D, kl.MaxPooling2D, kl.MaxPooling3D)
NORMS = (kl.BatchNormalization, kl.LayerNormalization, kl.GroupNormalization, kl.UnitNormalization)
_SUMS = (kl.Add, kl.Subtract, kl.Average)
_JOINS = (kl.Concatenate,)


def is_activation(target: Any) -> bool:
    """Whether a call is nothing but an activation that a sign takes the place of."""
    if isinstance(target, kl.Activation):
        return _name(target.activation) in _ACTIVATIONS
    name = type(target).__name__
    if isinstance(target, kl.Layer):
        return type(target).__module__.startswith("keras.") and name in _ACTIVATION_LAYERS
    return _snake(name) in _ACTIVATIONS  # keras.ops.relu between the layers


def fused_activation(layer: Any) -> Optional[str]:
    """The name of such an activation inside of a convolution or dense layer; ``None`` for another or none."""
    name = _name(getattr(layer, "activation", None))
    return name if name in _ACTIVATIONS else None


def _name(activation: Any) -> str:
    return str(getattr(activation, "__name__", ""))


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


def is_carrier(target: Any) -> bool:
    return isinstance(target, _CARRIERS)


def is_norm(target: Any) -> bool:
    return isinstance(target, NORMS)


def is_sum(target: Any) -> bool:
    return isinstance(target, _SUMS) or _is_operation(target, "Add", "Subtract")


def is_join(target: Any) -> bool:
    return isinstance(target, _JOINS) or _is_operation(target, "Concatenate")


def _is_operation(target: Any, *names: str) -> bool:
    return not isinstance(target, kl.Layer) and type(target).__name__ in names
