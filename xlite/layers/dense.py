"""The dense layer."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from xlite.layers.base import Quantized, options, register


@register
@options(input_quantizer=None, kernel_quantizer=None)
class QuantDense(Quantized, keras.layers.Dense):
    """``keras.layers.Dense`` with a quantized input and kernel: ``act(q_i(x) @ q_k(kernel) + bias)``.

    Args:
        input_quantizer: applied to the input ``[..., K]``; ``None`` leaves it as it is.
        kernel_quantizer: applied to the kernel ``[K, units]``; ``None`` leaves it as it is.
        **kwargs: the rest of what ``keras.layers.Dense`` takes.
    """

    def call(self, inputs: Any, training: Any = None) -> Any:
        layer: Any = self
        inputs = self.quantized_input(inputs)
        if layer.kernel_quantizer is None:
            return super().call(inputs)
        outputs = ops.matmul(inputs, self.quantized_kernel(layer.kernel))
        if layer.use_bias:
            outputs = ops.add(outputs, layer.bias)
        return outputs if layer.activation is None else layer.activation(outputs)
