"""xlite summary: the figures of the conversion that it stands for."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def found(call, keras_file):
    return json.loads(call("summary", keras_file, "--json").stdout)


def test_json_has_the_figures_of_the_file_that_convert_writes(found, call, keras_file, tmp_path):
    path = tmp_path / "m.xlite"
    report = json.loads(call("convert", keras_file, "-o", path, "--json").stdout)
    inspected = json.loads(call("inspect", path, "--json").stdout)
    assert found["file_bytes"] == path.stat().st_size
    assert found["arena_bytes"] == inspected["arena_bytes"]
    assert found["macs"] == inspected["macs"]
    assert [(row["name"], row["precision"], row["bytes"]) for row in found["layers"]] == [
        (row["name"], row["precision"], row["bytes_after"]) for row in report["layers"]
    ]
    words = [row["bytes"] // 4 for row in inspected["tensors"] if row["constant"] and row["bits"] == 32]
    assert found["bits"]["32"] == sum(words)
    assert found["bits"]["1"] == 64 * 288 + 96 * 576 + 128 * 864 + 128 * 1152


def test_the_table_has_a_column_for_every_width_and_precision(call, keras_file, found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = call("summary", keras_file, "--target", "pi-zero").stdout
    lines = text.splitlines()
    for layer in found["layers"]:
        (line,) = [line for line in lines if line.split()[:1] == [layer["name"]]]
        for number in (*layer["bits"].values(), *layer["macs"].values()):
            assert f" {number:,} " in line
    (total,) = [line for line in lines if line.split()[:1] == ["total"]]
    for number in (*found["bits"].values(), *found["macs"].values()):
        assert f" {number:,} " in total
    for heading in ("of 1 bit", "of 32 bit", "MACs bitxbit", "MACs f32xf32", "packed"):
        assert heading in text
    assert f"{found['file_bytes']:,} B" in text
    assert f"{found['arena_bytes']:,} B" in text
    assert "fits pi-zero" in text
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_keras_model_is_refused(refusal, packed, tmp_path):
    assert "is a .xlite file already" in refusal("summary", packed)
    assert "no such file" in refusal("summary", tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("no model")
    assert "text.h5" in refusal("summary", tmp_path / "text.h5")


def test_unknown_targets_are_refused(refusal, keras_file):
    assert "toaster" in refusal("summary", keras_file, "--target", "toaster")
