"""make device-bench: how counts become classes of ops and a page, and the limits that layers are held to."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

from benchmarks.device import figures, page
from benchmarks.device.figures import Loop, Network

PRINTED = """0 op 0 (CONV_2D of f32, f32 to f32): no rule is broken
1 op 1 (SIGN of f32 to b): no rule is broken
2 op 2 (CONV_2D of b, b to f32): no rule is broken
3 op 3 (DENSE of f32, f32 to f32): no rule is broken
workspace 640
arena 1024
sum 0.5
""".splitlines()


def test_ops_are_counted_between_their_marks_less_a_mark(monkeypatch):
    marks = {0xFFFF: 90, 0xFFFE: 100, 0: 115, 1: 1115, 2: 1155, 3: 1465, 0xFFFD: 1475 + 20}
    monkeypatch.setattr(figures, "count", lambda command: (PRINTED, marks))
    monkeypatch.setattr(figures.emulator, "network", lambda: "program")
    found = figures.network("demo", "binary")
    assert found.classes == {"stem": 990, "binary": 300, "float": 20, "other": 30}
    assert found.total == 1340
    assert (found.arena, found.workspace) == (1024, 640)
    assert found.ops["SIGN of f32"] == 30


def loops(each: float) -> dict[str, Loop]:
    names = ["carry-save", "look-ups", "tables"]
    names += [f"{kind}-{shape}" for kind in ("lookup", "carry", "float") for shape in page.SHAPES]
    return {name: Loop(name, int(each * 100), 100) for name in names}


def test_page_has_every_ratio():
    twin = Network("demo", "float", 1, 1, {"stem": 100, "binary": 0, "float": 900, "other": 0})
    binary = Network("demo", "binary", 1, 1, {"stem": 100, "binary": 60, "float": 0, "other": 40})
    integers = Network("demo", "int8-stem", 1, 1, {"stem": 25, "binary": 60, "float": 0, "other": 40})
    text = page.page(loops(2.0), loops(4.0), [binary, integers, twin])
    assert "| demo, binary, float stem | 0.0 | 50 % | 30 % | 0 % | 20 % | 5.0 |" in text
    assert "| demo, binary, int8 stem | 0.0 | 20 % | 48 % | 0 % | 32 % | 8.0 |" in text
    assert "other 0.0: reached." in text
    assert "| demo | 0.0 | 0.0 | 15.0 |" in text
    assert "| carry-save adders, rows of 72 words | 2.00 | 4.00 |" in text


def test_layers_keep_their_limits():
    """Inner loops at most 8.6 instructions a word, whole layers at most 10."""
    if not shutil.which("qemu-arm") or importlib.util.find_spec("ziglang") is None:
        pytest.skip("qemu-arm or ziglang is not installed here")
    if not figures.emulator.setup.BUILD.is_dir():
        pytest.skip("there is no emulated system here: make device-test sets it up")
    found = figures.loops(portable=False)
    assert found["look-ups"].each <= 1.6
    assert found["lookup-14x14x256"].each <= 3
    assert found["lookup-28x28x128"].each <= 3.2
