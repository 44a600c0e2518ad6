"""The AlexNet of "Binarized Neural Networks" (Hubara et al. 2016, NIPS): binary from the first layer's weights to
the last layer."""

from __future__ import annotations

from typing import Any, Optional

import keras

from xlite.zoo.blocks import IMAGENET, Precision, Shape, image_input, norm, scaled


def binary_alexnet(
    input_shape: Shape = IMAGENET,
    classes: int = 1000,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """Five convolutions and three dense layers; 61,859,192 parameters by default, none of them in a float layer
    but those of the batch norms. The image must have 67 pixels or more each way."""
    precision = Precision(binary, float_activation)
    first = precision.without_input_quantizer()
    image = image_input(input_shape, 57)
    x = _conv(image, first, scaled(64, width), 11, "conv1", strides=4, pool=True)
    x = _conv(x, precision, scaled(192, width), 5, "conv2", pool=True)
    x = _conv(x, precision, scaled(384, width), 3, "conv3")
    x = _conv(x, precision, scaled(384, width), 3, "conv4")
    x = _conv(x, precision, scaled(256, width), 3, "conv5", pool=True)
    x = keras.layers.Flatten(name="flatten")(x)
    for name, units in (("dense1", scaled(4096, width)), ("dense2", scaled(4096, width)), ("classes", classes)):
        x = _norm(precision.dense(x, units, name=name), name)
    return keras.Model(image, keras.layers.Activation("softmax", name="probabilities")(x), name="binary_alexnet")


def _conv(
    x: Any, precision: Precision, filters: int, kernel: int, name: str, strides: int = 1, pool: bool = False
) -> Any:
    x = precision.conv(x, filters, kernel, strides=strides, name=name)
    if pool:
        x = keras.layers.MaxPooling2D(3, 2, name=f"{name}_pool")(x)
    return _norm(x, name)


def _norm(x: Any, name: str) -> Any:
    return norm(x, name=f"{name}_norm", epsilon=1e-3, scale=False)
