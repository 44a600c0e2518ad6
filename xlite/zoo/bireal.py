"""Bi-Real Net (Liu et al. 2018, arXiv 1808.00278): ResNet-18 with a shortcut around every binary convolution."""

from __future__ import annotations

from typing import Any, Optional

import keras

from xlite.zoo.blocks import IMAGENET, Precision, Shape, classifier, conv, image_input, norm, scaled


def birealnet18(
    input_shape: Shape = IMAGENET,
    classes: int = 1000,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """Bi-Real Net with 18 layers; 11,699,112 parameters by default.

    Four stages of four blocks, of 64, 128, 256 and 512 filters. A block is ``x + norm(conv(sign(x)))``; the first
    one of the later stages halves the image, and its shortcut is a mean pool and a float 1x1 convolution.
    """
    precision = Precision(binary, float_activation, "approx_sign", "magnitude_aware_sign")
    image = image_input(input_shape)
    x = conv(image, scaled(64, width), 7, strides=2, kernel_initializer="glorot_normal", name="stem")
    x = keras.layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(_norm(x, "stem"))
    for stage in range(4):
        for block in range(4):
            strides = 2 if stage > 0 and block == 0 else 1
            x = _block(x, precision, scaled(64 * 2**stage, width), strides, f"stage{stage}_block{block}")
    return keras.Model(image, classifier(x, classes), name="birealnet18")


def _block(x: Any, precision: Precision, filters: int, strides: int, name: str) -> Any:
    shortcut = x
    if strides > 1:
        shortcut = keras.layers.AveragePooling2D(2, padding="same", name=f"{name}_pool")(shortcut)
        shortcut = conv(shortcut, filters, 1, kernel_initializer="glorot_normal", name=f"{name}_shortcut")
        shortcut = _norm(shortcut, f"{name}_shortcut")
    x = precision.conv(x, filters, 3, strides=strides, kernel_initializer="glorot_normal", name=f"{name}_conv")
    return keras.layers.Add(name=f"{name}_add")([_norm(x, f"{name}_conv"), shortcut])


def _norm(x: Any, name: str) -> Any:
    return norm(x, name=f"{name}_norm", momentum=0.8, epsilon=1e-3)
