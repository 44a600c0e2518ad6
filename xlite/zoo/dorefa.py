"""DoReFa-Net (Zhou et al. 2016, arXiv 1606.06160): AlexNet with binary weights and inputs of a few bits."""

from __future__ import annotations

from typing import Any, Optional

import keras

from xlite.quantizers import DoReFa
from xlite.zoo.blocks import IMAGENET, Precision, Shape, image_input, norm, probabilities, scaled


def dorefanet(
    input_shape: Shape = IMAGENET,
    classes: int = 1000,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
    bits: int = 2,
) -> keras.Model:
    """A float convolution, four with binary weights, two such dense layers, a float dense layer; 62,403,912
    parameters by default. Inputs of the layers between have ``bits`` bits, 1 to 8: as many planes of bits, each
    of which is packed. The image must have 41 pixels or more each way.
    """
    precision = Precision(binary, float_activation, DoReFa(bits), "layer_scaled_sign", clip=None)
    image = image_input(input_shape, 44)
    x = keras.layers.Conv2D(scaled(96, width), 12, strides=4, name="stem")(image)
    x = _pool(_conv(x, precision, scaled(256, width), 5, "conv2"), "conv2", "same")
    x = _pool(_conv(x, precision, scaled(384, width), 3, "conv3"), "conv3", "same")
    x = _conv(x, precision, scaled(384, width), 3, "conv4")
    x = _pool(_conv(x, precision, scaled(256, width), 3, "conv5"), "conv5", "valid")
    x = keras.layers.Flatten(name="flatten")(x)
    for name in ("dense1", "dense2"):
        x = _norm(precision.dense(x, scaled(4096, width), name=name), name)
    x = keras.layers.ReLU(max_value=1.0, name="limit")(x)
    return keras.Model(image, probabilities(x, classes), name="dorefanet")


def _conv(x: Any, precision: Precision, filters: int, kernel: int, name: str) -> Any:
    return _norm(precision.conv(x, filters, kernel, name=name), name)


def _norm(x: Any, name: str) -> Any:
    return norm(x, name=f"{name}_norm", epsilon=1e-4, scale=False)


def _pool(x: Any, name: str, padding: str) -> Any:
    return keras.layers.MaxPooling2D(3, 2, padding=padding, name=f"{name}_pool")(x)
