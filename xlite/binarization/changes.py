"""What was done to a model, layer by layer, and why the rest was left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BINARIZED, KEPT, REMOVED, INSERTED, MOVED = "binarized", "kept", "removed", "inserted", "moved"


@dataclass(frozen=True)
class Change:
    """One layer, by its path through nested models. ``action`` is one of the names above; layers that nothing was
    to be said about have no entry."""

    layer: str
    class_name: str
    action: str
    reason: str


def table(changes: Sequence[Change]) -> str:
    """The changes as text, one line each under a heading."""
    rows = [("layer", "class", "what", "why"), *((c.layer, c.class_name, c.action, c.reason) for c in changes)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[3]]).rstrip() for row in rows
    )
