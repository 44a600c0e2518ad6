"""Seeded random weights under which nothing in a network is degenerate, for benchmarks and tests.

As its initializers leave it, a network's batch norms are the identity, its binary layers see inputs far from 0 or
all of one sign, and all its images end in the same class. Thresholds of gammas of either sign, shifted statistics
and near ties are where a packed network could go wrong, so here they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

import keras
import numpy as np

SPREAD = 1.5  # standard deviation, over images and places, of what goes into the last activation


def randomize(model: keras.Model, seed: int = 0, images: Optional[np.ndarray] = None) -> keras.Model:
    """Gives ``model`` random weights, in place, and returns it. The same seed and images give the same weights,
    but for the rounding of the machine's sums in the batch norms' statistics.

    Kernels are normal, scaled by their fan-in (a binary kernel's signs are even), biases and slopes small. Batch
    norms get gammas of both signs, betas, and the statistics that the ``images`` really have there, shifted. The
    last layer is scaled so that images differ in its outputs. Layers with ``trainable=False`` stay as they are.

    Args:
        model: a built model with one input.
        images: float32, a few samples of the input; default: :func:`pictures`.
    """
    rng = np.random.default_rng(seed)
    if images is None:
        images = pictures(model.input_shape[1:], 4, rng)
    layers = [layer for layer in _leaves(model) if layer.weights and layer.trainable]
    for layer in layers:
        for weight in layer.weights:
            value = _drawn(weight.path.rsplit("/", 1)[-1], tuple(weight.shape), rng)
            if value is not None:
                weight.assign(value)
    _match_statistics(model, [k for k in layers if isinstance(k, keras.layers.BatchNormalization)], images, rng)
    if layers and layers[-1] in model.layers:
        _spread_outputs(model, layers[-1], images)
    return model


def pictures(shape: tuple[int, ...], count: int, rng: np.random.Generator) -> np.ndarray:
    """``float32 [count, *shape]`` in [-1, 1], multiples of 1/64; where the shape is one of images ``(h, w, c)``,
    with patches of several sizes, more or less of each in every picture."""
    found = rng.normal(0, 0.3, (count, *shape))
    if len(shape) == 3:
        height, width, channels = shape
        for patch in (4, 16, 64):
            size = (count, -(-height // patch), -(-width // patch), channels)
            grid = rng.normal(0, 1, size) * rng.uniform(0.05, 0.6, (count, 1, 1, 1))
            found += grid.repeat(patch, 1).repeat(patch, 2)[:, :height, :width]
    return (np.round(np.clip(found, -1, 1) * 64) / 64).astype(np.float32)


def _leaves(model: keras.Model) -> Iterator[keras.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        else:
            yield layer


def _drawn(role: str, shape: tuple[int, ...], rng: np.random.Generator) -> Optional[np.ndarray]:
    """A weight by its name in Keras; None for what is no parameter of ours, such as a seed."""
    if role == "gamma":
        return rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)
    if role == "beta":
        return rng.normal(0, 0.5, shape)
    if role == "alpha":  # slopes of a PReLU
        return rng.uniform(0.05, 0.5, shape)
    if role in ("bias", "shift", "shift_in", "shift_out"):
        return rng.normal(0, 0.1, shape)
    if role.endswith("kernel"):
        return _kernel(shape, rng)
    return None


def _kernel(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """He's normal distribution, clipped to [-1, 1]; in float32, since the largest has 38 million weights."""
    inputs = max(1, int(np.prod(shape[:-1])))
    values = rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / inputs))
    return np.clip(values, -1, 1, out=values)


def _match_statistics(
    model: keras.Model,
    norms: list[keras.layers.BatchNormalization],
    images: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Runs the model as in training, where every batch norm takes the batch's own statistics, and keeps them."""
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(images, training=True)
    for layer, momentum in zip(norms, momenta):
        layer.momentum = momentum
        mean = keras.ops.convert_to_numpy(layer.moving_mean)
        variance = keras.ops.convert_to_numpy(layer.moving_variance)
        # A channel that is constant in these images, and a batch of few values, must not divide by next to nothing
        variance = np.maximum(variance, 0.05 * variance.mean() + 1e-3)
        layer.moving_mean.assign(mean + rng.normal(0, 0.2, mean.shape) * np.sqrt(variance))
        layer.moving_variance.assign(variance * rng.uniform(0.7, 1.4, mean.shape))


def _spread_outputs(model: keras.Model, last: keras.Layer, images: np.ndarray) -> None:
    """Centres and scales each output of the last layer with weights over the images, where that is a float layer
    which sees one place at a time: a dense one or a 1x1 convolution."""
    window = getattr(last, "kernel_size", ())
    if not hasattr(last, "kernel") or any(extent > 1 for extent in window):
        return
    if getattr(last, "kernel_quantizer", None) is not None:
        return
    features = keras.ops.convert_to_numpy(keras.Model(model.inputs[0], last.input)(images, training=False))
    features = features.reshape(-1, features.shape[-1])
    kernel = keras.ops.convert_to_numpy(last.kernel)
    matrix = kernel.reshape(kernel.shape[-2:])
    if not last.use_bias:  # what the features have in common is taken out of the kernel
        common = features.mean(0)
        matrix = matrix - np.outer(common, common @ matrix) / max(float(common @ common), 1e-6)
    values = features @ matrix
    factor = SPREAD / np.maximum(values.std(0), 1e-6)
    last.kernel.assign((matrix * factor).reshape(kernel.shape))
    if last.use_bias:
        last.bias.assign(-values.mean(0) * factor)
