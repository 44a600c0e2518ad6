"""The tables, and how they get into the docs."""

from __future__ import annotations

import pytest

from tests.zoo import networks
from tests.zoo.results import Result
from tests.zoo.table import DOCS, NETWORKS, SECTIONS, filled, table

TOOK = {"file": 1020, "information": 1000, "seconds": 1.26, "memory": 2e8}
FLIP = {"sample": 1, "relative": 2.0**-22}


def test_a_row_says_what_was_found():
    result = Result("Net", TOOK, 20, [*range(1), *range(2, 18)], 19, [15, 18, 16], 17, [FLIP], 12)
    lines = table([result], NETWORKS).splitlines()
    assert len(lines) == 3
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells == [
        "Net",
        "1,020",
        "1.0200",
        "1.3",
        "200",
        "15",
        "17 of 20",
        "16",
        "17",
        "19",
        "1 of 3",
        "2.0 eps",
    ]


def test_only_what_stands_between_the_markers_is_replaced():
    text = "a\n<!-- zoo x -->\nold\n<!-- end of zoo x -->\nb\n"
    once = filled(text, {"x": "new \\1"})
    assert once == "a\n<!-- zoo x -->\nnew \\1\n<!-- end of zoo x -->\nb\n"
    assert filled(once, {"x": "new \\1"}) == once
    with pytest.raises(SystemExit, match="zoo y"):
        filled(text, {"y": ""})


@pytest.mark.parametrize("section", SECTIONS)
def test_the_docs_have_a_line_for_every_network(section):
    text = DOCS.read_text()
    part = text[text.index(f"<!-- zoo {section} -->") : text.index(f"<!-- end of zoo {section} -->")]
    assert [line.split("|")[1].strip() for line in part.splitlines()[3:]] == list(networks.NAMES)
