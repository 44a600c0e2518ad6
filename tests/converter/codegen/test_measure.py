"""The figures of flash, RAM and stack, from the target's own toolchain."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.converter.codegen.test_trim import binary_network
from xlite.converter import convert
from xlite.converter.codegen import generate
from xlite.converter.codegen.stack import UNKNOWN, deepest, read_call_graph
from xlite.converter.codegen.targets import COMPILE_TARGETS

DEMO = Path(__file__).parents[3] / "examples" / "fashion" / "model.h5"
NODES = """
node: { title: "run" label: "run\\na.c:1:1\\n16 bytes (static)\\n0 dynamic objects" }
node: { title: "a.c:left" label: "left\\na.c:2:1\\n40 bytes (static)\\n0 dynamic objects" }
node: { title: "a.c:right" label: "right\\na.c:3:1\\n8 bytes (static)\\n0 dynamic objects" }
node: { title: "pointed" label: "pointed\\na.c:4:1\\n100 bytes (static)\\n0 dynamic objects" }
node: { title: "gone" label: "gone\\na.c:5:1\\n5000 bytes (static)\\n0 dynamic objects" }
node: { title: "memcpy" label: "memcpy\\n<built-in>" shape : ellipse }
edge: { sourcename: "run" targetname: "a.c:left" label: "a.c:9:9" }
edge: { sourcename: "run" targetname: "a.c:right" label: "a.c:9:9" }
edge: { sourcename: "a.c:right" targetname: "__indirect_call" label: "a.c:9:9" }
edge: { sourcename: "a.c:left" targetname: "memcpy" label: "a.c:9:9" }
"""


def test_the_deepest_path_goes_through_pointers_and_unknown_functions():
    graph = read_call_graph([NODES])
    assert deepest(graph, {"run", "left", "right", "pointed", "memcpy"}, "run") == 16 + 8 + 100
    assert deepest(graph, {"run", "left", "right", "memcpy"}, "run") == 16 + 40 + UNKNOWN
    assert deepest(graph, set(), "other") == -1


def needs(target: str) -> None:
    if not any(map(shutil.which, COMPILE_TARGETS[target].compilers)):
        pytest.skip(f"{COMPILE_TARGETS[target].compilers[0]} is not installed here")


@pytest.fixture(scope="module")
def demo():
    pytest.importorskip("h5py")
    return convert(str(DEMO)).model


@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m4", "cortex-m7", "rv32"])
def test_the_demo_network_is_as_small_as_promised(demo, target):
    needs(target)
    made = generate(demo, target=target, measured=True)
    found = made.report.measured
    assert found is not None, made.report.why
    assert 0 < found.code < (8192 if target in ("cortex-m4", "cortex-m7") else 12288)
    assert 0 < found.tables < 2048
    assert found.weights == made.network.weight_bytes
    assert found.data == 0
    assert found.bss == made.report.arena < 16384
    assert 0 < found.stack < 1024
    assert f"{found.code:,} bytes" in made.files["README.md"]


def test_a_section_and_a_callers_arena_are_measured_too(demo):
    needs("cortex-m4")
    made = generate(demo, target="cortex-m4", measured=True, arena="caller", section=".xlite_weights")
    found = made.report.measured
    assert found is not None, made.report.why
    assert (found.bss, found.data) == (0, 0)
    assert found.tables < 2048


def test_what_cannot_be_measured_says_why(monkeypatch):
    monkeypatch.setenv("PATH", "")
    report = generate(binary_network(), target="esp32", measured=True).report
    assert report.measured is None
    assert "xtensa-esp32-elf-gcc is not installed" in report.why
    assert any("not measured" in value for _, value in report.rows())
    assert "beside" in generate(binary_network(), kernels=False, measured=True).report.why
