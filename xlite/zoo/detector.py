"""A one-stage detector in the manner of YOLO (Redmon and Farhadi 2017, arXiv 1612.08242) on a binary backbone."""

from __future__ import annotations

from typing import Optional

import keras

from xlite.quantizers import SteSign
from xlite.zoo import quick
from xlite.zoo.blocks import Precision, Shape, image_input, relu, scaled

SECTIONS = ((32, 2), (64, 2), (128, 3), (256, 3))  # filters, blocks


def tiny_detector(
    input_shape: Shape = (192, 192, 3),
    classes: int = 20,
    width: float = 1.0,
    binary: bool = True,
    float_activation: Optional[str] = None,
    boxes: int = 3,
) -> keras.Model:
    """Images to ``[n, rows, columns, boxes, 5 + classes]``, a row and a column for every 32 pixels; 2,376,187
    parameters by default.

    The last axis holds what the head computes, as it is: x, y, width, height, whether there is an object, and the
    classes. :func:`xlite.zoo.boxes.decode` makes boxes of it.
    """
    precision = Precision(binary, float_activation, SteSign(quick.CLIP), SteSign(quick.CLIP), quick.CLIP)
    image = image_input(input_shape, 29)
    x = quick.stem(image, scaled(SECTIONS[0][0], width))
    for section, (filters, blocks) in enumerate(SECTIONS):
        if section > 0:
            x = quick.transition(x, scaled(filters, width), f"section{section}")
        for block in range(blocks):
            x = quick.residual(x, precision, f"section{section}_block{block}")
    x = keras.layers.Conv2D(boxes * (5 + classes), 1, name="head")(relu(x, name="relu"))
    x = keras.layers.Reshape((*x.shape[1:3], boxes, 5 + classes), name="boxes")(x)
    return keras.Model(image, x, name="tiny_detector")
