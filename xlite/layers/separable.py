"""Separable convolutions: a depthwise one and a 1x1 one behind it."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from xlite.layers.base import Quantized, options, register
from xlite.layers.padding import Padded


class _Separable(Quantized, Padded):
    def call(self, inputs: Any) -> Any:
        layer: Any = self
        if self.is_plain():
            return super().call(inputs)  # type: ignore[misc]
        x, padding = self.padded(self.quantized_input(inputs))
        x = ops.depthwise_conv(
            x,
            self.quantized_kernel(layer.depthwise_kernel, "depthwise_quantizer"),
            strides=layer.strides,
            padding=padding,
            dilation_rate=layer.dilation_rate,
            data_format=layer.data_format,
        )
        outputs = ops.conv(
            self.quantized_input(x, "intermediate_quantizer"),
            self.quantized_kernel(layer.pointwise_kernel, "pointwise_quantizer"),
            padding="valid",
            data_format=layer.data_format,
        )
        return self.finished(outputs, layer.filters)


_QUANTIZERS: dict[str, Any] = {
    "input_quantizer": None,
    "depthwise_quantizer": None,
    "intermediate_quantizer": None,
    "pointwise_quantizer": None,
}


@register
@options(**_QUANTIZERS, pad_values=0.0)
class QuantSeparableConv1D(_Separable, keras.layers.SeparableConv1D):
    """``keras.layers.SeparableConv1D`` with quantized inputs and kernels.

    Args:
        input_quantizer: applied to the input ``[batch, steps, channels]``, before padding.
        depthwise_quantizer: applied to the kernel ``[size, channels, depth_multiplier]``.
        intermediate_quantizer: applied to what the depthwise half gives. Its sums are small whole numbers behind
            signs, so without this quantizer the other half does not run on bits.
        pointwise_quantizer: applied to the kernel ``[1, channels * depth_multiplier, filters]``.
        pad_values: as for :class:`QuantConv2D`.
        **kwargs: the rest of what ``keras.layers.SeparableConv1D`` takes.
    """


@register
@options(**_QUANTIZERS, pad_values=0.0)
class QuantSeparableConv2D(_Separable, keras.layers.SeparableConv2D):
    """``keras.layers.SeparableConv2D`` with quantized inputs and kernels.

    Args:
        input_quantizer: applied to the input ``[batch, height, width, channels]``, before padding.
        depthwise_quantizer: applied to the kernel ``[height, width, channels, depth_multiplier]``.
        intermediate_quantizer: as for :class:`QuantSeparableConv1D`.
        pointwise_quantizer: applied to the kernel ``[1, 1, channels * depth_multiplier, filters]``.
        pad_values: as for :class:`QuantConv2D`.
        **kwargs: the rest of what ``keras.layers.SeparableConv2D`` takes.
    """
