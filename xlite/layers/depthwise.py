"""The depthwise convolution."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from xlite.layers.base import Quantized, options, register
from xlite.layers.padding import Padded


@register
@options(input_quantizer=None, depthwise_quantizer=None, pad_values=0.0)
class QuantDepthwiseConv2D(Quantized, Padded, keras.layers.DepthwiseConv2D):
    """``keras.layers.DepthwiseConv2D`` with a quantized input and kernel.

    Args:
        input_quantizer: applied to the input ``[batch, height, width, channels]``, before padding.
        depthwise_quantizer: applied to the kernel ``[height, width, channels, depth_multiplier]``. It is named
            after Keras's own ``depthwise_initializer`` and its like.
        pad_values: as for :class:`QuantConv2D`.
        **kwargs: the rest of what ``keras.layers.DepthwiseConv2D`` takes.
    """

    def call(self, inputs: Any) -> Any:
        layer: Any = self
        if self.is_plain():
            return super().call(inputs)
        x, padding = self.padded(self.quantized_input(inputs))
        kernel = self.quantized_kernel(layer.kernel, "depthwise_quantizer")
        outputs = ops.depthwise_conv(
            x,
            kernel,
            strides=layer.strides,
            padding=padding,
            dilation_rate=layer.dilation_rate,
            data_format=layer.data_format,
        )
        return self.finished(outputs, kernel.shape[-2] * kernel.shape[-1])
