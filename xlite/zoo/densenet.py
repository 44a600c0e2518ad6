"""BinaryDenseNet (Bethge et al. 2019, arXiv 1906.08637): every layer adds 64 channels to those before it."""

from __future__ import annotations

from collections.abc import Sequence
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

CLIP = 1.3


def binary_densenet28(
    input_shape: Shape = IMAGENET,
    classes: int = 1000,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """28 layers, in blocks of 6, 6, 6 and 5; 5,150,504 parameters by default."""
    precision = _precision(binary, float_activation)
    return _densenet("binary_densenet28", input_shape, classes, width, precision, (6, 6, 6, 5), (2.7, 2.7, 2.2))


def binary_densenet37(
    input_shape: Shape = IMAGENET,
    classes: int = 1000,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """37 layers, in blocks of 6, 8, 12 and 6; 8,734,120 parameters by default."""
    precision = _precision(binary, float_activation)
    return _densenet("binary_densenet37", input_shape, classes, width, precision, (6, 8, 12, 6), (3.3, 3.3, 4))


def binary_densenet37_dilated(
    input_shape: Shape = IMAGENET,
    classes: int = 1000,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """The one of 37 layers whose last two blocks keep the image's extents and dilate by 2 and 4; as many
    parameters, 8,734,120."""
    precision = _precision(binary, float_activation)
    name, layers, reduction = "binary_densenet37_dilated", (6, 8, 12, 6), (3.3, 3.3, 4)
    return _densenet(name, input_shape, classes, width, precision, layers, reduction, (1, 1, 2, 4))


def binary_densenet45(
    input_shape: Shape = IMAGENET,
    classes: int = 1000,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """45 layers, in blocks of 6, 12, 14 and 8; 13,939,240 parameters by default."""
    precision = _precision(binary, float_activation)
    return _densenet("binary_densenet45", input_shape, classes, width, precision, (6, 12, 14, 8), (2.7, 3.3, 4))


def _precision(binary: bool, float_activation: Optional[str]) -> Precision:
    return Precision(binary, float_activation, SteSign(CLIP), SteSign(CLIP), CLIP)


def _densenet(
    name: str,
    input_shape: Shape,
    classes: int,
    width: float,
    precision: Precision,
    layers: Sequence[int],
    reduction: Sequence[float],
    dilation: Sequence[int] = (1, 1, 1, 1),
) -> keras.Model:
    """``reduction``: by how much the 1x1 convolution behind each block but the last divides its channels."""
    image = image_input(input_shape)
    x = imagenet_stem(image, scaled(64, width), kernel_initializer="he_normal")
    for block, count in enumerate(layers):
        if block > 0:
            channels = 32 * max(1, round(x.shape[-1] // reduction[block - 1] / 32))
            x = _transition(x, channels, dilation[block] == 1, f"transition{block}")
        for layer in range(count):
            x = _layer(x, precision, scaled(64, width), dilation[block], f"block{block}_layer{layer}")
    x = relu(norm(x, name="norm"), name="relu")
    return keras.Model(image, classifier(x, classes, kernel_initializer="he_normal"), name=name)


def _layer(x: Any, precision: Precision, growth: int, dilation: int, name: str) -> Any:
    y = precision.conv(
        norm(x, name=f"{name}_norm"),
        growth,
        3,
        dilation_rate=dilation,
        kernel_initializer="glorot_normal",
        name=f"{name}_conv",
    )
    return keras.layers.Concatenate(name=f"{name}_join")([x, y])


def _transition(x: Any, channels: int, halve: bool, name: str) -> Any:
    x = norm(x, name=f"{name}_norm")
    if halve:
        x = keras.layers.MaxPooling2D(2, name=f"{name}_pool")(x)
    return conv(relu(x, name=f"{name}_relu"), channels, 1, kernel_initializer="he_normal", name=name)
