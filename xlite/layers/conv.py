"""Convolutions in one, two and three dimensions."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from xlite.layers.base import Quantized, options, register
from xlite.layers.padding import Padded


class _Conv(Quantized, Padded):
    def call(self, inputs: Any) -> Any:
        layer: Any = self
        if self.is_plain():
            return super().call(inputs)  # type: ignore[misc]
        return self.finished(self.convolved(inputs), layer.filters)

    def convolved(self, inputs: Any) -> Any:
        """The quantized input with the quantized kernel, without bias and activation."""
        layer: Any = self
        x, padding = self.padded(self.quantized_input(inputs))
        return ops.conv(
            x,
            self.quantized_kernel(layer.kernel),
            strides=list(layer.strides),
            padding=padding,
            dilation_rate=layer.dilation_rate,
            data_format=layer.data_format,
        )


@register
@options(input_quantizer=None, kernel_quantizer=None, pad_values=0.0)
class QuantConv1D(_Conv, keras.layers.Conv1D):
    """``keras.layers.Conv1D`` with a quantized input and kernel.

    Args:
        input_quantizer: applied to the input ``[batch, steps, channels]``, before padding.
        kernel_quantizer: applied to the kernel ``[size, channels / groups, filters]``.
        pad_values: the constant that ``padding="same"`` and ``"causal"`` put around the quantized input; otherwise
            as for :class:`QuantConv2D`.
        **kwargs: the rest of what ``keras.layers.Conv1D`` takes.
    """


@register
@options(input_quantizer=None, kernel_quantizer=None, pad_values=0.0)
class QuantConv2D(_Conv, keras.layers.Conv2D):
    """``keras.layers.Conv2D`` with a quantized input and kernel.

    Args:
        input_quantizer: applied to the input ``[batch, height, width, channels]``, before padding.
        kernel_quantizer: applied to the kernel ``[height, width, channels / groups, filters]``.
        pad_values: the constant that ``padding="same"`` puts around the quantized input. 0, the default, is
            a third level beside -1 and +1; a network padded with -1 or +1 runs a little faster. No effect with
            ``padding="valid"``. Values other than 0 need ``data_format="channels_last"``.
        **kwargs: the rest of what ``keras.layers.Conv2D`` takes.
    """


@register
@options(input_quantizer=None, kernel_quantizer=None, pad_values=0.0)
class QuantConv3D(_Conv, keras.layers.Conv3D):
    """``keras.layers.Conv3D`` with a quantized input and kernel.

    Args:
        input_quantizer: applied to the input ``[batch, depth, height, width, channels]``, before padding.
        kernel_quantizer: applied to the kernel ``[depth, height, width, channels / groups, filters]``.
        pad_values: as for :class:`QuantConv2D`.
        **kwargs: the rest of what ``keras.layers.Conv3D`` takes.
    """
