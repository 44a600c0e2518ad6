from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import h5py
import pytest

import xlite
from xlite.schema import OpKind, load_model

LAYERS = ("image", "stem", "conv1", "conv1_norm", "conv2", "conv3", "flatten", "dense1", "dense1_norm", "classes")


@pytest.fixture
def model(keras_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(keras_file, tmp_path / "model.h5"))


def edit_layer(path: Path, name: str, **changes: object) -> None:
    """Changes a layer's configuration in a .h5 file."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        (layer,) = [entry for entry in config["config"]["layers"] if entry["config"]["name"] == name]
        layer["config"].update(changes)
        file.attrs["model_config"] = json.dumps(config)


def test_the_default_output_lies_beside_the_model(call, model):
    result = call("convert", model)
    assert result.exit_code == 0
    assert load_model(model.with_suffix(".xlite")).ops
    for layer in LAYERS:
        assert layer in result.stdout
    assert str(model.with_suffix(".xlite")) in result.stdout


def test_the_table_says_what_became_of_each_layer(call, model):
    lines = call("convert", model).stdout.splitlines()
    rows = {line.split()[0]: line for line in lines if line.strip()}
    assert "packed" in rows["conv1"]
    assert "bitxbit" in rows["conv1"]
    assert "fused into conv1" in rows["conv1_norm"]
    assert "float" in rows["classes"]
    assert any("kernel_quantizer" in line and "classes" in line for line in lines)  # the mend


def test_json_is_the_report_and_the_file(call, model, tmp_path):
    out = tmp_path / "small.xlite"
    found = json.loads(call("convert", model, "-o", out, "--json").stdout)
    assert found["path"] == str(out)
    assert found["file_bytes"] == out.stat().st_size
    assert found["source_bytes"] == model.stat().st_size
    report = json.loads(xlite.convert(model).report.to_json())
    assert {key: found[key] for key in report} == report


def test_quiet_prints_nothing(call, model):
    result = call("convert", model, "--quiet")
    assert (result.exit_code, result.output) == (0, "")
    assert model.with_suffix(".xlite").exists()


@pytest.mark.parametrize("as_file", [True, False])
def test_labels_and_preprocessing_are_kept_in_the_file(call, model, tmp_path, as_file):
    names = [f"name {i}" for i in range(10)]
    given = tmp_path / "labels.txt" if as_file else ",".join(names)
    if as_file:
        given.write_text("\n".join(names) + "\n\n", encoding="utf-8")
    assert call("convert", model, "--labels", given, "--scale", 0.5, "--offset", -1).exit_code == 0
    metadata = load_model(model.with_suffix(".xlite")).metadata
    assert metadata.labels == names
    assert metadata.preprocessing is not None
    assert (metadata.preprocessing.scale, metadata.preprocessing.offset) == (0.5, -1.0)


def test_without_preprocessing_the_file_has_none(call, model):
    call("convert", model)
    assert load_model(model.with_suffix(".xlite")).metadata.preprocessing is None


@pytest.mark.parametrize(("target", "verdict"), [("pi-zero", "fits pi-zero"), ("host", "fits host")])
def test_target_says_whether_the_model_fits(call, model, target, verdict):
    assert verdict in call("convert", model, "--target", target).stdout


def test_every_graph_is_dumped(call, model, tmp_path):
    folder = tmp_path / "passes"
    call("convert", model, "--dump-passes", folder)
    texts = {path.name: path.read_text() for path in sorted(folder.iterdir())}
    names = list(texts)
    assert names[0] == "00-lowering.txt"
    assert [int(name[:2]) for name in names] == list(range(len(names)))
    assert texts[names[-1]] == xlite.convert(model).graph.text() + "\n"
    assert "unpack(" in texts[names[0]]
    assert "unpack(" not in texts[names[-1]]


def test_strict_names_the_layer_and_writes_nothing(call, refusal, model):
    edit_layer(model, "conv2", kernel_quantizer=None)
    message = refusal("convert", model, "--strict")
    assert "conv2" in message
    assert "kernel_quantizer" in message
    assert not model.with_suffix(".xlite").exists()
    assert call("convert", model).exit_code == 0


def test_strict_passes_where_all_that_is_marked_packs(call, model):
    assert call("convert", model, "--strict").exit_code == 0


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--labels", "a,b,c", "10 values"),
        ("--labels", "nowhere.txt", "no such file"),
        ("--labels", "", "--labels is empty"),
        ("--labels", "a,b,", "name 3 is empty"),
        ("--labels", ",".join("abcde fghi"), "name 6 is empty"),
        ("--scale", "0", "makes every input the same"),
        ("--scale", "-0.0", "makes every input the same"),
        ("--scale", "1e-60", "makes every input the same"),
        ("--target", "toaster", "pi-zero"),
        ("--dump-passes", __file__, "test_convert.py"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_written(refusal, model, option, value, named):
    assert named in refusal("convert", model, option, value)
    assert not model.with_suffix(".xlite").exists()


def test_the_model_is_not_overwritten(refusal, model):
    before = model.read_bytes()
    assert "another name" in refusal("convert", model, "-o", model)
    assert model.read_bytes() == before


@pytest.mark.parametrize("option", ["-o", "--report"])
@pytest.mark.parametrize("value", ["", "-", "newdir/"])
def test_names_that_are_none_of_a_file(refusal, model, tmp_path, monkeypatch, option, value):
    monkeypatch.chdir(tmp_path)
    refusal("convert", model, option, value)
    assert [path.name for path in tmp_path.iterdir()] == [model.name]


@pytest.mark.parametrize("option", ["--scale", "--offset"])
@pytest.mark.parametrize("value", ["nan", "inf", "1e39"])
def test_preprocessing_is_finite_as_float32(call, model, option, value):
    assert call("convert", model, option, value).exit_code == 2
    assert not model.with_suffix(".xlite").exists()


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="open files have no names here")
def test_a_file_without_a_name_of_its_own_needs_one_for_the_result(call, refusal, model, tmp_path):
    with open(model, "rb") as file:
        name = f"/dev/fd/{file.fileno()}"
        assert "-o FILE.xlite" in refusal("convert", name)
        assert call("convert", name, "-o", tmp_path / "m.xlite").exit_code == 0


@pytest.mark.parametrize("link", [None, "symlink", "hardlink"])
def test_the_page_overwrites_neither_the_model_nor_the_file(refusal, model, tmp_path, link):
    before = model.read_bytes()
    page = model
    if link == "symlink":
        page = tmp_path / "page.html"
        page.symlink_to(model)
    elif link == "hardlink":
        page = tmp_path / "page.html"
        os.link(model, page)
    assert "--report" in refusal("convert", model, "--report", page)
    assert "the .xlite file" in refusal("convert", model, "--report", model.parent / "." / "model.xlite")
    assert "the .xlite file" in refusal("convert", model, "-o", tmp_path / "m", "--report", f"{tmp_path}/./m")
    assert model.read_bytes() == before
    assert not model.with_suffix(".xlite").exists()


def test_the_labels_are_not_overwritten(refusal, model, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join("abcdefghij"))
    assert "--labels" in refusal("convert", model, "--labels", labels, "-o", labels)
    assert "--labels" in refusal("convert", model, "--labels", labels, "--report", labels)
    assert labels.read_text() == "\n".join("abcdefghij")


def test_a_page_that_cannot_be_written_is_said_before_the_conversion(refusal, model, tmp_path):
    for page in (tmp_path / "nowhere" / "r.html", tmp_path):
        assert str(page) in refusal("convert", model, "--report", page)
    assert not model.with_suffix(".xlite").exists()


def test_a_folder_that_is_not_there_is_named(refusal, model, tmp_path):
    assert "nowhere" in refusal("convert", model, "-o", tmp_path / "nowhere" / "m.xlite")


def test_integer_input_and_rounded_weights(call, model):
    result = call("convert", model, "--input-dtype", "uint8", "--input-range", "-1,1", "--quantize", "int8")
    assert result.exit_code == 0
    assert "input 'image' is made floats for" not in result.stdout
    assert "weights rounded to int8: stem, classes; off by at most 0." in result.stdout
    packed = load_model(model.with_suffix(".xlite"))
    assert packed.tensors[packed.inputs[0]].type.dtype.short == "u8"
    assert {packed.tensors[op.inputs[0]].type.dtype.short for op in packed.ops if op.kind is OpKind.CONV_2D} >= {
        "u8"
    }
    raw = packed.metadata.preprocessing
    assert (raw.scale, raw.offset) == (pytest.approx(2 / 255), -1.0)


def test_an_input_that_cannot_be_folded_is_said(call, model):
    result = call("convert", model, "--input-dtype", "uint8")
    assert "note: input 'image' is made floats for stem" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--input-range", "0,1"], "an input range is for integer inputs"),
        (["--input-dtype", "uint8", "--input-range", "0"], "--input-range 0: give two numbers"),
        (["--input-dtype", "uint8", "--input-range", "nan,1"], "two finite numbers"),
        (["--input-dtype", "uint8", "--input-range", "0,inf"], "two finite numbers"),
        (["--input-dtype", "uint8", "--input-range", "-1e39,0"], "two finite numbers"),
        (["--input-dtype", "uint8", "--input-range", "1,0"], "the input range 1, 0 is empty"),
        (["--input-dtype", "int8", "--input-range", "0,1", "--scale", "2"], "not both"),
    ],
)
def test_mistakes_about_the_input(refusal, model, options, problem):
    assert problem in refusal("convert", model, *options)
    assert not model.with_suffix(".xlite").exists()
