from __future__ import annotations

import json

import numpy as np
import pytest

from tests.interpreter.networks import Builder
from xlite.inspection import inspect
from xlite.interpreter import Resolver, Target, backends
from xlite.interpreter.kernels.c import library
from xlite.interpreter.resolver import _fastest
from xlite.schema import load_model, write_model
from xlite.schema.types import CustomOptions, DType, OpKind, TensorType


@pytest.fixture
def found(call, packed):
    return json.loads(call("inspect", packed, "--json").stdout)


def test_json_has_every_op_and_tensor_of_the_file(found, packed):
    model = load_model(packed)
    assert [(row["name"], row["kind"]) for row in found["ops"]] == [(op.name, op.label) for op in model.ops]
    assert [row["name"] for row in found["tensors"]] == [tensor.name for tensor in model.tensors]
    assert found["file_bytes"] == packed.stat().st_size
    for row, tensor in zip(found["tensors"], model.tensors):
        assert row["bytes"] == tensor.type.nbytes
        assert row["bits"] == (1 if tensor.type.dtype is DType.BIT else 32)


def test_json_says_where_the_file_came_from(found, keras_file):
    metadata = found["metadata"]
    assert metadata["source_name"] == keras_file.name
    assert len(metadata["source_sha256"]) == 64
    assert metadata["labels"][3] == "class 3"


def test_multiply_accumulates_are_those_of_the_conversion(found, call, keras_file, tmp_path):
    report = json.loads(call("convert", keras_file, "-o", tmp_path / "m.xlite", "--json").stdout)
    assert found["macs"] == report["macs"]
    assert sum(row["macs"] for row in found["ops"]) == sum(report["macs"].values())
    assert found["arena_bytes"] == report["arena_bytes"]


def test_no_op_needs_more_than_the_arena_and_one_is_the_peak(found):
    live = [row["live_bytes"] for row in found["ops"]]
    assert max(live) <= found["arena_bytes"]
    assert max(live) >= found["arena_lower_bound"] - 16 * len(found["tensors"])
    assert min(live) > 0


def test_the_picture_marks_the_peak_once(call, packed):
    text = call("inspect", packed).stdout
    (marked,) = [line for line in text.splitlines() if "<- peak" in line]
    found = inspect(load_model(packed), 0, Resolver())
    assert found.peak is not None
    assert found.peak.name in marked
    for row in found.ops:
        assert row.kernel in text


@pytest.mark.parametrize("backend", ["numpy", None])
def test_kernels_are_those_that_a_run_gets(packed, backend):
    from xlite.interpreter import Interpreter

    rows = inspect(load_model(packed), 0, Resolver(backend)).ops
    kernels = Interpreter(packed, backend=backend).kernels()
    assert [(row.kernel, row.backend) for row in rows] == [(row.kernel, row.backend) for row in kernels]


def test_a_target_that_is_too_small_is_no_error(packed):
    model = load_model(packed)
    need = inspect(model, 0, Resolver("numpy"), Target("a", "", "x")).target
    assert need is not None
    assert need.fits
    least = need.needed_bytes - need.memory.get("workspace", 0)  # kernels without scratch would take no less
    small = inspect(model, 0, Resolver("numpy"), Target("b", "", "x", ram_bytes=least - 1)).target
    enough = inspect(model, 0, Resolver("numpy"), Target("c", "", "x", ram_bytes=need.needed_bytes)).target
    assert small is not None
    assert enough is not None
    assert (small.fits, enough.fits) == (False, True)


@pytest.mark.skipif(not backends.available("c"), reason="the C library is not built")
def test_the_command_prints_the_account_and_calls_the_estimate_one(call, packed):
    found = json.loads(call("inspect", packed, "--target", "pi-zero", "--json").stdout)["target"]
    assert found["latency"]["estimate"] is True
    text = call("inspect", packed, "--target", "pi-zero").stdout
    assert "latency, estimated" in text
    assert f"{found['needed_bytes']:,} B" in text
    for name, size in found["memory"].items():
        assert name in text
        assert f"{size:,} B" in text
    for kind in found["latency"]["kinds"]:
        assert kind["kind"] in text


def test_without_the_c_library_a_latency_is_not_known_rather_than_nothing(call, packed, monkeypatch, tmp_path):
    """As in the pure-Python wheel: no op has a kernel like those that were measured."""
    monkeypatch.setattr(library, "_load", lambda chosen: (None, "there is no C library"))
    monkeypatch.setattr(library, "own_library", lambda: tmp_path / "none.so")
    monkeypatch.setattr(backends, "BACKENDS", ("c", "numpy"))
    _fastest.cache_clear()
    try:
        found = json.loads(call("inspect", packed, "--target", "pi-zero", "--json").stdout)["target"]
        text = call("inspect", packed, "--target", "pi-zero").stdout
    finally:
        _fastest.cache_clear()
    latency = found["latency"]
    assert (latency["total"], latency["milliseconds"]) == (None, None)
    assert latency["reason"] == "there is no C library"
    assert latency["unknown"] == len(latency["ops"])
    assert all(kind["cost"] is None and kind["share"] is None for kind in latency["kinds"])
    assert "not known here: there is no C library" in text
    assert "million instructions" not in text
    assert "not counted" in found["note"]


def test_the_command_names_the_backends_and_why_it_is_not_c(call, packed, monkeypatch):
    monkeypatch.setattr(backends, "unavailable_reason", lambda name: f"{name} is not there")
    for there in (True, False):
        monkeypatch.setattr(backends, "available", lambda name, there=there: there)
        text = " ".join(call("inspect", packed).stdout.split())
        counts = {row.backend for row in inspect(load_model(packed), 0, Resolver()).ops}
        assert all(f"{name} " in text for name in counts)
        assert ("not c: c is not there" in text) is not there


def test_a_custom_op_is_listed_though_nobody_can_compute_it(call, tmp_path):
    builder = Builder()
    x = builder.input((4,))
    y = builder.op(
        OpKind.CUSTOM, [x], CustomOptions("frobnicate"), output_types=[TensorType((1, 4), DType.FLOAT32)]
    )
    path = tmp_path / "custom.xlite"
    path.write_bytes(write_model(builder.model([y])))
    result = call("inspect", path)
    assert result.exit_code == 0
    assert "register_custom('frobnicate'" in result.stdout


@pytest.mark.parametrize("command", ["inspect", "run", "benchmark"])
def test_names_from_the_file_can_neither_disturb_a_terminal_nor_be_markup(call, packed, tmp_path, command):
    model = load_model(packed)
    model.metadata.labels = ["\x1b[2Jgone[bold]"] * 10
    model.ops[0].name = "\x1b]0;title\x07gone[bold]"
    path = tmp_path / "hostile.xlite"
    path.write_bytes(write_model(model))
    np.save(tmp_path / "x.npy", np.zeros((28, 28), np.float32))
    rest = {"inspect": [], "run": [tmp_path / "x.npy"], "benchmark": ["--repeats", 1]}[command]
    text = call(command, path, *rest).stdout
    assert "\x1b" not in text
    assert "gone[bold]" in text
