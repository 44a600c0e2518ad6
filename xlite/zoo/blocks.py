"""What the networks of the zoo share: the layers that are binary (float in the twin), norms, heads, widths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional, Union

import keras

from xlite.constraints import weight_clip
from xlite.layers import QuantConv2D, QuantDense
from xlite.quantizers import Identifier
from xlite.schema.errors import TrainingError

Sizes = Union[int, Sequence[int]]
Shape = tuple[int, int, int]

IMAGENET: Shape = (224, 224, 3)


@dataclass(frozen=True)
class Precision:
    """How the binary layers of a network compute.

    ``binary``: with quantizers; otherwise they are plain layers of Keras, which makes the float twin.
    ``float_activation``: what the twin has in place of each input quantizer (``"relu"`` for a twin that is worth
    training); None for nothing. ``clip``: the kernels' real-valued weights stay within; None for no limit.
    """

    binary: bool = True
    float_activation: Optional[str] = None
    input_quantizer: Identifier = "ste_sign"
    kernel_quantizer: Identifier = "ste_sign"
    clip: Optional[float] = 1.0

    def conv(
        self, x: Any, filters: int, kernel: Sizes, *, name: str, pad_values: float = 0.0, **kwargs: Any
    ) -> Any:
        """A binary convolution of ``x`` without bias, ``padding="same"`` by default; the twin pads with 0."""
        kwargs = {"padding": "same", "use_bias": False, "name": name, **kwargs}
        if not self.binary:
            return keras.layers.Conv2D(filters, kernel, **kwargs)(self._activated(x, name))
        return QuantConv2D(filters, kernel, pad_values=pad_values, **self._quantizers(), **kwargs)(x)

    def dense(self, x: Any, units: int, *, name: str, **kwargs: Any) -> Any:
        """A binary dense layer without bias."""
        kwargs = {"use_bias": False, "name": name, **kwargs}
        if not self.binary:
            return keras.layers.Dense(units, **kwargs)(self._activated(x, name))
        return QuantDense(units, **self._quantizers(), **kwargs)(x)

    def without_input_quantizer(self) -> Precision:
        """For a first layer with binary weights, or one whose input has been quantized already."""
        return replace(self, input_quantizer=None, float_activation=None)

    def _quantizers(self) -> dict[str, Any]:
        return {
            "input_quantizer": self.input_quantizer,
            "kernel_quantizer": self.kernel_quantizer,
            "kernel_constraint": None if self.clip is None else weight_clip(self.clip),
        }

    def _activated(self, x: Any, name: str) -> Any:
        if self.float_activation is None:
            return x
        return keras.layers.Activation(self.float_activation, name=f"{name}_input")(x)


def scaled(filters: int, width: float) -> int:
    """``filters`` times ``width``, to the nearest multiple of 8 and at least 8. Raises TrainingError for a width
    of 0 or below."""
    if not 0 < width < float("inf"):
        raise TrainingError(f"width={width!r} cannot be; give a number above 0, which multiplies the filters")
    return max(8, 8 * round(filters * width / 8))


def image_input(input_shape: Shape, least: int = 1) -> Any:
    """The input ``"image"`` of a network whose strides and pools need ``least`` pixels each way. Raises
    TrainingError for fewer, and for what is no image."""
    if len(input_shape) != 3 or any(extent is not None and extent < least for extent in input_shape[:2]):
        raise TrainingError(
            f"input_shape={input_shape} is no image for this network; give (height, width, channels) of "
            f"at least {least} x {least} pixels"
        )
    return keras.Input(input_shape, name="image")


def conv(x: Any, filters: int, kernel: Sizes, *, name: str, **kwargs: Any) -> Any:
    """A float convolution without bias, ``padding="same"`` by default."""
    kwargs = {"padding": "same", "use_bias": False, **kwargs}
    return keras.layers.Conv2D(filters, kernel, name=name, **kwargs)(x)


def norm(x: Any, *, name: str, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs: Any) -> Any:
    return keras.layers.BatchNormalization(momentum=momentum, epsilon=epsilon, name=name, **kwargs)(x)


def relu(x: Any, *, name: str) -> Any:
    return keras.layers.Activation("relu", name=name)(x)


def imagenet_stem(x: Any, filters: int, **kwargs: Any) -> Any:
    """7x7 with stride 2, batch norm, ReLU, and 3x3 max pooling with stride 2: a quarter of the input's extents.

    An input below 50 pixels keeps its extents: it gets one 3x3 convolution alone."""
    if x.shape[1] is not None and x.shape[1] < 50:
        return conv(x, filters, 3, name="stem", **kwargs)
    x = norm(conv(x, filters, 7, strides=2, name="stem", **kwargs), name="stem_norm")
    return keras.layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(relu(x, name="stem_relu"))


def classifier(x: Any, classes: int, **kwargs: Any) -> Any:
    """Features ``[n, h, w, c]`` -> mean over the image -> probabilities ``[n, classes]``, in floats."""
    return probabilities(keras.layers.GlobalAveragePooling2D(name="mean")(x), classes, **kwargs)


def probabilities(x: Any, classes: int, **kwargs: Any) -> Any:
    """Features ``[n, c]`` -> probabilities ``[n, classes]``: a float dense layer and a softmax."""
    x = keras.layers.Dense(classes, name="classes", **kwargs)(x)
    return keras.layers.Activation("softmax", name="probabilities")(x)
