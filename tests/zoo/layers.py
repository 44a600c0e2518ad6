"""Records every layer's output for some of a network's images, in the environment of Larq:

    build/zoo/venv/bin/python tests/zoo/layers.py NAME FOLDER IMAGE ...

One FOLDER/<image>.npz an image, under the names that the converter gives tensors: a layer's own, ``layer:1`` for
its second call; ``outputs/`` is the network's. ``terms/<layer>`` is, for a batch norm, its largest term a channel,
``abs(mean) * scale + abs(beta)``, and for a dense layer of floats the sum of them all. Each image runs in the
batch in which it ran when its output was recorded, and must give the same bits: how TensorFlow rounds depends on
the batch.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import build
import networks
import numpy as np
import tensorflow as tf


def main(name: str, folder: Path, numbers: list[int]) -> None:
    model = build.recorded(name)
    with np.load(networks.outputs_path(name)) as stored:
        images, expected = stored["x"], stored["y"]
    watched = tf.keras.Model(model.inputs, {**dict(named_calls(model)), "outputs/": model.output})
    terms = {f"terms/{layer.name}": largest_terms(layer) for layer in build.norms(model)}
    last = [layer for layer in model.layers if type(layer) is tf.keras.layers.Dense]
    for start in sorted({number - number % build.BATCH for number in numbers}):
        found = {label: array.numpy() for label, array in watched(images[start : start + build.BATCH]).items()}
        if not np.array_equal(found["outputs/"], expected[start : start + build.BATCH]):
            sys.exit(f"{name}: TensorFlow does not give the outputs that it gave when they were recorded")
        for number in sorted(set(numbers) & set(range(start, start + build.BATCH))):
            tensors = {label: array[number - start] for label, array in found.items()}
            sums = {f"terms/{layer.name}": summed(layer, tensors) for layer in last}
            np.savez(folder / f"{number}.npz", **tensors, **terms, **sums)


def named_calls(model: tf.keras.Model) -> Iterator[tuple[str, tf.Tensor]]:
    """(name, output) of every layer's every call in the model."""
    own = {id(node) for nodes in model._nodes_by_depth.values() for node in nodes}
    for layer in model.layers:
        nodes = [node for node in layer._inbound_nodes if id(node) in own]
        for number, node in enumerate(nodes):
            outputs = tf.nest.flatten(node.outputs)
            for index, output in enumerate(outputs):
                label = f"{layer.name}:{number}" if number else layer.name
                yield (f"{label}[{index}]" if index else label), output


def largest_terms(norm: tf.keras.layers.Layer) -> np.ndarray:
    scale = 1 / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    if norm.scale:
        scale = scale * np.abs(norm.gamma.numpy())
    beta = np.abs(norm.beta.numpy()) if norm.center else 0
    return np.abs(norm.moving_mean.numpy()) * scale + beta


def summed(dense: tf.keras.layers.Dense, tensors: dict[str, np.ndarray]) -> np.ndarray:
    """The sum of the magnitudes of a dense layer's terms, for each of its outputs."""
    x = tensors[dense.input._keras_history.layer.name]
    bias = np.abs(dense.bias.numpy()) if dense.use_bias else 0
    return np.abs(x) @ np.abs(dense.kernel.numpy()) + bias


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), [int(number) for number in sys.argv[3:]])
