"""The training side on each backend of Keras that is installed: a small network is trained there, saved, converted
and compared with what that backend makes of it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.keras
ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import json, sys
import keras, numpy as np
import xlite
from xlite import layers
from xlite.callbacks import BinarizeWeights, LogBinarization, StagedTraining, TemperatureSchedule

assert keras.backend.backend() == sys.argv[1]
keras.utils.set_random_seed(1)
rng = np.random.default_rng(0)
x = rng.normal(size=(64, 10, 10, 3)).astype(np.float32)
y = (x[:, :5].mean(axis=(1, 2, 3)) > x[:, 5:].mean(axis=(1, 2, 3))).astype(np.int32)
model = keras.Sequential([
    keras.Input((10, 10, 3)),
    keras.layers.Conv2D(8, 3, name="stem"),
    keras.layers.BatchNormalization(momentum=0.7),
    layers.QuantConv2D(8, 3, name="conv", padding="same", pad_values=1.0, input_quantizer="annealed_sign",
                       kernel_quantizer="magnitude_aware_sign", kernel_constraint=xlite.constraints.weight_clip()),
    keras.layers.MaxPooling2D(2),
    keras.layers.BatchNormalization(momentum=0.7),
    layers.QuantSeparableConv2D(8, 3, name="separable", input_quantizer="approx_sign",
                                depthwise_quantizer="swish_sign", intermediate_quantizer="ste_sign",
                                pointwise_quantizer="xnor_weight_scale"),
    keras.layers.BatchNormalization(momentum=0.7),
    keras.layers.Conv2D(4, 2, name="plain"),
    keras.layers.Flatten(),
    keras.layers.Dense(2, activation="softmax", name="last"),
])
model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
binarize = BinarizeWeights("plain")
with binarize:
    history = model.fit(x, y, epochs=4, batch_size=16, verbose=0, callbacks=[
        binarize, StagedTraining(2), TemperatureSchedule(0.5, 5), LogBinarization()]).history
plain = model.get_layer("plain").get_weights()[0]
assert len(np.unique(np.abs(plain))) == 4, np.unique(np.abs(plain)).shape
distiller = xlite.Distiller(xlite.binarize(model, layers="plain", verbose=False), model)
distiller.compile("adam", "sparse_categorical_crossentropy")
distilled = distiller.fit(x, y, epochs=1, batch_size=16, verbose=0).history
model.save(sys.argv[2])
found = keras.ops.convert_to_numpy(model(x[:8], training=False))
np.save(sys.argv[3], found)
print(json.dumps({"loss": history["loss"], "temperature": history["temperature"],
                  "distilled": distilled["distillation"],
                  "flips": history["flip_ratio/conv"]}))
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_a_network_trains_converts_and_gives_the_same(backend, tmp_path):
    missing = [name for name in ("keras", backend) if importlib.util.find_spec(name) is None]
    if missing:  # Keras is not imported here: it would ask for TensorFlow, whichever backend is installed
        pytest.skip(f"{missing[0]} is not installed")
    import numpy as np

    import xlite

    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"}
    files = [str(tmp_path / name) for name in ("model.keras", "outputs.npy")]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, backend, *files],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["loss"][-1] < said["loss"][0]
    np.testing.assert_allclose(said["temperature"], 0.5 * 10 ** (np.arange(4) / 3), rtol=1e-5)
    assert 0 < max(said["flips"]) < 0.5
    assert all(np.isfinite(said["distilled"]))
    result = xlite.convert(files[0], strict=True)
    assert result.report.macs["bitxbit"] > 0
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 10, 10, 3)).astype(np.float32)[:8]
    interpreter = xlite.Interpreter(result.data, backend="numpy")
    outputs = np.concatenate([interpreter(x[i : i + 1]) for i in range(8)])
    np.testing.assert_array_equal(outputs.argmax(axis=1), np.load(files[1]).argmax(axis=1))
    np.testing.assert_allclose(outputs, np.load(files[1]), atol=1e-3)
