"""Boxes from what a detector's head computes, in numpy: what runs behind the interpreter on a device.

The head is that of YOLOv2 (Redmon and Farhadi 2017, arXiv 1612.08242): a place of the grid is responsible for the
objects whose centre lies in it, and each of its boxes starts from an anchor's width and height.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from xlite.schema.errors import InputError


class Detection(NamedTuple):
    """A box by its edges, 0 to 1 of the image's extents, where it may reach beyond; the object's class and the
    probability that it is there."""

    left: float
    top: float
    right: float
    bottom: float
    label: int
    score: float


def decode(
    head: np.ndarray, anchors: Sequence[tuple[float, float]], score: float = 0.5, overlap: float = 0.45
) -> list[Detection]:
    """The objects in one image, the likeliest first.

    Args:
        head: ``float32 [rows, columns, boxes, 5 + classes]``, one image of what the network gives.
        anchors: width and height of each of the boxes, 0 to 1 of the image's.
        score: boxes that are less likely are left out.
        overlap: of two boxes of one class that share more than this part of their union, the likelier one stays.

    Raises:
        InputError: the head's shape does not go with the anchors.
    """
    head = np.asarray(head, np.float32)
    if head.ndim != 4 or head.shape[2] != len(anchors) or head.shape[3] < 6:
        raise InputError(
            f"a head of shape {head.shape} does not go with {len(anchors)} anchors; give one image's, "
            f"[rows, columns, {len(anchors)}, 5 + classes]"
        )
    edges = _edges(head, np.asarray(anchors, np.float32))
    scores = _sigmoid(head[..., 4:5]) * _softmax(head[..., 5:])
    labels = scores.argmax(-1)
    best = scores.max(-1)
    found = []
    for place in zip(*np.nonzero(best >= score)):
        left, top, right, bottom = (float(edge) for edge in edges[place])
        found.append(Detection(left, top, right, bottom, int(labels[place]), float(best[place])))
    return _suppressed(sorted(found, key=lambda box: -box.score), overlap)


def _edges(head: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """``[rows, columns, boxes, 4]``: left, top, right, bottom."""
    rows, columns = head.shape[:2]
    x = (_sigmoid(head[..., 0]) + np.arange(columns)[None, :, None]) / columns
    y = (_sigmoid(head[..., 1]) + np.arange(rows)[:, None, None]) / rows
    half = np.exp(np.clip(head[..., 2:4], -10, 10)) * anchors / 2  # a network in training may give anything
    return np.stack([x - half[..., 0], y - half[..., 1], x + half[..., 0], y + half[..., 1]], -1)


def _suppressed(boxes: list[Detection], overlap: float) -> list[Detection]:
    kept: list[Detection] = []
    for box in boxes:
        if all(box.label != other.label or shared(box, other) <= overlap for other in kept):
            kept.append(box)
    return kept


def shared(a: Detection, b: Detection) -> float:
    """The area that two boxes share, as a part of their union."""
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (_area(a) + _area(b) - both)


def _area(box: Detection) -> float:
    return (box.right - box.left) * (box.bottom - box.top)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * x))


def _softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)
