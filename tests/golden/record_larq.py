"""Records Larq's own outputs on tiny models: every layer, every quantizer. Needs the environment of Larq:

    build/zoo/venv/bin/python tests/golden/record_larq.py

Writes larq.npz, laid out as ``record.py`` lays out the other families; some cases have the model as .keras too.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import larq as lq
import numpy as np
import tensorflow as tf
from larq_zoo.literature import dorefanet, xnornet

FOLDER = Path(__file__).parent
BATCH = 2
AS_KERAS = {"dense", "conv_2d same", "both dorefa 2, magnitude_aware_sign"}  # in the newer format too

Case = tuple[str, tf.keras.Model]

SIGNS = ("ste_sign", "approx_sign", "swish_sign")
INPUTS = {
    **{name: name for name in SIGNS},
    "heaviside": "ste_heaviside",
    "tern": lq.quantizers.SteTern(0.3),
    **{f"dorefa {k}": lq.quantizers.DoReFa(k) for k in (1, 2, 3, 4, 8, 9)},
    "no_op": lq.quantizers.NoOp(precision=1),
}
KERNELS = {
    **{name: name for name in (*SIGNS, "magnitude_aware_sign", "ste_heaviside", "ste_tern")},
    "tern 0.3": lq.quantizers.SteTern(0.3),
    "twn": lq.quantizers.SteTern(ternary_weight_networks=True),
    **{f"dorefa weights {k}": lq.quantizers.DoReFa(k, mode="weights") for k in (1, 2, 4)},
    "dorefa activations 2": lq.quantizers.DoReFa(2),
    "no_op": lq.quantizers.NoOp(precision=1),
    "xnor_weight_scale": xnornet.xnor_weight_scale,
    "magnitude_aware_sign_unclipped": dorefanet.magnitude_aware_sign_unclipped,
}


def model(shape: tuple[int, ...], *layers: tf.keras.layers.Layer) -> tf.keras.Model:
    return tf.keras.Sequential([tf.keras.Input(shape), *layers])


def binary(**options: Any) -> dict[str, Any]:
    return {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign", **options}


def separable(**options: Any) -> dict[str, Any]:
    signs = dict.fromkeys(("depthwise_quantizer", "pointwise_quantizer"), "ste_sign")
    return {"input_quantizer": "ste_sign", **signs, **options}


def layers() -> Iterator[Case]:
    """Every layer, with signs on both sides."""
    q = lq.layers
    yield "dense", model((37,), q.QuantDense(5, **binary()))
    yield "dense on images", model((3, 2, 9), q.QuantDense(5, use_bias=False, **binary()))
    for padding in ("valid", "same", "causal"):
        yield f"conv_1d {padding}", model((9, 5), q.QuantConv1D(3, 3, padding=padding, **binary()))
    yield "conv_1d pad 1", model((9, 5), q.QuantConv1D(3, 3, padding="same", pad_values=1.0, **binary()))
    yield "conv_1d dilated", model((9, 5), q.QuantConv1D(3, 3, dilation_rate=2, **binary()))
    for value in (0.0, 1.0, -1.0):
        name = {0.0: "same", 1.0: "pad 1", -1.0: "pad -1"}[value]
        for kind, layer, shape in (
            ("conv_2d", q.QuantConv2D(3, 3, strides=2, padding="same", pad_values=value, **binary()), (7, 6, 5)),
            ("conv_3d", q.QuantConv3D(3, 2, padding="same", pad_values=value, **binary()), (3, 4, 3, 5)),
        ):
            yield f"{kind} {name}", model(shape, layer)
        signs = {"input_quantizer": "ste_sign", "depthwise_quantizer": "ste_sign", "pad_values": value}
        yield f"depthwise {name}", model((7, 6, 5), q.QuantDepthwiseConv2D(3, padding="same", **signs))
        options = separable(padding="same", pad_values=value)
        yield f"separable_2d {name}", model((7, 6, 5), q.QuantSeparableConv2D(3, 3, **options))
    yield "conv_2d groups", model((5, 5, 8), q.QuantConv2D(6, 3, groups=2, padding="same", **binary()))
    yield "conv_2d dilated", model((8, 8, 5), q.QuantConv2D(3, 3, dilation_rate=2, padding="same", **binary()))
    yield "conv_2d relu", model((5, 5, 33), q.QuantConv2D(3, 3, activation="relu", **binary()))
    yield "conv_3d strided", model((5, 4, 5, 3), q.QuantConv3D(2, (2, 3, 2), strides=(2, 1, 2), **binary()))
    signs = {"input_quantizer": "ste_sign", "depthwise_quantizer": "magnitude_aware_sign"}
    yield "depthwise twice", model((6, 6, 5), q.QuantDepthwiseConv2D(3, depth_multiplier=2, **signs))
    yield "separable_1d", model((9, 5), q.QuantSeparableConv1D(3, 3, depth_multiplier=2, **separable()))
    for padding in ("valid", "same"):
        options = binary(padding=padding, strides=2)
        yield f"conv_2d_transpose {padding}", model((4, 3, 5), q.QuantConv2DTranspose(3, 3, **options))
        yield f"conv_3d_transpose {padding}", model((2, 3, 2, 5), q.QuantConv3DTranspose(3, 3, **options))


def locally_connected() -> Iterator[Case]:
    """All implementations, which keep the same weights in other shapes."""
    q = lq.layers
    for number in (1, 2, 3):
        for padding in ("valid", "same")[: 1 if number == 1 else 2]:
            options = binary(padding=padding, implementation=number)
            name = f"{number} {padding}"
            yield f"locally_1d {name}", model((7, 5), q.QuantLocallyConnected1D(3, 3, strides=2, **options))
            yield f"locally_2d {name}", model((5, 4, 3), q.QuantLocallyConnected2D(2, (2, 3), **options))
            options["kernel_quantizer"] = None
            yield (
                f"locally_2d float {name}",
                model((5, 6, 2), q.QuantLocallyConnected2D(2, 3, strides=(2, 1), **options)),
            )
    options = {"input_quantizer": "ste_sign", "kernel_quantizer": "magnitude_aware_sign"}
    yield "locally_2d alpha", model((5, 4, 3), q.QuantLocallyConnected2D(2, 3, use_bias=False, **options))


def quantizers() -> Iterator[Case]:
    """Every quantizer on its own side of a convolution, beside a sign and alone; then of other layers."""
    q = lq.layers
    same = {"padding": "same", "use_bias": False}
    for name, value in INPUTS.items():
        yield f"input {name}", model((6, 5, 9), q.QuantConv2D(4, 3, **same, **binary(input_quantizer=value)))
    for name, value in KERNELS.items():
        yield f"kernel {name}", model((6, 5, 9), q.QuantConv2D(4, 3, **same, **binary(kernel_quantizer=value)))
        alone = {"kernel_quantizer": value}
        yield f"kernel {name} alone", model((5, 4, 9), q.QuantConv2D(4, 3, padding="same", **alone))
    for inputs, kernel in (("heaviside", "ste_tern"), ("dorefa 2", "magnitude_aware_sign"), ("dorefa 3", "twn")):
        both = {"input_quantizer": INPUTS[inputs], "kernel_quantizer": KERNELS[kernel]}
        yield f"both {inputs}, {kernel}", model((6, 5, 33), q.QuantConv2D(4, 3, padding="same", **both))
        yield f"dense {inputs}, {kernel}", model((40,), q.QuantDense(4, **both))
        yield f"conv_1d {inputs}, {kernel}", model((8, 9), q.QuantConv1D(4, 3, padding="causal", **both))
        yield f"conv_3d {inputs}, {kernel}", model((3, 4, 3, 5), q.QuantConv3D(4, 2, padding="same", **both))
        yield f"groups {inputs}, {kernel}", model((5, 5, 8), q.QuantConv2D(4, 3, groups=2, padding="same", **both))
        yield f"transpose {inputs}, {kernel}", model((3, 3, 5), q.QuantConv2DTranspose(4, 3, strides=2, **both))
        yield f"locally {inputs}, {kernel}", model((5, 4, 3), q.QuantLocallyConnected2D(2, 3, **both))
        signs = {"input_quantizer": INPUTS[inputs], "depthwise_quantizer": KERNELS[kernel]}
        yield f"depthwise {inputs}, {kernel}", model((5, 5, 9), q.QuantDepthwiseConv2D(3, padding="same", **signs))
    padded = {"padding": "same", "pad_values": 1.0, "kernel_quantizer": "ste_sign"}
    yield "dorefa pad 1", model((5, 5, 9), q.QuantConv2D(4, 3, input_quantizer=INPUTS["dorefa 2"], **padded))


def chains() -> Iterator[Case]:
    """Quantizers as activations, and layers one behind the other."""
    q, k = lq.layers, tf.keras.layers
    yield "activation clip", model((9,), k.Activation(dorefanet.clip_by_value_activation))
    yield "activation hard_tanh", model((9,), k.Activation(lq.activations.hard_tanh))
    yield "activation leaky_tanh", model((9,), k.Activation(lq.activations.leaky_tanh))
    for name in ("ste_sign", "ste_heaviside"):
        layer = k.Activation(getattr(lq.quantizers, name))
        yield f"activation {name}", model((9,), layer, q.QuantDense(4, kernel_quantizer="ste_sign"))
    for name, inputs in (("signs", "ste_sign"), ("dorefa", INPUTS["dorefa 2"]), ("heaviside", "ste_heaviside")):
        yield (
            f"chain {name}",
            model(
                (8, 8, 3),
                q.QuantConv2D(8, 3, padding="same", kernel_quantizer="ste_sign", use_bias=False),
                k.BatchNormalization(),
                q.QuantConv2D(9, 3, padding="same", use_bias=False, **binary(input_quantizer=inputs)),
                k.MaxPooling2D(2),
                k.BatchNormalization(scale=False),
                k.Flatten(),
                q.QuantDense(4, use_bias=False, **binary(input_quantizer=inputs)),
                k.BatchNormalization(),
            ),
        )


def all_cases() -> Iterator[Case]:
    for family in (layers, locally_connected, quantizers, chains):
        yield from family()


def fill(model: tf.keras.Model, rng: np.random.Generator) -> None:
    """Weights in sixteenths, zeros among them; small files."""
    for layer in model.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            channels = layer.moving_mean.shape
            weights = [rng.uniform(0.3, 1.5, channels) * rng.choice([-1, 1], channels)] * bool(layer.scale)
            layer.set_weights(
                [
                    *weights,
                    rng.normal(0, 0.5, channels),
                    rng.normal(0, 3, channels),
                    rng.uniform(0.5, 30, channels),
                ]
            )
        else:
            layer.set_weights([sixteenths(rng.normal(0, 0.5, w.shape)) for w in layer.get_weights()])


def sixteenths(values: np.ndarray) -> np.ndarray:
    return (np.round(values * 16) / 16).astype(np.float32)


def recorded(name: str, model: tf.keras.Model) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    fill(model, rng)
    x = sixteenths(rng.normal(size=(BATCH, *model.input_shape[1:])))
    found = {"x0": x, "y0": model(x, training=False).numpy(), "h5": saved(model, "h5")}
    if name in AS_KERAS:
        found["keras"] = saved(model, "keras")
    return found


def saved(model: tf.keras.Model, ending: str) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"model.{ending}")
        model.save(path, include_optimizer=False) if ending == "h5" else model.save(path)
        return np.frombuffer(path.read_bytes(), np.uint8)


def main() -> None:
    arrays = {}
    for name, built in all_cases():
        for key, value in recorded(name, built).items():
            arrays[f"{name}|{key}"] = value
    path = FOLDER / "larq.npz"
    np.savez_compressed(path, **arrays)
    print(f"{path.name}: {len({k.split('|')[0] for k in arrays})} cases, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
