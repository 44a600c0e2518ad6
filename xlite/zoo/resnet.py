"""ResNetE (Bethge et al. 2019, arXiv 1906.08637): ResNet-18 with a shortcut around every binary convolution."""

from __future__ import annotations

from typing import Any, Optional

import keras

from xlite.quantizers import SteSign
from xlite.zoo.blocks import (
    IMAGENET,
    Precision,
    Shape,
    classifier,
    conv,
    image_input,
    imagenet_stem,
    norm,
    relu,
    scaled,
)

CLIP = 1.25


def binary_resnet_e18(
    input_shape: Shape = IMAGENET,
    classes: int = 1000,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """ResNetE with 18 layers; 11,699,368 parameters by default.

    As Bi-Real Net, but for a ReLU and a second batch norm in the stem and a ReLU before the classifier.
    """
    precision = Precision(binary, float_activation, SteSign(CLIP), SteSign(CLIP), CLIP)
    image = image_input(input_shape)
    x = imagenet_stem(image, scaled(64, width), kernel_initializer="he_normal")
    if input_shape[0] is None or input_shape[0] >= 50:
        x = norm(x, name="stem_pool_norm")
    for stage in range(4):
        for block in range(4):
            strides = 2 if stage > 0 and block == 0 else 1
            x = _block(x, precision, scaled(64 * 2**stage, width), strides, f"stage{stage}_block{block}")
    x = classifier(relu(x, name="relu"), classes, kernel_initializer="glorot_normal")
    return keras.Model(image, x, name="binary_resnet_e18")


def _block(x: Any, precision: Precision, filters: int, strides: int, name: str) -> Any:
    shortcut = x
    if strides > 1:
        shortcut = keras.layers.AveragePooling2D(2, padding="same", name=f"{name}_pool")(shortcut)
        shortcut = conv(shortcut, filters, 1, kernel_initializer="glorot_normal", name=f"{name}_shortcut")
        shortcut = norm(shortcut, name=f"{name}_shortcut_norm")
    x = precision.conv(x, filters, 3, strides=strides, kernel_initializer="glorot_normal", name=f"{name}_conv")
    return keras.layers.Add(name=f"{name}_add")([norm(x, name=f"{name}_norm"), shortcut])
