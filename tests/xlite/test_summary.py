"""xlite.summary promises what the file keeps: its figures are held against the written file and against Keras."""

from __future__ import annotations

import json

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import xlite  # noqa: E402
from xlite import layers, quantizers  # noqa: E402
from xlite.inspection import inspect  # noqa: E402
from xlite.schema.reader import read_model  # noqa: E402

pytestmark = pytest.mark.keras
kl = keras.layers
BOTH = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}


def mixed():
    """Bits, ternary weights, weights alone, floats, a shared layer and one without weights."""
    image = keras.Input((8, 8, 3), name="image")
    x = kl.BatchNormalization(name="norm")(kl.Conv2D(32, 3, padding="same", name="stem")(image))
    shared = layers.QuantConv2D(32, 3, padding="same", use_bias=False, name="shared", **BOTH)
    x = kl.BatchNormalization(name="norm2")(shared(kl.BatchNormalization(name="norm1")(shared(x))))
    x = layers.QuantConv2D(
        16, 3, use_bias=False, name="ternary", input_quantizer="ste_sign",
        kernel_quantizer=quantizers.SteTern(0.3),
    )(x)  # fmt: skip
    x = kl.Flatten(name="flat")(kl.MaxPooling2D(name="pool")(kl.BatchNormalization(name="norm3")(x)))
    x = layers.QuantDense(24, kernel_quantizer="ste_sign", name="weights_only")(x)
    return keras.Model(image, kl.Dense(4, name="head")(x), name="mixed")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    made = mixed()
    for seed, weight in enumerate(made.weights):
        value = np.random.default_rng(seed).normal(0, 0.6, weight.shape).astype(np.float32)
        weight.assign(np.abs(value) + 0.5 if weight.path.endswith(("variance", "gamma")) else value)
    return made


@pytest.mark.parametrize("form", ["live", "h5", "keras"])
def test_the_summary_equals_the_written_file(model, form, tmp_path):
    source = model
    if form != "live":
        source = tmp_path / f"model.{form}"
        model.save(source)
    found = xlite.summary(source, verbose=False)
    path = tmp_path / "model.xlite"
    xlite.convert(model, path)
    assert found.file_bytes == path.stat().st_size or form != "live"  # a file's name is in the metadata
    packed = read_model(path.read_bytes())
    inspected = inspect(packed, path.stat().st_size, xlite.Resolver("numpy"))
    assert found.arena_bytes == inspected.arena_bytes
    assert found.macs == inspected.macs
    # Equal constants are kept once: within a layer they count once, those that two layers share count for both.
    kept = {tensor.data.tobytes(): tensor.type.nbytes for tensor in packed.tensors if tensor.is_constant}
    assert sum(layer.bytes for layer in found.layers) >= sum(kept.values())
    assert sum(kept.values()) < found.file_bytes
    for layer in found.layers:
        ops = [row for row in inspected.ops if row.name.split("+")[0] == layer.name]
        assert sum(layer.macs.values()) == sum(row.macs for row in ops)
        tensors = {t: inspected.tensors[t] for row in ops for t in row.inputs if t >= 0}
        assert layer.bytes <= sum(row.bytes for row in tensors.values() if row.constant)


def test_numbers_by_width_are_those_of_the_layers(model):
    found = {layer.name: layer for layer in xlite.summary(model, verbose=False).layers}
    assert found["stem"].bits[32] >= 3 * 3 * 3 * 32
    assert found["shared"].bits[1] == 3 * 3 * 32 * 32
    assert found["shared"].macs == {"bitxbit": 2 * 64 * 9 * 32 * 32}
    assert found["ternary"].bits[2] == 3 * 3 * 32 * 16
    assert found["ternary"].macs == {"bitxtern": 36 * 9 * 32 * 16}
    assert found["weights_only"].bits[1] == 144 * 24
    assert found["head"].bits == {32: 24 * 4 + 4}
    assert found["flat"].bits == {}
    for layer in model.layers:
        assert found[layer.name].parameters == layer.count_params()
    assert sum(layer.parameters for layer in found.values()) == model.count_params()


def test_totals_are_sums_and_go_through_json(model):
    found = xlite.summary(model, verbose=False)
    for width in found.bits:
        assert found.bits[width] <= sum(layer.bits.get(width, 0) for layer in found.layers)
    for precision, count in found.macs.items():
        assert count == sum(layer.macs.get(precision, 0) for layer in found.layers)
    read = json.loads(json.dumps(found.to_dict()))
    assert read["file_bytes"] == found.file_bytes
    assert [layer["name"] for layer in read["layers"]] == [layer.name for layer in found.layers]
    assert set(read["bits"]) == {"1", "2", "32"}


def test_the_table_shows_every_layer_and_the_totals(model, capsys):
    found = xlite.summary(model, target="pi-zero")
    text = capsys.readouterr().out
    for layer in found.layers:
        assert any(line.startswith(layer.name) for line in text.splitlines())
    assert f"{found.file_bytes:,} bytes" in text
    assert f"{found.arena_bytes:,} bytes" in text
    assert f"{found.macs['bitxbit']:,} bitxbit" in text
    assert "fits pi-zero" in text


def test_a_model_that_cannot_be_converted_says_why():
    image = keras.Input((4, 4, 2))
    odd = keras.Model(image, kl.Lambda(lambda x: x + 1, name="odd")(image))
    with pytest.raises(xlite.Error, match="'odd'"):
        xlite.summary(odd)
