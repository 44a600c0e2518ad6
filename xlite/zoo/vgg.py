"""Stacks of binary 3x3 convolutions without shortcuts: between the layers there are bits and nothing else, so that
they need the least memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Optional

import keras

from xlite.zoo import quick
from xlite.zoo.blocks import Precision, Shape, classifier, conv, image_input, norm, scaled

# (filters, whether the image is halved behind) of the binary layers
TINY = ((64, False), (64, True), (128, False), (128, True), (256, False), (256, True))
PERSON = ((64, True), (128, False), (128, True), (256, False), (256, False))


def tiny_vgg(
    input_shape: Shape = (32, 32, 3),
    classes: int = 10,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
    integer_input: bool = False,
) -> keras.Model:
    """For images of CIFAR's size: a float convolution, six binary ones of 64 to 256 filters on 32, 16 and 8
    pixels, and a float classifier on the means of the channels; 1,168,362 parameters by default.

    ``integer_input``: for devices without a float unit. Pixels are 0 to 255; there is no stem, so that the first
    of the six convolutions has binary weights on the pixels, and the classifier has int8 weights on bits.
    Converted with ``input_dtype="uint8"`` all is integers but the scores; 1,189,066 parameters."""
    image = image_input(input_shape, 8)
    if integer_input:
        return keras.Model(image, _of_integers(image, classes, width, binary, float_activation), name="tiny_vgg")
    x = norm(conv(image, scaled(32, width), 3, name="stem"), name="stem_norm")
    x = _stack(x, Precision(binary, float_activation), TINY, width)
    return keras.Model(image, classifier(x, classes), name="tiny_vgg")


def _of_integers(image: Any, classes: int, width: float, binary: bool, float_activation: Optional[str]) -> Any:
    """Pixels from -1 to 1, and no zero that a byte could not say: a byte counts as ``2 * q - 255``."""
    precision = Precision(binary, float_activation)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="pixels")(image)
    first = precision.without_input_quantizer()
    x = norm(first.conv(x, scaled(TINY[0][0], width), 3, name="conv1"), name="conv1_norm")
    x = keras.layers.Flatten(name="features")(_stack(x, precision, TINY[1:], width, 2))
    x = replace(precision, kernel_quantizer="int8", clip=None).dense(x, classes, name="classes", use_bias=True)
    return keras.layers.Activation("softmax", name="probabilities")(x)


def person_net(
    input_shape: Shape = (96, 96, 1),
    classes: int = 2,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """Whether a person is in a grey picture: a float stem to a quarter of the extents, five binary convolutions of
    64 to 256 filters on 24, 12 and 6 pixels; 1,128,770 parameters by default."""
    image = image_input(input_shape, 13)
    x = quick.stem(image, scaled(32, width))
    x = _stack(x, Precision(binary, float_activation), PERSON, width)
    return keras.Model(image, classifier(x, classes), name="person_net")


def _stack(x: Any, precision: Precision, layers: Sequence[tuple[int, bool]], width: float, first: int = 1) -> Any:
    """Pooling comes before the batch norm, where the convolution's integers still are (XNOR-Net's order)."""
    for index, (filters, halve) in enumerate(layers, first):
        name = f"conv{index}"
        x = precision.conv(x, scaled(filters, width), 3, name=name)
        if halve:
            x = keras.layers.MaxPooling2D(2, name=f"{name}_pool")(x)
        x = norm(x, name=f"{name}_norm")
    return x
