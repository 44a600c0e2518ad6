"""Files saved by Keras 2, by three versions of Keras 3 and by Larq, against what each computed itself."""

from __future__ import annotations

import io

import h5py
import numpy as np
import pytest

from tests.converter.evaluate import evaluate
from tests.converter.frontend.files import members, moved, recorded, unpacked, write_zip
from xlite.converter.frontend import Ref, read
from xlite.converter.lowering import lower
from xlite.schema.errors import ConversionError

NESTED = ["nested_keras_2.21.0", "nested_keras_3.0.5", "nested_keras_3.6.0"]
FILES = [
    f"{name}.{form}" for name in NESTED for form in ("h5", "keras") if f"{name}.{form}" != "nested_keras_3.0.5.h5"
]


def agrees(path, name):
    xs, ys = recorded(name)
    model = read(path)
    got = evaluate(lower(model), *xs)
    assert len(got) == len(ys)
    for mine, theirs in zip(got, ys):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())
    return model


@pytest.mark.parametrize("file", FILES)
def test_nested_models(file, tmp_path):
    name, form = file.rsplit(".", 1)
    model = agrees(unpacked(file, tmp_path), name)
    version = name.rsplit("_", 1)[1]
    assert model.source_format == f"keras {version} {form}"
    assert model.keras_version == version
    assert model.source_name == file
    assert len(model.source_sha256) == 64
    assert model.inputs == [Ref("a"), Ref("b")]
    assert model.outputs == [Ref("last"), Ref("inner/norm", 1), Ref("early/leaky", 1)]
    assert len(model.layer("shared").calls) == 3
    assert [layer.name for layer in model.layers if layer.class_name == "InputLayer"] == ["a", "b"]


@pytest.mark.parametrize("form", ["h5", "keras"])
def test_larq(form, tmp_path):
    model = agrees(unpacked(f"larq.{form}", tmp_path), "larq")
    rows = {row.name: row for row in lower(model).layers}
    assert set(rows["first"].marked) == {"kernel_quantizer"}
    assert set(rows["second"].marked) == {"input_quantizer", "kernel_quantizer"}
    assert set(rows["depthwise"].marked) == {"input_quantizer", "depthwise_quantizer"}
    assert set(rows["classes"].marked) == {"input_quantizer", "kernel_quantizer"}


def test_nested_weights_without_layer_names_are_refused(tmp_path):
    """Keras 3.0 wrote 'kernel' for 'conv/kernel', so that nothing says whose it is inside a nested model."""
    with pytest.raises(ConversionError, match=r"'inner'.*'kernel'.*save the model as \.keras"):
        read(unpacked("nested_keras_3.0.5.h5", tmp_path))


RENAMES = {
    "windows": lambda folder: folder.replace("/", "\\"),
    "keras 2.12": lambda folder: folder.replace("layers", "_layer_checkpoint_dependencies"),
}


@pytest.mark.parametrize("rename", list(RENAMES))
@pytest.mark.parametrize("name", NESTED)
def test_other_layouts_of_the_weights(name, rename, tmp_path):
    contents = members(unpacked(f"{name}.keras", tmp_path))
    contents["model.weights.h5"] = moved(contents["model.weights.h5"], RENAMES[rename])
    write_zip(tmp_path / "moved.keras", contents)
    agrees(tmp_path / "moved.keras", name)


def test_names_in_the_file_decide_over_numbers(tmp_path):
    """With a layer's name beside its variables, the folder's number does not matter."""
    contents = members(unpacked("nested_keras_3.6.0.keras", tmp_path))
    swap = {"layers/sequential": "layers/sequential_1", "layers/sequential_1": "layers/sequential"}
    out = io.BytesIO()
    with h5py.File(io.BytesIO(contents["model.weights.h5"]), "r") as old, h5py.File(out, "w") as new:
        for path in old["layers"]:
            place = f"layers/{path}"
            old.copy(place, new.require_group("layers"), name=swap.get(place, place).split("/")[1])
    contents["model.weights.h5"] = out.getvalue()
    write_zip(tmp_path / "swapped.keras", contents)
    agrees(tmp_path / "swapped.keras", "nested_keras_3.6.0")
