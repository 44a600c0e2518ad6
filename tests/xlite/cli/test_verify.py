from __future__ import annotations

import json

import numpy as np
import pytest

from xlite.schema import load_model, write_model


@pytest.fixture
def recorded(keras_file):
    return ("--data", keras_file.with_name("images.npz"), "--expected", keras_file.with_name("golden.npz"))


@pytest.fixture
def damaged(packed, tmp_path):
    """The demo network with another threshold in one channel of conv2 and another bias in the last layer."""
    model = load_model(packed)
    for name, channel, change in (("conv2/threshold", 5, 40), ("classes/bias", 2, 0.5)):
        (tensor,) = [tensor for tensor in model.tensors if tensor.name == name]
        assert tensor.data is not None
        tensor.data = tensor.data.copy()
        tensor.data[channel] += change
    path = tmp_path / "damaged.xlite"
    path.write_bytes(write_model(model))
    return path


def test_recorded_outputs_need_no_keras(call, packed, recorded):
    result = call("verify", packed, *recorded, "--samples", 48, "--backend", "numpy")
    assert result.exit_code == 0
    assert "48 of 48" in result.stdout
    assert "equal" in result.stdout


def test_another_output_is_exit_code_1_and_names_the_sample(call, packed, recorded, keras_file, tmp_path):
    with np.load(keras_file.with_name("golden.npz")) as golden:
        outputs = golden["outputs"].copy()
    outputs[7] = np.roll(outputs[7], 1)
    np.save(tmp_path / "other.npy", outputs)
    flags = (*recorded[:2], "--expected", tmp_path / "other.npy", "--samples", 20, "--backend", "numpy")
    result = call("verify", packed, *flags)
    assert result.exit_code == 1
    assert "19 of 20" in result.stdout
    found = json.loads(call("verify", packed, *flags, "--json").stdout)
    assert not found["ok"]
    assert found["unexplained"] == [7]
    assert found["outputs"][0]["beyond"] == [7]


def test_tolerance_decides(call, packed, recorded):
    flags = (*recorded, "--samples", 32, "--backend", "numpy")
    found = json.loads(call("verify", packed, *flags, "--json").stdout)
    reached = found["outputs"][0]["relative"]
    assert 0 < reached < 1e-5
    assert call("verify", packed, *flags, "--tolerance", reached * 0.9).exit_code == 1
    assert call("verify", packed, *flags, "--tolerance", reached * 1.1).exit_code == 0


def test_as_many_outputs_as_samples(refusal, packed, recorded, tmp_path):
    np.save(tmp_path / "few.npy", np.zeros((3, 10), np.float32))
    assert "3 samples" in refusal("verify", packed, *recorded[:2], "--expected", tmp_path / "few.npy")
    np.save(tmp_path / "other.npy", np.zeros((1000, 9), np.float32))
    assert "classes" in refusal("verify", packed, *recorded[:2], "--expected", tmp_path / "other.npy")


def test_recorded_outputs_belong_to_given_samples(call, packed, recorded):
    """Random ones have other outputs, whatever the file does."""
    result = call("verify", packed, *recorded[2:])
    assert result.exit_code == 2
    assert "--expected needs --data" in result.stderr


def test_more_outputs_than_samples_are_cut_only_on_demand(call, refusal, packed, recorded, keras_file, tmp_path):
    with np.load(keras_file.with_name("images.npz")) as arrays:
        np.save(tmp_path / "first.npy", arrays["images"][:20])
    flags = ("--data", tmp_path / "first.npy", *recorded[2:], "--backend", "numpy")
    message = refusal("verify", packed, *flags)
    assert "1000 samples, there are 20" in message
    assert "--samples 20" in message
    assert call("verify", packed, *flags, "--samples", 20).exit_code == 0


@pytest.mark.parametrize(
    ("option", "values"),
    [("--tolerance", ["nan", "inf", "-inf", "-1", "-1e-9"]), ("--seed", ["-1", str(2**32)])],
)
def test_numbers_that_make_no_sense_are_wrong_usage(call, packed, recorded, option, values):
    for value in values:
        result = call("verify", packed, *recorded, option, value)
        assert result.exit_code == 2
        assert f"Invalid value for '{option}'" in result.stderr


def test_the_other_order_is_named(refusal, keras_file, packed):
    assert f"xlite verify {keras_file} {packed}" in refusal("verify", packed, keras_file)


def test_an_input_that_the_model_does_not_have(refusal, packed, recorded):
    assert "it has 'image'" in refusal("verify", packed, "--data", "a=x.npy", *recorded[2:])


@pytest.mark.keras
class TestAgainstKeras:
    def test_the_demo_network_is_equal(self, call, keras_file, packed):
        result = call("verify", keras_file, packed, "--samples", 8, "--json")
        found = json.loads(result.stdout)
        assert result.exit_code == 0
        assert found["ok"]
        names = [check["name"] for check in found["tensors"]]
        assert {"stem", "conv1_norm:sign", "conv2_norm:sign", "dense1_relu", "classes"} <= set(names)
        assert found["outputs"][0]["argmax_equal"] == 8
        assert not found["notes"]

    def test_the_first_tensor_that_differs_is_named(self, call, keras_file, damaged):
        result = call("verify", keras_file, damaged, "--samples", 4)
        assert result.exit_code == 1
        verdict = result.stdout.splitlines()[-1]
        assert verdict.startswith("first difference: conv2_norm:sign[")
        assert "only channels 5" in verdict
        differing = [line.split()[0] for line in result.stdout.splitlines() if line.rstrip().endswith(" differs")]
        assert differing == ["conv2_norm:sign", "classes"]  # each op is fed Keras's own input

    def test_another_keras_file_is_noted(self, call, keras_file, packed, tmp_path):
        model = load_model(packed)
        model.metadata.source_sha256 = "0" * 64
        path = tmp_path / "other.xlite"
        path.write_bytes(write_model(model))
        found = json.loads(call("verify", keras_file, path, "--samples", 1, "--json").stdout)
        assert len(found["notes"]) == 1

    def test_a_file_that_keras_cannot_load(self, refusal, packed, tmp_path):
        path = tmp_path / "odd.keras"
        path.write_bytes(b"nothing that Keras knows")
        message = refusal("verify", path, packed)
        assert "odd.keras" in message
        assert "--expected" in message


def test_without_keras_the_mend_is_named(refusal, keras_file, packed, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "keras", None)
    message = refusal("verify", keras_file, packed)
    assert "xlite[train]" in message
