"""Makes the files under ``data``: models saved by versions of Keras that the tests do not install.

    python make_fixtures.py larq          # an environment with tf_keras and larq (TF_USE_LEGACY_KERAS=1)
    python make_fixtures.py nested 2      # the same environment
    python make_fixtures.py nested 3      # one with keras 3.0.5, then one with keras 3.6.0 (any backend)

Each gives ``<name>.h5.gz`` and ``<name>.keras.gz`` (gzip without a time, as HDF5 files are mostly zeros) and
``<name>.npz`` with inputs ``x0..`` and the outputs ``y0..`` that Keras itself computed.
"""

from __future__ import annotations

import gzip
import os
import pathlib
import sys
import tempfile

import numpy as np

DATA = pathlib.Path(__file__).parent / "data"


def nested(keras):
    """Two inputs, three outputs, a layer called three times, a model called twice, two Sequentials."""
    layers = keras.layers
    x = keras.Input((5, 5, 2), name="inner_input")
    y = layers.Conv2D(3, 3, padding="same", strides=2, name="conv")(x)
    y = layers.BatchNormalization(name="norm")(y)
    inner = keras.Model(x, y, name="inner")
    built_late = keras.Sequential([layers.Conv2D(2, 1, name="point"), layers.ReLU(name="relu")], name="late")
    built_early = keras.Sequential(
        [keras.Input((3, 3, 2)), layers.Dense(2, name="mix"), layers.LeakyReLU(name="leaky")], name="early"
    )
    a, b = keras.Input((5, 5, 2), name="a"), keras.Input((5, 5, 2), name="b")
    shared = layers.Conv2D(2, 1, name="shared")
    s, t = shared(a), shared(b)
    u, v = inner(s), inner(shared(t))
    w = built_early(built_early(built_late(layers.Add(name="add")([u, v]))))
    return keras.Model([a, b], [layers.Concatenate(name="last")([w, u]), v, w], name="outer")


def larq(keras):
    """Larq's layers and quantizers, by string and by object, among Keras 2's own."""
    import larq as lq

    layers = keras.layers
    return keras.Sequential(
        [
            lq.layers.QuantConv2D(
                4,
                3,
                padding="same",
                kernel_quantizer="ste_sign",
                kernel_constraint="weight_clip",
                use_bias=False,
                input_shape=(7, 6, 3),
                name="first",
            ),
            layers.BatchNormalization(scale=False, name="norm"),
            lq.layers.QuantConv2D(
                6,
                3,
                strides=2,
                padding="same",
                pad_values=1.0,
                input_quantizer="approx_sign",
                kernel_quantizer=lq.quantizers.MagnitudeAwareSign(),
                name="second",
            ),
            layers.PReLU(shared_axes=[1, 2], name="prelu"),
            lq.layers.QuantDepthwiseConv2D(
                2,
                padding="same",
                input_quantizer=lq.quantizers.SteSign(clip_value=1.25),
                depthwise_quantizer="ste_sign",
                name="depthwise",
            ),
            layers.LeakyReLU(alpha=0.1, name="leaky"),
            layers.ReLU(max_value=2.0, name="relu"),
            layers.BatchNormalization(name="centre"),  # or all signs behind the ReLU would be +1
            layers.Flatten(name="flatten"),
            lq.layers.QuantDense(5, input_quantizer="ste_sign", kernel_quantizer="swish_sign", name="classes"),
        ],
        name="larq",
    )


def seeded(model):
    rng = np.random.default_rng(0)
    values = []
    for weight, shape in zip(model.weights, [w.shape for w in model.get_weights()]):
        drawn = rng.normal(0, 1, shape)
        path = getattr(weight, "path", weight.name)
        if "variance" in path:
            drawn = np.abs(drawn) + 0.1
        elif "centre/moving_mean" in path:
            drawn = 0.1 * drawn + 0.7  # amid what comes out of the ReLU
        elif "centre/beta" in path:
            drawn = 0.1 * drawn
        values.append(drawn.astype(np.float32))
    model.set_weights(values)
    return model


def store(model, name):
    rng = np.random.default_rng(1)
    xs = [rng.normal(0, 1.5, (2, *x.shape[1:])).astype(np.float32) for x in model.inputs]
    ys = model.predict(xs if len(xs) > 1 else xs[0], verbose=0)
    ys = ys if isinstance(ys, (list, tuple)) else [ys]
    arrays = {f"x{i}": x for i, x in enumerate(xs)}
    arrays.update({f"y{i}": np.asarray(y) for i, y in enumerate(ys)})
    np.savez_compressed(DATA / f"{name}.npz", **arrays)
    for form in ("h5", "keras"):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / f"m.{form}"
            model.save(path)
            (DATA / f"{name}.{form}.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def main(kind, generation="2"):
    DATA.mkdir(exist_ok=True)
    if generation == "2":
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
        import tf_keras as keras
    else:
        import keras
    model = seeded({"larq": larq, "nested": nested}[kind](keras))
    store(model, "larq" if kind == "larq" else f"nested_keras_{keras.__version__}")


if __name__ == "__main__":
    main(*sys.argv[1:])
