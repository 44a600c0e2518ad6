"""MeliusNet (Bethge et al. 2020, arXiv 2001.05936): each block adds channels, then improves the newest."""

from __future__ import annotations

from typing import Any, Optional

import keras

from xlite.quantizers import SteSign
from xlite.zoo.blocks import IMAGENET, Precision, Shape, classifier, conv, image_input, norm, relu, scaled

CLIP = 1.3
BLOCKS = (4, 5, 4, 4)
TRANSITIONS = (160, 224, 256)


def meliusnet22(
    input_shape: Shape = IMAGENET,
    classes: int = 1000,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """MeliusNet22; 6,969,672 parameters by default.

    A grouped stem takes the image to a quarter of its extents. A block's first half joins 64 new channels to those
    before it, its second half adds to these 64. Between the sections: max pooling and a float 1x1 convolution.
    """
    precision = Precision(binary, float_activation, SteSign(CLIP), SteSign(CLIP), CLIP)
    growth = scaled(64, width)
    image = image_input(input_shape)
    x = _stem(image, width)
    for section, count in enumerate(BLOCKS):
        if section > 0:
            x = _transition(x, scaled(TRANSITIONS[section - 1], width), f"transition{section}")
        for block in range(count):
            x = _block(x, precision, growth, f"section{section}_block{block}")
    x = relu(norm(x, name="norm"), name="relu")
    return keras.Model(image, classifier(x, classes, kernel_initializer="glorot_normal"), name="meliusnet22")


def _stem(x: Any, width: float) -> Any:
    """Three 3x3 convolutions, the later two in groups of 8 channels; 2x2 max pooling."""
    for index, (filters, strides, groups) in enumerate(((32, 2, 1), (32, 1, 4), (64, 1, 8))):
        name = f"stem{index}"
        filters = scaled(filters, width)
        groups = min(groups, x.shape[-1] // 4) if groups > 1 else 1
        x = conv(x, filters, 3, strides=strides, groups=groups, kernel_initializer="glorot_normal", name=name)
        x = relu(norm(x, name=f"{name}_norm"), name=f"{name}_relu")
    return keras.layers.MaxPooling2D(2, padding="same", name="stem_pool")(x)


def _block(x: Any, precision: Precision, growth: int, name: str) -> Any:
    """``[x, new]``, then ``[x, new + improvement]``."""
    new = _conv(x, precision, growth, f"{name}_dense")
    both = keras.layers.Concatenate(name=f"{name}_dense_join")([x, new])
    improvement = _conv(both, precision, growth, f"{name}_improve")
    new = keras.layers.Add(name=f"{name}_improve_add")([new, improvement])
    return keras.layers.Concatenate(name=f"{name}_improve_join")([x, new])


def _conv(x: Any, precision: Precision, filters: int, name: str) -> Any:
    x = norm(x, name=f"{name}_norm")
    return precision.conv(x, filters, 3, kernel_initializer="glorot_normal", name=f"{name}_conv")


def _transition(x: Any, filters: int, name: str) -> Any:
    x = norm(x, name=f"{name}_norm")
    x = keras.layers.MaxPooling2D(2, padding="same", name=f"{name}_pool")(x)
    return conv(relu(x, name=f"{name}_relu"), filters, 1, kernel_initializer="glorot_normal", name=name)
