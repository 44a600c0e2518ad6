"""What the recorded Larq models say beside their outputs, which tests/golden holds: formats, and what packs."""

from __future__ import annotations

from dataclasses import replace

import pytest

import xlite
from tests.golden import stored
from xlite.schema.errors import StrictError
from xlite.schema.reader import read_model
from xlite.schema.types import Metadata

NAMES = [name for name in stored.names() if name.startswith("larq:")]


def convert(folder, name, ending="h5", **options):
    path = folder / f"model.{ending}"
    path.write_bytes(stored.load(name)[ending].tobytes())
    return xlite.convert(path, **options)


@pytest.mark.parametrize("name", [name for name in NAMES if "keras" in stored.load(name)])
def test_both_formats_of_keras_2_give_the_same_model(name, tmp_path):
    models = [
        replace(read_model(convert(tmp_path, name, ending).data), metadata=Metadata())
        for ending in ("h5", "keras")
    ]
    first, second = models
    assert first.ops == second.ops
    assert [t.name for t in first.tensors] == [t.name for t in second.tensors]
    assert all(
        a.type == b.type and (a.data is None or a.data.tobytes() == b.data.tobytes())
        for a, b in zip(first.tensors, second.tensors)
    )


@pytest.mark.parametrize("name", [name for name in NAMES if stored.stays_float(name)])
def test_strict_refuses_what_stays_float(name, tmp_path):
    with pytest.raises(StrictError, match="marked binary"):
        convert(tmp_path, name, strict=True)


def test_every_layer_of_larq_is_recorded(tmp_path):
    found = set()
    for name in NAMES:
        found |= {row.class_name for row in convert(tmp_path, name).report.layers}
    assert {name for name in found if name.startswith("Quant")} == {
        "QuantDense",
        "QuantConv1D",
        "QuantConv2D",
        "QuantConv3D",
        "QuantDepthwiseConv2D",
        "QuantSeparableConv1D",
        "QuantSeparableConv2D",
        "QuantConv2DTranspose",
        "QuantConv3DTranspose",
        "QuantLocallyConnected1D",
        "QuantLocallyConnected2D",
    }
