"""A small binary convolutional network for Fashion-MNIST, and the same network in floats beside it.

Between a float first convolution and a float last layer lie four layers with binary weights and binary inputs.
A block is ``sign -> convolution -> max pool -> batch norm``, in XNOR-Net's order (Rastegari et al. 2016, arXiv
1603.05279): pooling comes before the batch norm, where the convolution's integers still are, and the next
layer's sign follows the batch norm directly, so that both fold into one integer threshold a channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Optional

import keras

from xlite.constraints import weight_clip
from xlite.layers import QuantConv2D, QuantDense

INPUT_SHAPE = (28, 28, 1)


@dataclass(frozen=True)
class Widths:
    """Filters of the stem and of the three binary convolutions, units of the binary dense layer."""

    stem: int = 32
    first: int = 64
    second: int = 96
    third: int = 128
    dense: int = 128


def fashion_net(widths: Optional[Widths] = None, classes: int = 10, name: str = "fashion") -> keras.Model:
    """The binary network, untrained: images ``[n, 28, 28, 1]`` in 0 to 1 to probabilities ``[n, classes]``."""
    binary = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}

    def convolution(filters: int, **kwargs: Any) -> keras.Layer:
        return QuantConv2D(filters, 3, use_bias=False, kernel_constraint=weight_clip(), **binary, **kwargs)

    def dense(units: int, **kwargs: Any) -> keras.Layer:
        return QuantDense(units, use_bias=False, kernel_constraint=weight_clip(), **binary, **kwargs)

    return _network(convolution, dense, None, widths or Widths(), classes, name)


def fashion_float_twin(
    widths: Optional[Widths] = None, classes: int = 10, name: str = "fashion_float"
) -> keras.Model:
    """The same layers with float weights and, where :func:`fashion_net` takes a sign, a ReLU."""

    def convolution(filters: int, **kwargs: Any) -> keras.Layer:
        return keras.layers.Conv2D(filters, 3, use_bias=False, **kwargs)

    def dense(units: int, **kwargs: Any) -> keras.Layer:
        return keras.layers.Dense(units, use_bias=False, **kwargs)

    return _network(convolution, dense, "relu", widths or Widths(), classes, name)


def _network(
    convolution: Callable[..., keras.Layer],
    dense: Callable[..., keras.Layer],
    activation: Optional[str],
    widths: Widths,
    classes: int,
    name: str,
) -> keras.Model:
    layers = keras.layers
    stack: list[keras.Layer] = [keras.Input(INPUT_SHAPE, name="image")]

    def normalize(prefix: str) -> None:
        stack.append(layers.BatchNormalization(name=f"{prefix}_norm"))
        if activation:
            stack.append(layers.Activation(activation, name=f"{prefix}_{activation}"))

    stack.append(layers.Conv2D(widths.stem, 3, padding="same", use_bias=False, name="stem"))
    stack.append(layers.MaxPooling2D(2, name="stem_pool"))  # 14 x 14
    normalize("stem")
    stack.append(convolution(widths.first, padding="same", name="conv1"))
    stack.append(layers.MaxPooling2D(2, name="conv1_pool"))  # 7 x 7
    normalize("conv1")
    stack.append(convolution(widths.second, padding="same", name="conv2"))
    normalize("conv2")
    stack.append(convolution(widths.third, padding="same", name="conv3"))
    stack.append(layers.MaxPooling2D(2, name="conv3_pool"))  # 3 x 3
    normalize("conv3")
    stack.append(layers.Flatten(name="flatten"))
    stack.append(dense(widths.dense, name="dense1"))
    normalize("dense1")
    stack.append(layers.Dense(classes, activation="softmax", name="classes"))
    return keras.Sequential(stack, name=name)
