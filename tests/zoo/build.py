"""Builds larq-zoo's networks with seeded weights and records TensorFlow's outputs, in the environment of Larq:

    build/zoo/venv/bin/python tests/zoo/build.py [NAME ...]

The weights are random, but nothing in the networks is degenerate: batch norms hold the statistics of real
activations, shifted, with gammas of both signs, and the last layer is scaled so that images differ in their class.
What is there and was built by this file is kept.

Beside the outputs lie two controls, TensorFlow against itself: how many images keep their outputs when every batch
norm parameter is changed in its last digits (``control``), and when its convolutions come from oneDNN instead of
Eigen (``library``), where nothing but the order of the sums is another.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # or TensorFlow chooses by the machine
sys.path.insert(0, str(Path(__file__).parent))

import networks
import numpy as np
import tensorflow as tf
from larq_zoo import literature, sota

IMAGES = 64
FIRST = 16  # of these, from which the statistics and the last layer's scale are taken
BATCH = 4
SIZE = 224
SPREAD = 1.5  # standard deviation, over the images, of what goes into the softmax
JITTER = 5e-7  # relative: some units in the last place of float32
CONTROLS = 3
EXACT = 1e-4  # of an image's largest output

Layer = tf.keras.layers.Layer


def main(names: list[str]) -> None:
    """Builds each network in processes of its own, since TensorFlow does not give memory back."""
    networks.FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or networks.NAMES:
        if networks.is_built(name):
            print(f"{name}: is there", flush=True)
            continue
        step("record", name, "0")
        step("control", name, "1")


def step(what: str, name: str, onednn: str) -> None:
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": onednn}
    subprocess.run([sys.executable, "-W", "ignore", __file__, f"--{what}", name], check=True, env=environment)


def record(name: str) -> None:
    """Builds, saves and records one network."""
    tf.keras.utils.set_random_seed(1)
    seed = zlib.crc32(name.encode())
    rng = np.random.default_rng(seed)
    first = pictures(rng, FIRST)
    model = builder(name)(weights=None, input_shape=(SIZE, SIZE, 3))
    fill(model, first, rng)
    spread_classes(model, first)
    images = np.concatenate([first, pictures(np.random.default_rng([seed, 1]), IMAGES - FIRST)])
    outputs = run(model, images)
    networks.outputs_path(name).unlink(missing_ok=True)
    tf.get_logger().setLevel("ERROR")  # that no optimizer is saved is no news
    model.save(networks.model_path(name), include_optimizer=False)
    control = [exact(run(jittered(model, seed), images), outputs) for seed in range(CONTROLS)]
    np.savez_compressed(networks.outputs_path(name), x=images, y=outputs, control=np.stack(control))
    classes = len(set(outputs.argmax(1)))
    kept = [int(each.sum()) for each in control]
    print(
        f"{name}: {model.count_params():,} parameters, {classes} classes in {IMAGES} images, control {kept}",
        flush=True,
    )


def control(name: str) -> None:
    """Adds what another library of convolutions makes of a recorded network, and with it says that it is whole."""
    with np.load(networks.outputs_path(name)) as stored:
        fields = dict(stored)
    library = exact(run(recorded(name), fields["x"]), fields["y"])
    np.savez_compressed(networks.outputs_path(name), **fields, library=library, recipe=networks.recipe())
    print(f"{name}: oneDNN keeps {library.sum()}", flush=True)


def recorded(name: str) -> tf.keras.Model:
    """The network as it was built."""
    model = builder(name)(weights=None, input_shape=(SIZE, SIZE, 3))
    model.load_weights(networks.model_path(name))
    return model


def builder(name: str) -> Callable[..., tf.keras.Model]:
    """larq-zoo's function of that name."""
    return getattr(sota, name, None) or getattr(literature, name)


def pictures(rng: np.random.Generator, count: int) -> np.ndarray:
    """Patches of colour of several sizes, more or less of each in every picture; multiples of 1/64 in [-1, 1]."""
    found = []
    for _ in range(count):
        picture = np.zeros((SIZE, SIZE, 3))
        for patch in (1, 8, 32, 112):
            grid = rng.normal(0, rng.uniform(0.05, 0.6), (SIZE // patch, SIZE // patch, 3))
            picture += grid.repeat(patch, 0).repeat(patch, 1)
        found.append(picture + rng.normal(0, 0.2, 3))
    return (np.round(np.clip(np.stack(found), -1, 1) * 64) / 64).astype(np.float32)


def fill(model: tf.keras.Model, images: np.ndarray, rng: np.random.Generator) -> None:
    """Batch norms, biases and slopes; other weights stay as the network's own initializers draw them."""
    for layer in flat(model):
        for weight in layer.weights:
            role = weight.name.rsplit("/", 1)[-1].split(":")[0]
            if role == "gamma":
                weight.assign(rng.uniform(0.5, 1.5, weight.shape) * rng.choice([-1, 1], weight.shape))
            elif role == "beta":
                weight.assign(rng.normal(0, 0.5, weight.shape))
            elif role == "alpha":
                weight.assign(rng.uniform(0.05, 0.5, weight.shape))
            elif role == "bias":
                weight.assign(rng.normal(0, 0.1, weight.shape))
    for layer in norms(model):
        layer.momentum = 0.0
    model(images[:8], training=True)
    for layer in norms(model):
        channels = layer.moving_mean.shape
        deviation = np.sqrt(layer.moving_variance)
        layer.moving_mean.assign(layer.moving_mean + rng.normal(0, 0.2, channels) * deviation)
        layer.moving_variance.assign(layer.moving_variance * rng.uniform(0.7, 1.4, channels) + 1e-3)


def spread_classes(model: tf.keras.Model, images: np.ndarray) -> None:
    """Centres and scales the last layer with weights so that every class wins on some images."""
    last = [layer for layer in flat(model) if layer.weights][-1]
    if isinstance(last, tf.keras.layers.BatchNormalization):
        before = run(tf.keras.Model(model.inputs, last.input), images)
        axes = tuple(range(before.ndim - 1))
        last.moving_mean.assign(before.mean(axes))
        last.moving_variance.assign((before.std(axes) / SPREAD) ** 2 + 1e-6)
        last.beta.assign(np.zeros(last.beta.shape))
        return
    if last.bias is None:  # what the features have in common is taken out of the kernel
        common = run(tf.keras.Model(model.inputs, last.input), images).mean(0)
        last.kernel.assign(last.kernel - np.outer(common, common @ last.kernel.numpy()) / (common @ common))
    before = run(tf.keras.Model(model.inputs, last.output), images)
    factor = SPREAD / np.maximum(before.std(0), 1e-6)
    if last.bias is not None:
        last.bias.assign((last.bias - before.mean(0)) * factor)
    last.kernel.assign(last.kernel * factor)


def jittered(model: tf.keras.Model, seed: int) -> tf.keras.Model:
    """The model itself, with its batch norms' parameters as built and then each a little off."""
    rng = np.random.default_rng(seed)
    for layer in norms(model):
        if not hasattr(layer, "as_built"):
            layer.as_built = layer.get_weights()
        layer.set_weights([w * (1 + rng.uniform(-JITTER, JITTER, w.shape)) for w in layer.as_built])
    return model


def exact(outputs: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Which images agree in every output."""
    return np.abs(outputs - expected).max(1) <= EXACT * np.abs(expected).max(1)


def run(model: tf.keras.Model, images: np.ndarray) -> np.ndarray:
    starts = range(0, len(images), BATCH)
    return np.concatenate([model(images[i : i + BATCH], training=False).numpy() for i in starts])


def norms(model: tf.keras.Model) -> list[Layer]:
    return [layer for layer in flat(model) if isinstance(layer, tf.keras.layers.BatchNormalization)]


def flat(model: tf.keras.Model) -> Iterator[Layer]:
    for layer in model.layers:
        if isinstance(layer, tf.keras.Model):
            yield from flat(layer)
        else:
            yield layer


if __name__ == "__main__":
    steps = {"--record": record, "--control": control}
    if sys.argv[1:] and sys.argv[1] in steps:
        steps[sys.argv[1]](sys.argv[2])
    else:
        main(sys.argv[1:])
