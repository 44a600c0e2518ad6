"""Real-to-Binary Net (Martinez et al. 2020, arXiv 2003.11535): scales for each channel are computed from the
image, beside every binary convolution."""

from __future__ import annotations

from typing import Any, Optional

import keras

from xlite.zoo.blocks import IMAGENET, Precision, Shape, classifier, conv, image_input, norm, scaled

REDUCTION = 8


def real_to_binary(
    input_shape: Shape = IMAGENET,
    classes: int = 1000,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """The binary network of the paper's last stage; 11,995,624 parameters by default.

    Four stages of four blocks, of 64, 128, 256 and 512 filters. A block is ``x + prelu(scales(norm(x)) *
    conv(sign(norm(x))))``, its scales two small dense layers on the means of the channels.
    """
    precision = Precision(binary, float_activation)
    image = image_input(input_shape)
    x = conv(image, scaled(64, width), 7, strides=2, kernel_initializer="glorot_normal", name="stem")
    x = _prelu(_norm(x, "stem"), "stem")
    x = keras.layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(x)
    for stage in range(4):
        for block in range(4):
            strides = 2 if stage > 0 and block == 0 else 1
            x = _block(x, precision, scaled(64 * 2**stage, width), strides, f"stage{stage}_block{block}")
    return keras.Model(image, classifier(x, classes), name="real_to_binary")


def _block(x: Any, precision: Precision, filters: int, strides: int, name: str) -> Any:
    shortcut = x
    if strides > 1:
        shortcut = keras.layers.AveragePooling2D(2, padding="same", name=f"{name}_pool")(shortcut)
        shortcut = conv(shortcut, filters, 1, kernel_initializer="glorot_normal", name=f"{name}_shortcut")
        shortcut = _norm(shortcut, f"{name}_shortcut")
    x = _norm(x, name)
    y = precision.conv(x, filters, 3, strides=strides, kernel_initializer="glorot_normal", name=f"{name}_conv")
    y = keras.layers.Multiply(name=f"{name}_scaled")([y, _scales(x, filters, f"{name}_scale")])
    return keras.layers.Add(name=f"{name}_add")([_prelu(y, name), shortcut])


def _scales(x: Any, filters: int, name: str) -> Any:
    """One factor from 0 to 1 for each image and filter, ``[n, 1, 1, filters]``."""
    layers = keras.layers
    inner = max(1, x.shape[-1] // REDUCTION)
    common = {"use_bias": False, "kernel_initializer": "he_normal"}
    x = layers.GlobalAveragePooling2D(name=f"{name}_mean")(x)
    x = layers.Dense(inner, activation="relu", name=f"{name}_reduce", **common)(x)
    x = layers.Dense(filters, activation="sigmoid", name=f"{name}_expand", **common)(x)
    return layers.Reshape((1, 1, filters), name=f"{name}_shape")(x)


def _norm(x: Any, name: str) -> Any:
    return norm(x, name=f"{name}_norm", momentum=0.99, epsilon=1e-3)


def _prelu(x: Any, name: str) -> Any:
    return keras.layers.PReLU(shared_axes=[1, 2], name=f"{name}_prelu")(x)
