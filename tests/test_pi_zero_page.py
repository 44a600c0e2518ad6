"""docs/pi-zero.md shows what commands print: every place is filled, by what is named there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import pi_zero_page as tool
from xlite.interpreter import backends


def test_every_part_has_one_place_in_the_page():
    found = [place[2] for place in tool.PLACE.finditer(tool.PAGE.read_text(encoding="utf-8"))]
    assert sorted(found) == sorted(tool.PARTS)


def test_places_are_filled_and_the_rest_stays(monkeypatch):
    monkeypatch.setattr(tool, "PARTS", {"one": lambda _: "new \\1\n", "two": lambda _: None})
    page = (
        "a\n<!-- pi_zero_page: one -->\nold\n<!-- end -->\nb\n<!-- pi_zero_page: two -->\nkept\n<!-- end -->\nc\n"
    )
    once = tool.paste(page, Path("x"))
    assert once == page.replace("old", "new \\1")
    assert tool.paste(once, Path("x")) == once


@pytest.mark.skipif(not backends.available("c"), reason="the C library is not built")
def test_the_account_in_the_page_is_that_of_today(tmp_path):
    """Estimates may be older; what a model takes may not."""
    from tests.interpreter.large_network import write_large_network

    page = tool.PAGE.read_text(encoding="utf-8")
    model = write_large_network(tmp_path / "model.xlite")
    assert tool.refused(model) in page
    today = tool.inspected(model)
    for what in ("arena", "workspace", "mapped file", "Python itself", "RAM"):
        (line,) = [line for line in today.splitlines() if line.startswith(what)]
        assert line in page
