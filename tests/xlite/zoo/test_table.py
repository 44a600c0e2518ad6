"""docs/zoo.md: its table is what the command measures, its example runs, and it names every builder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

keras = pytest.importorskip("keras")

from tests.xlite.zoo.networks import PARAMETERS  # noqa: E402
from xlite import zoo  # noqa: E402
from xlite.schema.errors import FileError  # noqa: E402
from xlite.zoo import table  # noqa: E402

pytestmark = pytest.mark.keras

PAGE = (Path(__file__).parents[3] / "docs" / "zoo.md").read_text(encoding="utf-8")
COMMAND = "run python -m xlite.zoo.table docs/zoo.md"


def lines():
    """builder -> its cells"""
    found = table.PLACE.search(PAGE)
    rows = [line.strip("| ").split(" | ") for line in found[0].splitlines() if line.startswith("| `")]
    return {cells[0].strip("`"): cells for cells in rows}


def size(text):
    number, unit = text.split()
    return float(number) * {"kB": table.KB, "MB": table.MB}[unit]


def test_every_builder_is_in_the_table_with_its_parameters():
    assert {name: int(cells[2].replace(",", "")) for name, cells in lines().items()} == PARAMETERS, COMMAND


@pytest.mark.parametrize("name", ["person_net", "tiny_vgg", "tiny_detector"])
def test_the_table_is_what_the_command_measures(name):
    """Multiply-accumulates to the digit, bytes about right, for the format may grow a field."""
    written, measured = lines()[name], table.cells(table.row(name))
    assert written[:6] == list(measured[:6]), COMMAND
    for column in (6, 8):
        assert size(written[column]) == pytest.approx(size(measured[column]), rel=0.05), COMMAND
    keras.backend.clear_session()


def test_the_command_writes_into_a_page(tmp_path, monkeypatch):
    monkeypatch.setattr(zoo, "BUILDERS", ("person_net",))
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- python -m xlite.zoo.table -->\nold\n<!-- end -->\nafter\n", encoding="utf-8")
    table.main([str(page)])
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("<!-- end -->\nafter\n")
    assert "old" not in text
    assert "| `person_net` | 96x96x1 | 1,128,770 |" in text
    page.write_text("no place", encoding="utf-8")
    with pytest.raises(FileError, match="no place"):
        table.main([str(page)])


def test_the_page_explains_every_builder():
    explained = PAGE.split("## Which is which")[1]
    named = set(re.findall(r"`(\w+)`", explained))
    named |= {f"binary_densenet{name}" for name in named}  # written out once
    assert set(zoo.BUILDERS) <= named


def test_the_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.S | re.M)
    names: dict = {}
    exec(compile(block, "docs/zoo.md", "exec"), names)
    assert names["probabilities"].shape == (1, 10)
