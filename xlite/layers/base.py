"""What the quantized layers share: the constructor of their Keras namesake with quantizers added, and the
config."""

from __future__ import annotations

import inspect
from typing import Any, Callable, ClassVar

import keras
from keras import ops

from xlite import quantizers

register = keras.saving.register_keras_serializable(package="xlite")


class Quantized:
    """Mixed into a layer of Keras, before it; :func:`options` gives the layer its constructor.

    quantize_kernels: whether kernel quantizers act. A callback that trains in stages turns it off for a while; it
    is not saved, since a saved layer is what it will be in the end.
    """

    OPTIONS: ClassVar[dict[str, Any]] = {}
    quantize_kernels = True

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)  # type: ignore[misc]
        for option in self.OPTIONS:
            quantizer = getattr(self, option)
            if isinstance(quantizer, keras.layers.Layer) and not quantizer.built:
                quantizer.build(self._shape_seen_by(option, input_shape))

    def _shape_seen_by(self, option: str, input_shape: Any) -> Any:
        """The shape of what a layer that serves as quantizer is given."""
        layer: Any = self
        if option == "input_quantizer":
            return input_shape
        if option == "intermediate_quantizer":
            return (*input_shape[:-1], layer.depthwise_kernel.shape[-2] * layer.depthwise_kernel.shape[-1])
        own = getattr(layer, option.replace("_quantizer", "_kernel"), None)
        return (layer.kernel if own is None else own).shape

    def quantized_input(self, inputs: Any, option: str = "input_quantizer") -> Any:
        quantizer = getattr(self, option)
        return inputs if quantizer is None else quantizer(inputs)

    def quantized_kernel(self, kernel: Any, option: str = "kernel_quantizer") -> Any:
        quantizer = getattr(self, option)
        return kernel if quantizer is None or not self.quantize_kernels else quantizer(kernel)

    def is_plain(self) -> bool:
        """True where nothing is quantized and nothing but zeros is padded: Keras's own layer can do the work."""
        return not any(getattr(self, option) for option in self.OPTIONS)

    def finished(self, outputs: Any, channels: int) -> Any:
        """``outputs`` of a convolution with the layer's bias and activation."""
        layer: Any = self
        if layer.use_bias:
            ones = (1,) * layer.rank
            shape = (1, *ones, channels) if layer.data_format == "channels_last" else (1, channels, *ones)
            outputs = ops.add(outputs, ops.reshape(layer.bias, shape))
        return outputs if layer.activation is None else layer.activation(outputs)

    def own_config(self) -> dict[str, Any]:
        """The options that Keras's namesake does not have, as ``get_config`` holds them."""
        values = {option: getattr(self, option) for option in self.OPTIONS}
        return {
            option: quantizers.serialize(value) if option.endswith("_quantizer") else value
            for option, value in values.items()
        }


def options(**defaults: Any) -> Callable[[type], type]:
    """Class decorator: the constructor takes the arguments of the Keras layer that the class extends, those of the
    installed version of Keras, and by keyword ``defaults``. Options called ``*_quantizer`` take what
    :func:`xlite.quantizers.get` takes. A method ``check_options``, where there is one, is called at the end.
    """

    def decorate(cls: Any) -> Any:
        plain = next(base for base in cls.__mro__ if base.__module__.split(".")[0] == "keras")

        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            own = {option: kwargs.pop(option, default) for option, default in defaults.items()}
            plain.__init__(self, *args, **kwargs)
            for option, value in own.items():
                setattr(self, option, quantizers.get(value) if option.endswith("_quantizer") else value)
            if hasattr(self, "check_options"):
                self.check_options()

        def get_config(self: Any) -> dict[str, Any]:
            return {**plain.get_config(self), **self.own_config()}

        __init__.__signature__ = _signature(plain, defaults)  # type: ignore[attr-defined]
        __init__.__qualname__ = f"{cls.__qualname__}.__init__"
        cls.__init__, cls.get_config, cls.OPTIONS = __init__, get_config, dict(defaults)
        return cls

    return decorate


def _signature(plain: type, defaults: dict[str, Any]) -> inspect.Signature:
    """The signature of Keras's constructor with ``defaults`` as keywords before its ``**kwargs``."""
    taken = list(inspect.signature(plain.__init__).parameters.values())  # type: ignore[misc]
    rest = [p for p in taken if p.kind is p.VAR_KEYWORD]
    own = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value) for name, value in defaults.items()
    ]
    return inspect.Signature([*(p for p in taken if p not in rest), *own, *rest])
