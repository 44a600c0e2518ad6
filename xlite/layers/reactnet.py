"""RSign and RPReLU of ReActNet: a sign and a PReLU with learned shifts."""

from __future__ import annotations

import keras
from keras import ops

from xlite import quantizers
from xlite.layers.base import register


@register
class RSign(keras.layers.Layer):
    """``sign(x - shift)``, the shift learned for each channel (ReActNet, Liu et al. 2020, arXiv 2003.03488).

    Its gradient is that of :class:`xlite.quantizers.ApproxSign`. A layer of its own before one without
    ``input_quantizer``: several can read the same signs, and all of them are packed.

    Args:
        shift_initializer: of the shifts, one for each entry of the input's last axis.
    """

    def __init__(self, shift_initializer="zeros", **kwargs):
        super().__init__(**kwargs)
        self.shift_initializer = keras.initializers.get(shift_initializer)

    def build(self, input_shape):
        self.shift = self.add_weight(shape=(input_shape[-1],), initializer=self.shift_initializer, name="shift")

    def call(self, inputs):
        return quantizers.approx_sign(inputs - self.shift)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        initializer = keras.initializers.serialize(self.shift_initializer)
        return {**super().get_config(), "shift_initializer": initializer}


@register
class RPReLU(keras.layers.Layer):
    """``prelu(x - shift_in) + shift_out``, both shifts and the slope below 0 learned for each channel (ReActNet,
    Liu et al. 2020, arXiv 2003.03488).

    Args:
        alpha_initializer: of the slopes; the shifts begin at 0.
    """

    def __init__(self, alpha_initializer=0.25, **kwargs):
        super().__init__(**kwargs)
        if isinstance(alpha_initializer, (int, float)):
            alpha_initializer = keras.initializers.Constant(alpha_initializer)
        self.alpha_initializer = keras.initializers.get(alpha_initializer)

    def build(self, input_shape):
        shape = (input_shape[-1],)
        self.shift_in = self.add_weight(shape=shape, initializer="zeros", name="shift_in")
        self.alpha = self.add_weight(shape=shape, initializer=self.alpha_initializer, name="alpha")
        self.shift_out = self.add_weight(shape=shape, initializer="zeros", name="shift_out")

    def call(self, inputs):
        x = inputs - self.shift_in
        return ops.relu(x) - self.alpha * ops.relu(-x) + self.shift_out

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "alpha_initializer": keras.initializers.serialize(self.alpha_initializer)}
