"""docs/converting.md names every layer that is lowered, and its examples run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from xlite.converter.lowering import passthrough, registry

DOCS = Path(__file__).parents[2] / "docs" / "converting.md"


def registered() -> set[str]:
    """Layer classes by their bare name, without functions and what passes through."""
    names = {name.split(">")[-1] for name in registry._LOWERINGS if "." not in name}
    silent = {name for name, f in registry._LOWERINGS.items() if f.__module__ == passthrough.__name__}
    return {name for name in names if name not in silent}


def test_every_layer_is_in_the_table():
    table = DOCS.read_text().split("## Layers")[1].split("## Quantizers")[0]
    named = set(re.findall(r"`(\w+)`", table))
    assert registered() - named == set()


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.S))
def test_examples_run(block, monkeypatch):
    monkeypatch.setattr(registry, "_LOWERINGS", dict(registry._LOWERINGS))
    exec(compile(block, str(DOCS), "exec"), {})
