"""An op of your own, from the Keras layer to the device: ``python examples/custom_op/custom_op.py``.

The layer here is one that xlite does not know, ``x * softsign(x)``. Three things make it run:

1. a lowering tells the converter which op the layer becomes,
2. the .xlite file names that op and carries its data,
3. a function registered with the resolver computes it on the device, in plain numpy.

Needs Keras for the model (``pip install xlite[train]``); step 3 needs numpy alone.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import keras
import numpy as np

import xlite
import xlite.layers
from xlite.schema.types import CustomOptions, OpKind

OP = "examples.SoftGate"


@keras.saving.register_keras_serializable(package="examples")
class SoftGate(keras.layers.Layer):
    """x * x / (1 + sharpness * abs(x))"""

    def __init__(self, sharpness: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.sharpness = sharpness

    def call(self, x):
        return x * x / (1 + self.sharpness * keras.ops.abs(x))

    def get_config(self):
        return {**super().get_config(), "sharpness": self.sharpness}


# 1. On the computer that converts: the layer becomes a custom op; what the op needs to know goes along as bytes.
@xlite.converter.lowering("examples>SoftGate")
def lower_soft_gate(ctx, x):
    data = json.dumps({"sharpness": ctx.config["sharpness"]}).encode()
    return ctx.add(OpKind.CUSTOM, [x], CustomOptions(OP, data), output_type=x.type)


# 3. On the device: arrays in, arrays out.
def soft_gate(inputs: list[np.ndarray], data: bytes) -> list[np.ndarray]:
    (x,) = inputs
    sharpness = np.float32(json.loads(data)["sharpness"])
    return [x * x / (1 + sharpness * np.abs(x))]


def build_model() -> keras.Model:
    binary = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign", "use_bias": False}
    return keras.Sequential(
        [
            keras.Input((8, 8, 16)),
            xlite.layers.QuantConv2D(32, 3, padding="same", **binary),
            keras.layers.BatchNormalization(),
            SoftGate(sharpness=0.5),
            xlite.layers.QuantConv2D(8, 3, **binary),
            keras.layers.GlobalAveragePooling2D(),
        ]
    )


def main() -> float:
    """Prints how far the packed model is from Keras and returns it."""
    keras.utils.set_random_seed(1)
    model = build_model()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        result = xlite.convert(path)

    resolver = xlite.Resolver()
    resolver.register_custom(OP, soft_gate)
    interpreter = xlite.Interpreter(result.data, resolver=resolver)

    x = np.random.default_rng(0).normal(size=(4, 8, 8, 16)).astype(np.float32)
    difference = float(np.abs(interpreter(x) - model.predict(x, verbose=0)).max())
    for row in interpreter.kernels():
        print(f"{row.name:40} {row.kind:20} {row.kernel}")
    print(f"largest difference from Keras: {difference:g}")
    return difference


if __name__ == "__main__":
    main()
