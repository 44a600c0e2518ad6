"""A layer that quantizes to 256 levels between two ends that it learns."""

from __future__ import annotations

import keras
from keras import ops

from xlite.layers.base import register
from xlite.quantization.int8 import Int8Input, fake_quantized

_NARROWEST = 1e-6


@register
class Int8Range(keras.layers.Layer):
    """:class:`xlite.quantizers.Int8Input` with a learned range: before a layer that is to run on integers.

    The gradient of x passes between the outermost levels; below them it goes to ``low``, above to ``high``, as in
    PACT (Choi et al. 2018, arXiv 1805.06085). A ``low`` above 0 counts as 0, and a ``high`` as a little above
    ``low`` and 0 at the least.

    Args:
        low: where the lower end begins, 0 or below.
        high: where the upper end begins, 0 or above, and above ``low``.
    """

    def __init__(self, low=-1.0, high=1.0, **kwargs):
        super().__init__(**kwargs)
        start = Int8Input(low, high)  # which checks them
        self.start_low, self.start_high = start.low, start.high

    def build(self, input_shape):
        constant = keras.initializers.Constant
        self.low = self.add_weight(shape=(), initializer=constant(self.start_low), name="low")
        self.high = self.add_weight(shape=(), initializer=constant(self.start_high), name="high")

    def call(self, inputs):
        low = ops.minimum(self.low, 0.0)
        high = ops.maximum(ops.maximum(self.high, 0.0), low + _NARROWEST)
        value, inside, below, above = (
            ops.stop_gradient(part)
            for part in fake_quantized(inputs, ops.stop_gradient(low), ops.stop_gradient(high))
        )
        passed = inside * (inputs - ops.stop_gradient(inputs))
        return value + passed + below * (low - ops.stop_gradient(low)) + above * (high - ops.stop_gradient(high))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "low": self.start_low, "high": self.start_high}
