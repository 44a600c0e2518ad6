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

from typing import Any

import keras
from keras import ops

from xlite import constraints as _constraints  # noqa: F401  (registers them: files name them in layers' configs)
from xlite import quantizers
from xlite.schema.errors import TrainingError

_register = keras.saving.register_keras_serializable(package="xlite")


def _quantized(tensor: Any, quantizer: quantizers.Quantizer | None) -> Any:
    return tensor if quantizer is None else quantizer(tensor)


def _checked_pad_values(layer: Any, pad_values: float) -> float:
    """``pad_values`` as a float; refuses the one combination that no backend could run alike."""
    if pad_values and layer.data_format == "channels_first":
        raise TrainingError(
            f"layer {layer.name!r}: pad_values={pad_values} works with data_format='channels_last' only; "
            "use that, or pad_values=0"
        )
    return float(pad_values)


def same_padding(size: int | None, kernel: int, stride: int, dilation: int) -> tuple[int, int] | None:
    """Elements that ``padding="same"`` adds before and after one spatial axis; ``None`` if unknowable.

    ``out = ceil(size / stride)``, and the odd element goes to the end, as TensorFlow places it. With stride 1
    the answer does not depend on ``size``.
    """
    reach = (kernel - 1) * dilation + 1
    if stride == 1:
        total = reach - 1
    elif size is None:
        return None
    else:
        total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def _pad_widths(layer: Any, shape: Any) -> list[tuple[int, int]]:
    """What ``padding="same"`` adds around the height and the width of an input ``[..., h, w, channels]``."""
    widths = []
    for size, *geometry in zip(shape[-3:-1], layer.kernel_size, layer.strides, layer.dilation_rate):
        pads = same_padding(size, *geometry)
        if pads is None:
            raise TrainingError(
                f"layer {layer.name!r}: pad_values={layer.pad_values} with strides={tuple(layer.strides)} needs "
                "a known input height and width; give the model's Input a full shape, or use strides of 1"
            )
        widths.append(pads)
    return widths


def _pads_itself(layer: Any) -> bool:
    return layer.padding == "same" and layer.pad_values != 0


def _padded(layer: Any, inputs: Any) -> tuple[Any, str]:
    """The inputs and the padding mode with which a convolution sees ``layer.pad_values`` at its borders."""
    if not _pads_itself(layer):
        return inputs, layer.padding
    outer = [(0, 0)] * (len(inputs.shape) - 3)
    widths = [*outer, *_pad_widths(layer, inputs.shape), (0, 0)]
    return ops.pad(inputs, widths, mode="constant", constant_values=layer.pad_values), "valid"


@_register
class QuantDense(keras.layers.Dense):
    """``keras.layers.Dense`` with a quantized input and kernel: ``act(q_i(x) @ q_k(kernel) + bias)``.

    Args:
        input_quantizer: applied to the input ``[..., K]``; ``None`` leaves it as it is.
        kernel_quantizer: applied to the kernel ``[K, units]``; ``None`` leaves it as it is.
        **kwargs: the rest of what ``keras.layers.Dense`` takes.
    """

    def __init__(
        self,
        units,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        input_quantizer=None,
        kernel_quantizer=None,
        **kwargs,
    ):
        super().__init__(
            units,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )
        self.input_quantizer = quantizers.get(input_quantizer)
        self.kernel_quantizer = quantizers.get(kernel_quantizer)

    def call(self, inputs, training=None):
        inputs = _quantized(inputs, self.input_quantizer)
        if self.kernel_quantizer is None:
            return super().call(inputs)
        outputs = ops.matmul(inputs, self.kernel_quantizer(self.kernel))
        if self.use_bias:
            outputs = ops.add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    def get_config(self):
        return {
            **super().get_config(),
            "input_quantizer": quantizers.serialize(self.input_quantizer),
            "kernel_quantizer": quantizers.serialize(self.kernel_quantizer),
        }


@_register
class QuantConv2D(keras.layers.Conv2D):
    """``keras.layers.Conv2D`` with a quantized input and kernel.

    Args:
        input_quantizer: applied to the input ``[batch, height, width, channels]``, before padding.
        kernel_quantizer: applied to the kernel ``[height, width, channels / groups, filters]``.
        pad_values: the constant that ``padding="same"`` puts around the quantized input. 0, the default, is
            a third level beside -1 and +1; a network padded with -1 or +1 runs a little faster. No effect with
            ``padding="valid"``. Values other than 0 need ``data_format="channels_last"``.
        **kwargs: the rest of what ``keras.layers.Conv2D`` takes.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        groups=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        input_quantizer=None,
        kernel_quantizer=None,
        pad_values=0.0,
        **kwargs,
    ):
        super().__init__(
            filters,
            kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            groups=groups,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )
        self.input_quantizer = quantizers.get(input_quantizer)
        self.kernel_quantizer = quantizers.get(kernel_quantizer)
        self.pad_values = _checked_pad_values(self, pad_values)

    def build(self, input_shape):
        if _pads_itself(self):
            _pad_widths(self, input_shape)  # a shape that cannot be padded is refused here, not at run time
        super().build(input_shape)

    def convolution_op(self, inputs, kernel):
        inputs, padding = _padded(self, _quantized(inputs, self.input_quantizer))
        return ops.conv(
            inputs,
            _quantized(kernel, self.kernel_quantizer),
            strides=list(self.strides),
            padding=padding,
            dilation_rate=self.dilation_rate,
            data_format=self.data_format,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "input_quantizer": quantizers.serialize(self.input_quantizer),
            "kernel_quantizer": quantizers.serialize(self.kernel_quantizer),
            "pad_values": self.pad_values,
        }


@_register
class QuantDepthwiseConv2D(keras.layers.DepthwiseConv2D):
    """``keras.layers.DepthwiseConv2D`` with a quantized input and kernel.

    Args:
        input_quantizer: applied to the input ``[batch, height, width, channels]``, before padding.
        depthwise_quantizer: applied to the kernel ``[height, width, channels, depth_multiplier]``. It is named
            after Keras's own ``depthwise_initializer`` and its like.
        pad_values: as for :class:`QuantConv2D`.
        **kwargs: the rest of what ``keras.layers.DepthwiseConv2D`` takes.
    """

    def __init__(
        self,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        depth_multiplier=1,
        data_format=None,
        dilation_rate=(1, 1),
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        bias_constraint=None,
        input_quantizer=None,
        depthwise_quantizer=None,
        pad_values=0.0,
        **kwargs,
    ):
        super().__init__(
            kernel_size,
            strides=strides,
            padding=padding,
            depth_multiplier=depth_multiplier,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            depthwise_initializer=depthwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            depthwise_constraint=depthwise_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )
        self.input_quantizer = quantizers.get(input_quantizer)
        self.depthwise_quantizer = quantizers.get(depthwise_quantizer)
        self.pad_values = _checked_pad_values(self, pad_values)

    def build(self, input_shape):
        if _pads_itself(self):
            _pad_widths(self, input_shape)  # a shape that cannot be padded is refused here, not at run time
        super().build(input_shape)

    def call(self, inputs):
        inputs, padding = _padded(self, _quantized(inputs, self.input_quantizer))
        outputs = ops.depthwise_conv(
            inputs,
            _quantized(self.kernel, self.depthwise_quantizer),
            strides=self.strides,
            padding=padding,
            dilation_rate=self.dilation_rate,
            data_format=self.data_format,
        )
        if self.use_bias:
            channels_last = self.data_format == "channels_last"
            outputs = ops.add(outputs, ops.reshape(self.bias, (1, 1, 1, -1) if channels_last else (1, -1, 1, 1)))
        return outputs if self.activation is None else self.activation(outputs)

    def get_config(self):
        return {
            **super().get_config(),
            "input_quantizer": quantizers.serialize(self.input_quantizer),
            "depthwise_quantizer": quantizers.serialize(self.depthwise_quantizer),
            "pad_values": self.pad_values,
        }


@_register
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


@_register
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
