"""A picture of a run: loss above, accuracy below, over the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

from xlite.training.checkpoint import write_whole

_WIDTH, _HEIGHT, _MARGIN = 720, 280, 56
_COLOURS = ((31, 119, 180), (214, 96, 24))
_GREY, _BLACK = (200, 200, 200), (40, 40, 40)
_PANELS = (("loss", ("loss", "val_loss")), ("accuracy", ("accuracy", "val_accuracy")))


def draw(epochs: Sequence[dict[str, Any]], title: str, path: Path) -> Optional[str]:
    """Writes a .png of the epochs of a log; returns why it did not, where Pillow is missing or nothing is to
    draw."""
    try:
        from PIL import Image, ImageDraw
    except ImportError:
        return "the picture of the curves needs Pillow: pip install Pillow"
    panels = [(name, keys) for name, keys in _PANELS if any(key in entry for entry in epochs for key in keys)]
    if not panels:
        return "there is no epoch to draw"
    picture = Image.new("RGB", (_WIDTH, _HEIGHT * len(panels) + 24), "white")
    pen = ImageDraw.Draw(picture)
    pen.text((_MARGIN, 6), title, fill=_BLACK)
    for number, (_, keys) in enumerate(panels):
        _panel(pen, 24 + number * _HEIGHT, [(key, _points(epochs, key)) for key in keys])
    write_whole(path, picture.save)
    return None


def _points(epochs: Sequence[dict[str, Any]], key: str) -> list[tuple[float, float]]:
    return [(entry["epoch"] + 1, float(entry[key])) for entry in epochs if key in entry]


def _panel(pen: Any, top: int, lines: list[tuple[str, list[tuple[float, float]]]]) -> None:
    values = [y for _, points in lines for _, y in points]
    last = max(x for _, points in lines for x, _ in points)
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    left, right, bottom = _MARGIN, _WIDTH - 16, top + _HEIGHT - 28

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - 1) / (last - 1) if last > 1 else 0.5
        return left + across * (right - left), bottom - (y - low) / span * (bottom - top - 24)

    for step in range(5):
        value = low + span * step / 4
        _, y = place(1, value)
        pen.line([(left, y), (right, y)], fill=_GREY)
        pen.text((6, y - 6), f"{value:.3g}", fill=_BLACK)
    pen.text((left, bottom + 6), "epoch 1", fill=_BLACK)
    pen.text((right - 24, bottom + 6), f"{last:g}", fill=_BLACK)
    for (key, points), colour in zip(lines, _COLOURS):
        placed = [place(*point) for point in points]
        if len(placed) > 1:
            pen.line(placed, fill=colour, width=2)
        for x, y in placed:
            pen.ellipse([(x - 2, y - 2), (x + 2, y + 2)], fill=colour)
        if points:
            offset = 0 if key == lines[0][0] else 160
            pen.text((left + offset, top + 4), f"{key} {points[-1][1]:.4g}", fill=colour)
