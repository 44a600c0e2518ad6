"""Where a network's time goes: classes of ops, what bounds them, the table."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from benchmarks import models, profile, rows
from benchmarks.engines import BINARY
from benchmarks.profile import Part, Profile
from tests.interpreter.networks import BIT, SAME_3, Builder
from xlite.interpreter import backends
from xlite.schema import write_model
from xlite.schema.types import OpKind

PEAKS = {
    "table": {"kind": "binary", "isa": "a", "registers": 100.0, "l1": 90.0},
    "fma": {"kind": "float", "isa": "a", "registers": 10.0, "l1": 9.0},
}


@pytest.fixture(scope="module")
def model():
    b = Builder(0)
    x = b.input((8, 8, 4))
    stem = b.conv(x, 32, bit_filter=False, **SAME_3)
    signs = b.op(OpKind.SIGN, [stem])
    return b.model([b.conv(signs, 32, out=BIT, **SAME_3), b.conv(signs, 32, kernel=1, out=BIT)])


def test_ops_are_held_to_products_or_to_bytes(model):
    found = profile.profile("Net", model, [4.0, 1.0, 2.0, 3.0], PEAKS, copied=1e9)
    parts = {part.name: part for part in found.parts}
    assert [part.name for part in found.parts] == sorted(parts, key=lambda name: -parts[name].ms)
    assert parts["conv_2d 3x3 f32xf32"].bound == pytest.approx(8 * 8 * 32 * 9 * 4 / 10 * 1e-6)
    assert parts["conv_2d 3x3 bitxbit"].bound == pytest.approx(8 * 8 * 32 * 9 * 32 / 100 * 1e-6)
    assert parts["sign f32"].bound == pytest.approx(8 * 8 * (32 + 1) * 4 / 1e9)
    assert found.ms == 10
    slow = profile.profile("Net", model, [4.0, 1.0, 2.0, 3.0], PEAKS, copied=1.0)  # to copy takes longer
    assert {part.name: part.bound for part in slow.parts}["conv_2d 1x1 bitxbit"] == 8 * 8 * 4 * 2 + 32 * 4 * 2


def test_the_table_adds_up():
    parts = (
        Part("conv_2d 3x3 bitxbit", 16, 6.0, 3.0),
        Part("add f32", 2, 3.98, 1.0),
        Part("reshape f32", 1, 0.02, 0),
    )
    lines = profile.table([Profile("Net", parts)]).splitlines()
    assert lines[2] == "| **Net** | 19 | 10.0 | 100 % | 4.00 | 40 % |"
    assert lines[3] == "| conv_2d 3x3 bitxbit | 16 | 6.00 | 60 % | 3.00 | 50 % |"
    assert lines[5] == "| others, under 1 % each | 1 | 0.0200 | 0 % | 0 | 0 % |"


class Steady:
    """The machine's peak, without a compiler."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return

    def measure(self):
        return PEAKS


@pytest.mark.skipif(not backends.available("c"), reason="the C library is not built")
def test_networks_that_were_built_are_measured_into_the_page(model, tmp_path, monkeypatch):
    row = rows.NETWORKS[0]
    monkeypatch.setattr(models, "MODELS", tmp_path)
    monkeypatch.setattr(profile, "Peak", Steady)
    missing = CliRunner().invoke(profile.main, [row.builder])
    assert missing.exit_code == 1
    assert "make bench builds it" in missing.output
    (tmp_path / row.key).mkdir()
    (tmp_path / row.key / BINARY).write_bytes(write_model(model))
    page = tmp_path / "page.md"
    page.write_text(f"before\n{profile.BEGIN}\nold\n{profile.END}\nafter\n")
    assert CliRunner().invoke(profile.main, [row.builder, "--markdown", str(page)]).exit_code == 0
    text = page.read_text()
    assert text.startswith("before\n")
    assert "old" not in text
    assert f"| **{row.title}** | 4 |" in text
    assert text.count("conv_2d") == 3
