"""Keyword spotting on spectrograms."""

from __future__ import annotations

from typing import Any, Optional

import keras

from xlite.zoo.blocks import Precision, Shape, classifier, conv, norm, scaled

BLOCKS = 4


def keyword_net(
    input_shape: Shape = (49, 40, 1),
    classes: int = 12,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """One second of speech, 49 frames of 40 bands, as a picture: a float 10x4 convolution with stride 2, four
    binary 3x3 convolutions of 64 filters with shortcuts, max pooling, four of 128; 744,716 parameters by default.

    The widening from 64 to 128 channels joins the picture with itself, which costs nothing and keeps a shortcut.
    """
    precision = Precision(binary, float_activation)
    picture = keras.Input(input_shape, name="spectrogram")
    x = conv(picture, scaled(64, width), (10, 4), strides=2, name="stem")
    x = norm(x, name="stem_norm")
    x = _residuals(x, precision, "early")
    x = keras.layers.MaxPooling2D(2, padding="same", name="pool")(x)
    x = keras.layers.Concatenate(name="widen")([x, x])
    x = _residuals(x, precision, "late")
    return keras.Model(picture, classifier(x, classes), name="keyword_net")


def _residuals(x: Any, precision: Precision, name: str) -> Any:
    for index in range(BLOCKS):
        y = precision.conv(x, x.shape[-1], 3, name=f"{name}{index}_conv")
        x = keras.layers.Add(name=f"{name}{index}_add")([norm(y, name=f"{name}{index}_norm"), x])
    return x
