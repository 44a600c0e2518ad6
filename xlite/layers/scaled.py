"""XNOR-Net's binary convolution with both of its scales."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from xlite.layers.base import options, register
from xlite.layers.conv import _Conv
from xlite.layers.padding import same_padding
from xlite.schema.errors import TrainingError


@register
@options(input_quantizer="ste_sign", kernel_quantizer="magnitude_aware_sign", pad_values=0.0, scale_inputs=False)
class ScaledBinaryConv2D(_Conv, keras.layers.Conv2D):
    """``(sign(x) * sign(W)) alpha K``: XNOR-Net's convolution (Rastegari et al. 2016, arXiv 1603.05279, eq. 11).

    ``alpha``, one number a filter, comes with the kernel quantizer. ``K``, one number for each place of the
    output, is the mean of ``|x|`` over the channels and the window, zeros of the padding included; a constant for
    the gradient. It says how large the inputs were that the signs stand for. The authors found that doing without
    costs less than a point of accuracy, and it needs float arithmetic on the device: it is off by default.

    Args:
        input_quantizer, kernel_quantizer, pad_values: as for :class:`QuantConv2D`, with other defaults.
        scale_inputs: whether to multiply by K. Not with groups, dilation or ``channels_first``.
        **kwargs: the rest of what ``keras.layers.Conv2D`` takes.
    """

    def check_options(self) -> None:
        super().check_options()
        layer: Any = self
        layer.scale_inputs = bool(layer.scale_inputs)
        odd = layer.groups != 1 or max(layer.dilation_rate) != 1 or layer.data_format != "channels_last"
        if layer.scale_inputs and odd:
            raise TrainingError(
                f"layer {layer.name!r}: scale_inputs=True works without groups and dilation and with "
                "data_format='channels_last' only"
            )

    def build(self, input_shape: Any) -> None:
        layer: Any = self
        if layer.scale_inputs:
            self._border(input_shape)  # refused here, not at run time
        super().build(input_shape)

    def convolved(self, inputs: Any) -> Any:
        layer: Any = self
        outputs = super().convolved(inputs)
        if not layer.scale_inputs:
            return outputs
        magnitude = ops.mean(ops.abs(inputs), axis=-1, keepdims=True)
        magnitude = ops.pad(magnitude, [(0, 0), *self._border(inputs.shape), (0, 0)])
        scale = ops.average_pool(magnitude, layer.kernel_size, layer.strides, padding="valid")
        return outputs * ops.stop_gradient(scale)

    def _border(self, shape: Any) -> list[tuple[int, int]]:
        layer: Any = self
        if layer.padding == "valid":
            return [(0, 0), (0, 0)]
        widths = [same_padding(*axis, 1) for axis in zip(shape[1:3], layer.kernel_size, layer.strides)]
        known = [width for width in widths if width is not None]
        if len(known) < 2:
            raise TrainingError(
                f"layer {layer.name!r}: scale_inputs=True with strides={tuple(layer.strides)} needs a known input "
                "height and width; give the model's Input a full shape, or use strides of 1"
            )
        return known
