"""Stacks of binary 3x3 convolutions without shortcuts: between the layers there are bits and nothing else, so that
they need the least memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import keras

from xlite.zoo import quick
from xlite.zoo.blocks import Precision, Shape, classifier, conv, norm, scaled

# (filters, whether the image is halved behind) of the binary layers
TINY = ((64, False), (64, True), (128, False), (128, True), (256, False), (256, True))
PERSON = ((64, True), (128, False), (128, True), (256, False), (256, False))


def tiny_vgg(
    input_shape: Shape = (32, 32, 3),
    classes: int = 10,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """For images of CIFAR's size: a float convolution, six binary ones of 64 to 256 filters on 32, 16 and 8
    pixels, and a float classifier on the means of the channels; 1,168,362 parameters by default."""
    image = keras.Input(input_shape, name="image")
    x = norm(conv(image, scaled(32, width), 3, name="stem"), name="stem_norm")
    x = _stack(x, Precision(binary, float_activation), TINY, width)
    return keras.Model(image, classifier(x, classes), name="tiny_vgg")


def person_net(
    input_shape: Shape = (96, 96, 1),
    classes: int = 2,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """Whether a person is in a grey picture: a float stem to a quarter of the extents, five binary convolutions of
    64 to 256 filters on 24, 12 and 6 pixels; 1,128,770 parameters by default."""
    image = keras.Input(input_shape, name="image")
    x = quick.stem(image, scaled(32, width))
    x = _stack(x, Precision(binary, float_activation), PERSON, width)
    return keras.Model(image, classifier(x, classes), name="person_net")


def _stack(x: Any, precision: Precision, layers: Sequence[tuple[int, bool]], width: float) -> Any:
    """Pooling comes before the batch norm, where the convolution's integers still are (XNOR-Net's order)."""
    for index, (filters, halve) in enumerate(layers):
        name = f"conv{index + 1}"
        x = precision.conv(x, scaled(filters, width), 3, name=name)
        if halve:
            x = keras.layers.MaxPooling2D(2, name=f"{name}_pool")(x)
        x = norm(x, name=f"{name}_norm")
    return x
