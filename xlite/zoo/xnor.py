"""XNOR-Net (Rastegari et al. 2016, arXiv 1603.05279): AlexNet with one alpha for each binary filter."""

from __future__ import annotations

from typing import Any, Optional

import keras

from xlite.zoo.blocks import IMAGENET, Precision, Shape, conv, image_input, norm, relu, scaled


def xnornet(
    input_shape: Shape = IMAGENET,
    classes: int = 1000,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """A float convolution, four binary ones, two binary dense layers, a float dense layer; 62,396,768 parameters
    by default. The image must have 61 pixels or more each way.

    Of the paper's two scales it has alpha, that of the weights; the inputs' K is left out, as in the authors' own
    AlexNet.
    """
    precision = Precision(binary, float_activation, kernel_quantizer="magnitude_aware_sign")
    image = image_input(input_shape, 57)
    x = conv(image, scaled(96, width), 11, strides=4, name="stem")
    x = relu(_norm(x, "stem", epsilon=1e-5), name="stem_relu")
    x = _norm(_pool(x, "stem"), "stem_pool")
    x = precision.conv(x, scaled(256, width), 5, name="conv2")
    x = _norm(_pool(x, "conv2"), "conv2")
    x = _norm(precision.conv(x, scaled(384, width), 3, name="conv3"), "conv3")
    x = _norm(precision.conv(x, scaled(384, width), 3, name="conv4"), "conv4")
    x = precision.conv(x, scaled(256, width), 3, name="conv5")
    x = keras.layers.Flatten(name="flatten")(_norm(_pool(x, "conv5"), "conv5"))
    x = _norm(precision.dense(x, scaled(4096, width), name="dense1"), "dense1")
    x = _norm(precision.dense(x, scaled(4096, width), name="dense2"), "dense2", epsilon=1e-3)
    x = keras.layers.Dense(classes, use_bias=False, name="classes")(relu(x, name="dense2_relu"))
    return keras.Model(image, keras.layers.Activation("softmax", name="probabilities")(x), name="xnornet")


def _pool(x: Any, name: str) -> Any:
    return keras.layers.MaxPooling2D(3, 2, name=f"{name}_pool")(x)


def _norm(x: Any, name: str, epsilon: float = 1e-4) -> Any:
    return norm(x, name=f"{name}_norm", epsilon=epsilon, scale=False)
