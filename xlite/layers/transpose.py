"""Transposed convolutions in two and three dimensions."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from xlite.layers.base import Quantized, options, register


class _Transpose(Quantized):
    def call(self, inputs: Any) -> Any:
        layer: Any = self
        if self.is_plain():
            return super().call(inputs)  # type: ignore[misc]
        outputs = ops.conv_transpose(
            self.quantized_input(inputs),
            self.quantized_kernel(layer.kernel),
            strides=list(layer.strides),
            padding=layer.padding,
            output_padding=layer.output_padding,
            dilation_rate=layer.dilation_rate,
            data_format=layer.data_format,
        )
        return self.finished(outputs, layer.filters)


@register
@options(input_quantizer=None, kernel_quantizer=None)
class QuantConv2DTranspose(_Transpose, keras.layers.Conv2DTranspose):
    """``keras.layers.Conv2DTranspose`` with a quantized input and kernel.

    Args:
        input_quantizer: applied to the input ``[batch, height, width, channels]``.
        kernel_quantizer: applied to the kernel ``[height, width, filters, channels]``. Its last axis is that of
            the
            inputs: a quantizer with one alpha a filter would give each input channel one, so use ``"ste_sign"`` or
            ``"layer_scaled_sign"``.
        **kwargs: the rest of what ``keras.layers.Conv2DTranspose`` takes.
    """


@register
@options(input_quantizer=None, kernel_quantizer=None)
class QuantConv3DTranspose(_Transpose, keras.layers.Conv3DTranspose):
    """``keras.layers.Conv3DTranspose`` with a quantized input and kernel.

    Args:
        input_quantizer: applied to the input ``[batch, depth, height, width, channels]``.
        kernel_quantizer: applied to the kernel ``[depth, height, width, filters, channels]``, as for
            :class:`QuantConv2DTranspose`.
        **kwargs: the rest of what ``keras.layers.Conv3DTranspose`` takes.
    """
