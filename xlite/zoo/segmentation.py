"""A segmentation network: binary on the way down, a thin float decoder on the way up."""

from __future__ import annotations

from typing import Optional

import keras

from xlite.quantizers import SteSign
from xlite.schema.errors import TrainingError
from xlite.zoo import quick
from xlite.zoo.blocks import Precision, Shape, conv, relu, scaled

SECTIONS = ((32, 2), (64, 2), (128, 2), (256, 2))  # filters, blocks
DECODER = 32  # channels on the way up


def tiny_segmenter(
    input_shape: Shape = (128, 128, 3),
    classes: int = 21,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
) -> keras.Model:
    """Images to probabilities ``[n, height, width, classes]`` of every pixel; extents are multiples of 16;
    1,634,277 parameters by default.

    QuickNet's blocks at a half, a quarter, an eighth and a sixteenth of the image; then each level, reduced to a
    few channels, is added to the doubled one below it (Lin et al. 2017, arXiv 1612.03144).
    """
    if any(extent is None or extent % 16 for extent in input_shape[:2]):
        raise TrainingError(
            f"tiny_segmenter got input_shape={input_shape}; give multiples of 16 as height and width"
        )
    precision = Precision(binary, float_activation, SteSign(quick.CLIP), SteSign(quick.CLIP), quick.CLIP)
    image = keras.Input(input_shape, name="image")
    x = quick.stem(image, scaled(SECTIONS[0][0], width), strides=(2, 1))
    levels = []
    for section, (filters, blocks) in enumerate(SECTIONS):
        if section > 0:
            x = quick.transition(x, scaled(filters, width), f"section{section}")
        for block in range(blocks):
            x = quick.residual(x, precision, f"section{section}_block{block}")
        levels.append(conv(x, scaled(DECODER, width), 1, use_bias=True, name=f"section{section}_side"))
    x = levels.pop()
    for index, level in reversed(list(enumerate(levels))):
        x = keras.layers.UpSampling2D(2, interpolation="bilinear", name=f"up{index}")(x)
        x = keras.layers.Add(name=f"up{index}_add")([x, level])
    x = keras.layers.Conv2D(classes, 1, name="head")(relu(x, name="relu"))
    x = keras.layers.UpSampling2D(2, interpolation="bilinear", name="up")(x)
    return keras.Model(image, keras.layers.Softmax(name="probabilities")(x), name="tiny_segmenter")
