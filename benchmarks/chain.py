"""The model in which a layer is timed, for Keras 2 with Larq and for Keras 3 with xlite alike.

    float32 [H, W, 32] -> sign -> 1x1 to C -> depth x (3x3, C to C, padded with +1, batch norm, sign) -> 1x1 to 8

One sign of a float image, and all that follows goes from bits to bits, as it does inside a network. The 1x1
convolutions around the chain make what is converted at its ends small; together they are under 1 % of the
multiply-accumulates. In the float twin a ReLU stands where the sign was.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.rows import HEAD, TAIL, LayerRow


def binary_chain(keras: Any, quant_conv: Any, row: LayerRow) -> Any:
    """The binary model, with ``quant_conv`` the QuantConv2D of either library. Weights are :func:`weights`."""
    marks = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign", "kernel_constraint": "weight_clip"}

    def conv(x: Any, filters: int, kernel: int, name: str) -> Any:
        layer = quant_conv(filters, kernel, padding="same", pad_values=1.0, use_bias=False, name=name, **marks)
        return keras.layers.BatchNormalization(name=f"{name}_norm")(layer(x))

    return _chain(keras, row, conv)


def float_chain(keras: Any, row: LayerRow) -> Any:
    """The float twin."""

    def conv(x: Any, filters: int, kernel: int, name: str) -> Any:
        layer = keras.layers.Conv2D(filters, kernel, padding="same", use_bias=False, name=name)
        return keras.layers.ReLU(name=f"{name}_relu")(
            keras.layers.BatchNormalization(name=f"{name}_norm")(layer(x))
        )

    return _chain(keras, row, conv)


def _chain(keras: Any, row: LayerRow, conv: Any) -> Any:
    image = keras.Input(row.input_shape, name="image")
    x = conv(image, row.channels, 1, "head")
    for number in range(row.depth):
        x = conv(x, row.channels, 3, f"conv{number}")
    model = keras.Model(image, conv(x, TAIL, 1, "tail"), name=f"chain_{row.channels}")
    _fill(model, row, np.random.default_rng(row.channels))
    return model


def _fill(model: Any, row: LayerRow, rng: np.random.Generator) -> None:
    """Kernels of even signs; batch norms with gammas of both signs whose zero lies within the values that a
    binary convolution has, so that no channel is constant."""
    for layer in model.layers:
        shapes = [np.shape(w) for w in layer.get_weights()]
        if len(shapes) == 1:
            layer.set_weights([rng.uniform(-1, 1, shapes[0]) / np.sqrt(np.prod(shapes[0][:3]) / 3)])
        elif shapes:
            channels = shapes[0]
            terms = {"head": HEAD, "tail": row.channels}.get(layer.name.split("_")[0], 9 * row.channels)
            gamma = rng.uniform(0.5, 1.5, channels) * rng.choice([-1, 1], channels)
            mean = rng.normal(0, 0.3, channels) * np.sqrt(terms)
            layer.set_weights([gamma, rng.normal(0, 0.3, channels), mean, terms * rng.uniform(0.7, 1.4, channels)])


def images(row: LayerRow, count: int = 4) -> np.ndarray:
    """Inputs of the chain, float32."""
    return np.random.default_rng(7).normal(0, 1, (count, *row.input_shape)).astype(np.float32)
