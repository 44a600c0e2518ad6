"""Keras layers that quantize their input and their kernel.

Each layer takes every argument of its Keras namesake plus a quantizer for its input and one for its kernel
(see :mod:`xlite.quantizers`: an alias such as ``"ste_sign"``, an object, or any callable). The weights that
the layer stores, trains and saves stay real-valued; they are quantized in the forward pass. Without
quantizers a layer *is* its Keras namesake.

A binary kernel wants a constraint that keeps the real-valued weights within the quantizer's window::

    QuantConv2D(64, 3, padding="same", use_bias=False, input_quantizer="ste_sign",
                kernel_quantizer="ste_sign", kernel_constraint=xlite.constraints.weight_clip())

``import xlite.layers`` registers the layers with Keras, so that ``keras.saving.load_model`` reads ``.h5`` and
``.keras`` files without ``custom_objects``.
"""

from __future__ import annotations

from xlite import constraints as _constraints  # noqa: F401  (registers them: files name them in layers' configs)
from xlite.layers.conv import QuantConv1D, QuantConv2D, QuantConv3D
from xlite.layers.dense import QuantDense
from xlite.layers.depthwise import QuantDepthwiseConv2D
from xlite.layers.int8_range import Int8Range
from xlite.layers.padding import same_padding
from xlite.layers.reactnet import RPReLU, RSign
from xlite.layers.scaled import ScaledBinaryConv2D
from xlite.layers.separable import QuantSeparableConv1D, QuantSeparableConv2D
from xlite.layers.transpose import QuantConv2DTranspose, QuantConv3DTranspose

__all__ = [
    "Int8Range",
    "QuantConv1D",
    "QuantConv2D",
    "QuantConv2DTranspose",
    "QuantConv3D",
    "QuantConv3DTranspose",
    "QuantDense",
    "QuantDepthwiseConv2D",
    "QuantSeparableConv1D",
    "QuantSeparableConv2D",
    "RPReLU",
    "RSign",
    "ScaledBinaryConv2D",
    "same_padding",
]
