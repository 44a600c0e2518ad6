"""docs/compile.md names every option and target, and its arenas are those that come out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.converter.codegen.test_bands import vgg
from xlite.cli.compile import command
from xlite.converter.codegen import generate
from xlite.converter.codegen.targets import COMPILE_TARGETS

ROOT = Path(__file__).parents[3]
DOCS = (ROOT / "docs" / "compile.md").read_text()


def test_every_option_and_target_is_named():
    options = [name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)]
    named = {name for name in options if name.startswith("--")} - {"--out", "--quiet", "--help"}
    shown = {"--row-bands", "--kernels", "--measure"}  # the default, of which the docs name the other side
    assert [name for name in named - shown if f"`{name}" not in DOCS] == []
    assert [name for name in COMPILE_TARGETS if f"`{name}`" not in DOCS] == []


def test_the_arenas_are_those_of_the_table():
    pytest.importorskip("h5py")
    demo = ROOT / "examples" / "fashion" / "model.h5"
    for source, prefix in ((str(demo), "| the demo network"), (vgg(), "| binary VGG")):
        found = [generate(source, target="cortex-m4", row_bands=bands).report.arena for bands in (False, True)]
        (row,) = (line for line in DOCS.splitlines() if line.startswith(prefix))
        assert row.endswith(" | " + " | ".join(f"{bytes_:,}" for bytes_ in found) + " |")
