"""Makes ``data/keras2_*``: models of Keras 2 with TensorFlow's functions as nodes, and with layers that Keras 2
saves or computes in its own way, with their outputs.

``python -m tests.converter.lowering.make_keras2`` where ``tf_keras``, TensorFlow's legacy Keras, is installed; the
tests read what it wrote.
"""

from __future__ import annotations

import gzip
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tf_keras as keras

FOLDER = Path(__file__).parent / "data"
L = keras.layers
VECTOR = np.array([0.5, -1.0, 2.0, 0.25], np.float32)


def functions() -> keras.Model:
    """An output for every function; the layer of each is called as its function, so that a test can name it."""
    x, y = keras.Input((2, 4, 4), name="x"), keras.Input((2, 4, 4), name="y")
    positive = tf.abs(x) + 0.5
    outputs = [
        x + y,
        x - y,
        3.0 - x,
        x * 2,
        x * VECTOR,
        y / positive,
        1.0 / positive,
        -x,
        x**2,
        abs(x),
        x[:, 1],
        x[:, :1, ::2],
        x[..., 1:3],
        x[:, tf.newaxis],
        tf.add(x, y),
        tf.multiply(x=x, y=y),
        tf.subtract(1.0, x),
        tf.math.divide(x, 3.0),
        tf.maximum(x, y),
        tf.minimum(0.5, x),
        tf.math.add_n([x, y, x]),
        tf.nn.bias_add(x, VECTOR),
        tf.matmul(x, np.arange(12, dtype=np.float32).reshape(4, 3)),
        tf.clip_by_value(x, -0.5, 0.5),
        tf.sqrt(positive),
        tf.math.rsqrt(positive),
        tf.exp(x),
        tf.math.log(positive),
        tf.square(x),
        tf.round(x),
        tf.floor(x),
        tf.math.ceil(x),
        tf.sign(x),
        tf.math.reciprocal(positive),
        tf.pow(x, 3),
        tf.sigmoid(x),
        tf.tanh(x),
        tf.nn.relu(x),
        tf.nn.relu6(x * 4.0),
        tf.nn.leaky_relu(x),
        tf.nn.leaky_relu(x, alpha=0.3),
        tf.nn.elu(x),
        tf.nn.selu(x),
        tf.nn.softplus(x),
        tf.nn.softsign(x),
        tf.nn.silu(x),
        tf.nn.gelu(x),
        tf.nn.gelu(x, approximate=True),
        tf.nn.softmax(x),
        tf.nn.softmax(x, axis=1),
        tf.nn.log_softmax(x),
        tf.nn.l2_normalize(x, axis=-1),
        tf.reduce_mean(x, axis=[1, 2]),
        tf.reduce_sum(x, -1, True),
        tf.reduce_max(x, axis=1),
        tf.reduce_min(x, axis=(1, 3)),
        tf.reduce_prod(x, axis=2),
        tf.math.reduce_std(x, axis=1),
        tf.math.reduce_variance(x, axis=1),
        tf.reduce_logsumexp(x, axis=-1),
        tf.reshape(x, (-1, 8, 4)),
        tf.transpose(x, [0, 3, 1, 2]),
        tf.expand_dims(x, 1),
        tf.squeeze(x[:, :1], 1),
        tf.concat([x, y], axis=-1),
        tf.concat([x, y], 1),
        tf.stack([x, y], axis=1),
        tf.split(x, 2, axis=-1)[1],
        tf.split(x, [1, 3], axis=-1)[1],
        tf.unstack(x, axis=2)[3],
        tf.tile(x, [1, 2, 1, 3]),
        tf.repeat(x, 2, axis=1),
        tf.reverse(x, [2]),
        tf.roll(x, 1, 2),
        tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]]),
        tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]], constant_values=0.5),
        tf.nn.depth_to_space(x, 2),
        tf.nn.space_to_depth(x, 2),
        tf.nn.max_pool2d(x, 2, 1, "SAME"),
        tf.nn.avg_pool2d(x, [1, 2], [1, 2], "VALID"),
        tf.image.resize(x, (3, 5)),
        tf.identity(tf.cast(x, "float32")),
        keras.backend.clip(x, 0, 1),
        keras.activations.relu(x, max_value=6.0),
        keras.activations.gelu(x),
    ]
    return keras.Model([x, y], outputs)


def layers() -> keras.Model:
    x = keras.Input((6, 4), name="x")
    adapted = L.Normalization()
    adapted.adapt(np.random.default_rng(0).normal(3, 2, (20, 6, 4)).astype(np.float32))
    recurrent = {"return_sequences": True, "recurrent_activation": "hard_sigmoid"}
    outputs = [
        L.Activation("hard_sigmoid")(x),
        L.Dense(3, activation="gelu")(x),
        L.Activation("swish")(x),
        L.LeakyReLU()(x),
        L.ThresholdedReLU(0.4)(x),
        adapted(x),
        L.UnitNormalization()(x),
        L.LayerNormalization()(x),
        L.GroupNormalization(2)(x),
        L.LSTM(3, **recurrent)(x),
        L.GRU(3, reset_after=True, **recurrent)(x),
        L.GRU(3, reset_after=False, **recurrent)(x),
        L.SimpleRNN(3, go_backwards=True)(x),
        L.Bidirectional(L.LSTM(3, return_sequences=True))(x),
        L.Bidirectional(L.GRU(3), merge_mode="sum")(x),
        L.TimeDistributed(L.Dense(3))(x),
        L.SeparableConv1D(3, 3, padding="same", depth_multiplier=2)(x),
        L.Conv1D(3, 3, padding="causal", dilation_rate=2)(x),
        L.Conv1DTranspose(3, 3, strides=2)(x),
        L.Cropping1D(1)(x),
        L.UpSampling1D(2)(x),
        L.Average()([x, x, L.ReLU()(x)]),
        L.Permute((2, 1))(x),
    ]
    return keras.Model(x, outputs)


def write(name: str, model: keras.Model) -> None:
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if not isinstance(layer, L.Normalization):
            layer.set_weights([rng.normal(0, 0.5, w.shape).astype(np.float32) for w in layer.get_weights()])
    inputs = [rng.normal(0, 1.5, (2, *i.shape[1:])).astype(np.float32) for i in model.inputs]
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    arrays = {f"x{i}": x for i, x in enumerate(inputs)} | {f"y{i}": np.asarray(y) for i, y in enumerate(outputs)}
    np.savez_compressed(FOLDER / f"{name}.npz", **arrays)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.h5")
        model.save(path, include_optimizer=False)
        (FOLDER / f"{name}.h5.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    write("keras2_functions", functions())
    write("keras2_layers", layers())
