"""Builds a row's models with xlite and Keras 3, and converts the float twins with TensorFlow:

    python -m benchmarks.make_own KEY FOLDER binary|twins

``binary`` writes binary.keras and input.npy, for machines without Larq; ``twins`` writes float.tflite, int8.tflite
and twins.json with the float twin's multiply-accumulates. The int8 file is quantized in full, input and output
too, with some of the row's own images for calibration.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np

from benchmarks import chain, rows

IMAGES = 16
CALIBRATION = 4  # of them


def main(key: str, folder: Path, what: str) -> None:
    row = rows.find(key)
    if what == "binary":
        binary(row, folder)
    else:
        twins(row, folder)


def binary(row: rows.Row, folder: Path) -> None:
    from xlite import layers, zoo

    if isinstance(row, rows.LayerRow):
        model, images = chain.binary_chain(keras, layers.QuantConv2D, row), chain.images(row)
    else:
        images = pictures(row)
        model = getattr(zoo, row.builder)(input_shape=row.input_shape)
        zoo.randomize(model, images=images[:CALIBRATION])
    np.save(folder / "input.npy", images)
    model.save(folder / "binary.keras")


def twins(row: rows.Row, folder: Path) -> None:
    import tensorflow as tf

    import xlite

    images = np.load(folder / "input.npy")
    if isinstance(row, rows.LayerRow):
        model = chain.float_chain(keras, row)
    else:
        model = getattr(xlite.zoo, row.builder)(input_shape=row.input_shape, binary=False)
        xlite.zoo.randomize(model, images=images[:CALIBRATION])
    macs = xlite.convert(model).report.macs
    (folder / "twins.json").write_text(json.dumps({"macs": macs}))

    def samples() -> Iterator[list[np.ndarray]]:
        for image in images[:CALIBRATION]:
            yield [image[None]]

    def converter() -> tf.lite.TFLiteConverter:
        image = keras.Input(batch_shape=(1, *row.input_shape))  # a fixed batch: XNNPACK takes the whole graph then
        return tf.lite.TFLiteConverter.from_keras_model(keras.Model(image, model(image)))

    (folder / "float.tflite").write_bytes(converter().convert())
    quantizer = converter()
    quantizer.optimizations = [tf.lite.Optimize.DEFAULT]
    quantizer.representative_dataset = samples
    quantizer.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    quantizer.inference_input_type = quantizer.inference_output_type = tf.int8
    (folder / "int8.tflite").write_bytes(quantizer.convert())


def pictures(row: rows.Row) -> np.ndarray:
    """Patches of colour, float32 in [-1, 1]."""
    rng = np.random.default_rng(5)
    height, width, channels = row.input_shape
    coarse = rng.normal(0, 0.4, (IMAGES, height // 8, width // 8, channels)).repeat(8, 1).repeat(8, 2)
    return np.clip(coarse + rng.normal(0, 0.2, (IMAGES, *row.input_shape)), -1, 1).astype(np.float32)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
