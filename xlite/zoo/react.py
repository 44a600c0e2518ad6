"""ReActNet (Liu et al. 2020, arXiv 2003.03488): MobileNet's layout, where each channel learns its sign's threshold
and the shape of its activation."""

from __future__ import annotations

from typing import Any, Optional

import keras

from xlite.layers import RPReLU, RSign
from xlite.zoo.blocks import IMAGENET, Precision, Shape, classifier, conv, image_input, norm, scaled

# Filters of the thirteen blocks and the strides of their first convolutions.
BLOCKS = (
    (64, 1),
    *((128, 2), (128, 1)),
    *((256, 2), (256, 1)),
    *((512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1)),
    *((1024, 2), (1024, 1)),
)


def reactnet(
    input_shape: Shape = IMAGENET,
    classes: int = 1000,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """ReActNet-A; 29,365,480 parameters by default, 4.82e9 binary and 1.2e7 float multiply-accumulates as in the
    paper.

    A block is a 3x3 and a 1x1 binary convolution, each with batch norm, shortcut and ``RPReLU``. Where it doubles
    the channels, two 1x1 convolutions of the same signs stand side by side, so that their shortcuts fit.
    """
    # The signs are layers of their own, so that the convolutions have none.
    precision = Precision(binary, None, None, "magnitude_aware_sign")
    image = image_input(input_shape)
    x = norm(conv(image, scaled(32, width), 3, strides=2, name="stem"), name="stem_norm")
    for index, (filters, strides) in enumerate(BLOCKS):
        double = scaled(filters, width) == 2 * x.shape[-1]
        x = _block(x, precision, float_activation, strides, double, f"block{index}")
    return keras.Model(image, classifier(x, classes), name="reactnet")


def _block(
    x: Any, precision: Precision, float_activation: Optional[str], strides: int, double: bool, name: str
) -> Any:
    signs = _signs(x, precision, float_activation, f"{name}_spatial_sign")
    y = precision.conv(signs, x.shape[-1], 3, strides=strides, name=f"{name}_spatial")
    if strides > 1:
        x = keras.layers.AveragePooling2D(2, padding="same", name=f"{name}_pool")(x)
    x = keras.layers.Add(name=f"{name}_spatial_add")([norm(y, name=f"{name}_spatial_norm"), x])
    x = RPReLU(name=f"{name}_spatial_prelu")(x)

    signs = _signs(x, precision, float_activation, f"{name}_channels_sign")
    halves = []
    for half in ("a", "b") if double else ("a",):
        y = precision.conv(signs, x.shape[-1], 1, name=f"{name}_channels_{half}")
        y = norm(y, name=f"{name}_channels_{half}_norm")
        halves.append(keras.layers.Add(name=f"{name}_channels_{half}_add")([y, x]))
    x = keras.layers.Concatenate(name=f"{name}_channels")(halves) if double else halves[0]
    return RPReLU(name=f"{name}_channels_prelu")(x)


def _signs(x: Any, precision: Precision, float_activation: Optional[str], name: str) -> Any:
    if precision.binary:
        return RSign(name=name)(x)
    return x if float_activation is None else keras.layers.Activation(float_activation, name=name)(x)
