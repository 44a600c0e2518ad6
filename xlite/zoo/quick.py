"""QuickNet (Bannink et al. 2021, Larq Compute Engine, arXiv 2011.09398) and a small one in its manner.

A block is ``x + norm(relu(conv(sign(x))))``, padded with +1 so that its convolution knows two levels only. Float
1x1 convolutions stand between the sections alone, behind a pooling that blurs before it takes every other pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Optional

import keras
import numpy as np

from xlite.quantizers import SteSign
from xlite.zoo.blocks import IMAGENET, Precision, Shape, classifier, conv, image_input, norm, relu, scaled

CLIP = 1.25
_TAPS = np.array([1.0, 2.0, 1.0]) / 4.0
BLUR = np.outer(_TAPS, _TAPS).astype(np.float32).reshape(3, 3, 1, 1)


def quicknet_small(
    input_shape: Shape = IMAGENET,
    classes: int = 1000,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """Sections of 32, 64, 256 and 512 filters, four blocks each; 12,664,344 parameters by default."""
    precision = _precision(binary, float_activation)
    return _quicknet("quicknet_small", input_shape, classes, (4, 4, 4, 4), (32, 64, 256, 512), width, precision)


def quicknet(
    input_shape: Shape = IMAGENET,
    classes: int = 1000,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """Sections of 64, 128, 256 and 512 filters, four blocks each; 13,243,720 parameters by default."""
    precision = _precision(binary, float_activation)
    return _quicknet("quicknet", input_shape, classes, (4, 4, 4, 4), (64, 128, 256, 512), width, precision)


def quicknet_large(
    input_shape: Shape = IMAGENET,
    classes: int = 1000,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """Sections of 64, 128, 256 and 512 filters with 6, 8, 12 and 6 blocks; 23,359,304 parameters by default."""
    precision = _precision(binary, float_activation)
    return _quicknet("quicknet_large", input_shape, classes, (6, 8, 12, 6), (64, 128, 256, 512), width, precision)


def tiny_quicknet(
    input_shape: Shape = (32, 32, 3),
    classes: int = 10,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """For images of CIFAR's size: sections of 64, 128 and 256 filters on 16, 8 and 4 pixels, two, three and two
    blocks; its stem halves the image once. 1,748,586 parameters by default."""
    precision = _precision(binary, float_activation)
    return _quicknet("tiny_quicknet", input_shape, classes, (2, 3, 2), (64, 128, 256), width, precision, (1, 2))


def _precision(binary: bool, float_activation: Optional[str]) -> Precision:
    return Precision(binary, float_activation, SteSign(CLIP), SteSign(CLIP), CLIP)


def _quicknet(
    name: str,
    input_shape: Shape,
    classes: int,
    blocks: Sequence[int],
    filters: Sequence[int],
    width: float,
    precision: Precision,
    strides: tuple[int, int] = (2, 2),
) -> keras.Model:
    in_first_section = 2 ** (
        len(blocks) - 1
    )  # pixels: each transition takes n to (n - 1) / 2, rounded up, from 2 on
    image = image_input(input_shape, (in_first_section - 1) * math.prod(strides) + 1)
    x = stem(image, scaled(filters[0], width), strides)
    for section, (count, size) in enumerate(zip(blocks, filters)):
        if section > 0:
            x = transition(x, scaled(size, width), f"section{section}")
        for block in range(count):
            x = residual(x, precision, f"section{section}_block{block}")
    return keras.Model(image, classifier(relu(x, name="relu"), classes), name=name)


def stem(x: Any, filters: int, strides: tuple[int, int] = (2, 2)) -> Any:
    """3x3 to a quarter of the filters, 3x3 depthwise, 1x1 to all of them; the first two have the strides."""
    x = conv(x, max(8, filters // 4), 3, strides=strides[0], kernel_initializer="he_normal", name="stem_conv")
    x = relu(norm(x, momentum=0.99, epsilon=1e-3, name="stem_conv_norm"), name="stem_relu")
    depthwise = keras.layers.DepthwiseConv2D(
        3, strides=strides[1], padding="same", use_bias=False, name="stem_depthwise"
    )
    x = norm(depthwise(x), momentum=0.99, epsilon=1e-3, scale=False, center=False, name="stem_depthwise_norm")
    x = conv(x, filters, 1, kernel_initializer="he_normal", name="stem_pointwise")
    return norm(x, momentum=0.99, epsilon=1e-3, name="stem_pointwise_norm")


def residual(x: Any, precision: Precision, name: str) -> Any:
    y = precision.conv(
        x,
        x.shape[-1],
        3,
        activation="relu",
        pad_values=1.0,
        kernel_initializer="glorot_normal",
        name=f"{name}_conv",
    )
    return keras.layers.Add(name=f"{name}_add")([norm(y, name=f"{name}_norm"), x])


def transition(x: Any, filters: int, name: str) -> Any:
    """Half the image: largest of 2x2, blurred by a fixed kernel (Zhang 2019, arXiv 1904.11486); then 1x1."""
    x = keras.layers.MaxPooling2D(2, strides=1, name=f"{name}_pool")(relu(x, name=f"{name}_relu"))
    x = keras.layers.DepthwiseConv2D(
        3,
        strides=2,
        padding="same",
        use_bias=False,
        depthwise_initializer=keras.initializers.Constant(BLUR),
        trainable=False,
        name=f"{name}_blur",
    )(x)
    return norm(conv(x, filters, 1, kernel_initializer="glorot_normal", name=name), name=f"{name}_norm")
