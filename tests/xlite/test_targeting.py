"""A model on another device: memory as the interpreter counts it, latency as an estimate that says so."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import xlite
from tests.interpreter.networks import Builder, residual_network
from tests.interpreter.random_networks import random_network
from xlite.inspection import inspect
from xlite.interpreter import TARGETS, Interpreter, Resolver, Target, backends, costs, planner
from xlite.interpreter.kernels.c import library
from xlite.schema import load_model, write_model
from xlite.schema.types import CustomOptions, DType, OpKind, TensorType

DEMO = Path(__file__).resolve().parents[2] / "examples" / "fashion" / "model.h5"
BYTES = {"input_dtype": "uint8", "input_range": (-1, 1)}
needs_c = pytest.mark.skipif(not backends.available("c"), reason="the C library is not built")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    model = residual_network()
    model.plan = planner.plan(model)
    path = tmp_path_factory.mktemp("model") / "model.xlite"
    path.write_bytes(write_model(model))
    return path


def there(path, target):
    return inspect(load_model(path), path.stat().st_size, Resolver(), target).target


@needs_c
def test_a_pi_zero_needs_what_an_interpreter_there_would_count(path):
    """Without register tiles, which its instruction set does not have: prepack=False is that on any machine. The
    scratch is that of its own kernels, which tests/device holds against what the device says."""
    found = there(path, TARGETS["pi-zero"])
    account = Interpreter(path, backend="c", prepack=False).account
    rest = account.total - account.workspace
    assert found.needed_bytes == rest + found.memory["workspace"] + TARGETS["pi-zero"].base_bytes
    assert found.memory["mapped file"] == account.mapped
    assert found.fits
    assert found.note == ""


@needs_c
@pytest.mark.parametrize("integers", [{}, {**BYTES, "quantize": "int8-stem"}], ids=["floats", "int8-stem"])
@pytest.mark.parametrize("name", [name for name in TARGETS if name != "host"])
def test_convert_and_inspect_say_the_same(name, integers, tmp_path):
    out = tmp_path / "demo.xlite"
    said = xlite.convert(DEMO, out, target=name, **integers).report.target
    found = there(out, TARGETS[name])
    assert said["needed_bytes"] == found.needed_bytes
    assert said["flash_needed_bytes"] == found.flash_needed_bytes
    assert said["fits"] == found.fits


@needs_c
@pytest.mark.parametrize(("name", "looks_up"), [("pi-zero", True), ("pi-zero-2", False), ("cortex-m4", False)])
def test_kernels_are_those_of_the_devices_core(name, looks_up, tmp_path):
    """An ARMv6 has no popcount, 64-bit Arm has one; and this machine, whatever it is, has no say in it."""
    out = tmp_path / "demo.xlite"
    xlite.convert(DEMO, out)
    found = there(out, TARGETS[name])
    assert any("_lookup_" in kernel for kernel in found.kernels) is looks_up


@needs_c
def test_scratch_is_that_of_the_devices_core(tmp_path):
    """Widening filters for the pairs of ARMv6 takes more than what any other core does with the same layer."""
    out = tmp_path / "demo.xlite"
    xlite.convert(DEMO, out, **BYTES, quantize="int8")
    assert there(out, TARGETS["pi-zero"]).memory["workspace"] > there(out, TARGETS["generic"]).memory["workspace"]


@needs_c
@pytest.mark.parametrize("name", ["cortex-m0plus", "cortex-m4", "cortex-m7", "esp32", "rv32", "generic"])
def test_a_microcontroller_needs_arena_and_workspace_and_has_its_weights_in_flash(path, name):
    found = there(path, TARGETS[name])
    account = Interpreter(path, backend="c", prepack=False).account
    # Floats are gathered for one pixel at a time there, for eight here; test_limits.py has the boards' word.
    workspace = account.workspace if name == "generic" else account.workspace // 8
    assert found.memory == {"arena": account.arena, "workspace": workspace}
    assert found.needed_bytes == account.arena + workspace
    assert found.flash_needed_bytes == account.weights


@needs_c
def test_a_board_of_ones_own_needs_what_its_core_does_and_an_unknown_core_the_most(path):
    board = replace(TARGETS["cortex-m4"], name="my board")
    assert there(path, board).memory == there(path, TARGETS["cortex-m4"]).memory
    unknown = Target("other", "a core that is not listed", "x", runtime="c")
    assert there(path, unknown).memory == there(path, TARGETS["generic"]).memory


class ArenaNeed(ctypes.Structure):
    """xl_arena_need of xlite.h."""

    _fields_ = [(name, ctypes.c_size_t) for name in ("plan", "workspace", "total", "fastest")]


def what_the_reader_says(data: bytes) -> int:
    """Bytes of arena without which the C interpreter does not open a file, by its own word."""
    cdll = library.load().cdll
    room = np.zeros(len(data) + 16, np.uint8)
    start = -room.ctypes.data % 16
    room[start : start + len(data)] = np.frombuffer(data, np.uint8)
    ops = ctypes.addressof(ctypes.c_void_p.in_dll(cdll, "xl_all_ops"))
    need = ArenaNeed()
    given = (ctypes.c_void_p(room.ctypes.data + start), ctypes.c_size_t(len(data)), ctypes.c_void_p(ops))
    rule = cdll.xl_model_arena_bytes(*given, ctypes.byref(need), None)
    assert rule == 0, f"the reader refuses the file by rule {rule}"
    return need.total


@needs_c
@pytest.mark.parametrize("seed", range(12))
def test_ram_of_a_microcontroller_is_what_its_interpreter_asks_for(seed):
    model = random_network(seed) if seed else residual_network()
    model.plan = planner.plan(model)
    data = write_model(model)
    found = {name: inspect(load_model(data), len(data), Resolver(), TARGETS[name]).target for name in TARGETS}
    assert found["generic"].needed_bytes == what_the_reader_says(data)
    assert found["cortex-m4"].needed_bytes <= found["generic"].needed_bytes


@needs_c
def test_fits_is_exact(path):
    board = TARGETS["cortex-m4"]
    need = there(path, board)
    for ram, flash, fits in ((0, 0, True), (-1, 0, False), (0, -1, False)):
        ram_bytes, flash_bytes = need.needed_bytes + ram, need.flash_needed_bytes + flash
        assert there(path, replace(board, ram_bytes=ram_bytes, flash_bytes=flash_bytes)).fits is fits


@needs_c
def test_where_the_fastest_kernels_do_not_fit_the_smallest_are_counted(path):
    packed, lean = Interpreter(path, backend="c").account, Interpreter(path, backend="c", prepack=False).account
    if packed.total <= lean.total:
        pytest.skip("no kernel of this machine packs weights")
    tight = Target("tight", "", "x", ram_bytes=lean.total)
    found = there(path, tight)
    assert found.fits
    assert found.needed_bytes <= lean.total


@needs_c
@pytest.mark.parametrize("name", ["pi-zero", "pi-2", "pi-4", "host"])
def test_the_estimate_is_the_sum_of_its_ops(path, name):
    latency = there(path, TARGETS[name]).latency
    assert latency.estimate
    assert latency.unknown == 0
    assert latency.total == pytest.approx(sum(latency.ops))
    assert latency.total == pytest.approx(sum(kind.cost for kind in latency.kinds))
    assert sum(kind.ops for kind in latency.kinds) == len(latency.ops)
    assert sum(kind.share for kind in latency.kinds) == pytest.approx(1)
    assert latency.milliseconds > 0


def test_a_target_that_nobody_measured_has_no_estimate(path):
    assert there(path, Target("new", "", "riscv128")).latency is None


def test_an_op_that_nobody_can_compute_is_said_so(tmp_path):
    b = Builder()
    types = [TensorType((1, 4), DType.FLOAT32)]
    y = b.op(OpKind.CUSTOM, [b.input((4,))], CustomOptions("frobnicate"), output_types=types)
    path = tmp_path / "custom.xlite"
    path.write_bytes(write_model(b.model([y])))
    found = there(path, TARGETS["pi-zero"])
    assert found.kernels == [""]
    assert "1 ops have no kernel there" in found.note
    assert found.latency.unknown == 1
    assert found.latency.total is None
    assert found.latency.milliseconds is None


@needs_c
@pytest.mark.parametrize(("large", "known"), [(8, True), (64, False)])
def test_a_total_is_known_where_most_of_the_work_is(large, known, monkeypatch):
    """Of three convolutions the one of ``large`` pixels a side is like none that was measured."""
    b = Builder()
    sizes = (8, 8, large)
    model = b.model([b.conv(b.input((size, size, 32)), 32, bit_filter=False) for size in sizes])
    real = costs.estimate
    ops = iter([False, False, True])
    monkeypatch.setattr(costs, "estimate", lambda *given: None if next(ops) else real(*given))
    data = write_model(model)
    latency = inspect(load_model(data), len(data), Resolver(), TARGETS["pi-zero"]).target.latency
    assert (latency.total is not None) is known
    assert latency.unknown == 1
    assert (latency.reason == "") is known
