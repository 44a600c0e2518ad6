"""Boxes from a detector's head, against the formulas of the paper and a hand-made scene."""

from __future__ import annotations

import numpy as np
import pytest

from xlite.schema.errors import InputError
from xlite.zoo import boxes

ANCHORS = ((0.2, 0.3), (0.5, 0.5))
CLASSES = 3


def empty(rows=4, columns=6):
    """A head that sees nothing."""
    head = np.zeros((rows, columns, len(ANCHORS), 5 + CLASSES), np.float32)
    head[..., 4] = -20
    return head


def place(head, row, column, anchor, label, offsets=(0, 0, 0, 0), certainty=20.0):
    head[row, column, anchor, :4] = offsets
    head[row, column, anchor, 4] = certainty
    head[row, column, anchor, 5 + label] = 20
    return head


def test_nothing_is_found_in_nothing():
    assert boxes.decode(empty(), ANCHORS) == []


@pytest.mark.parametrize("offsets", [(0, 0, 0, 0), (2, -1, 0.5, -0.3), (-30, 30, -2, 1)], ids=str)
def test_an_object_lies_where_the_formulas_say(offsets):
    (found,) = boxes.decode(place(empty(), 1, 4, 0, 2, offsets), ANCHORS)
    sigmoid = [1 / (1 + np.exp(-o)) for o in offsets[:2]]
    centre = (4 + sigmoid[0]) / 6, (1 + sigmoid[1]) / 4
    size = ANCHORS[0][0] * np.exp(offsets[2]), ANCHORS[0][1] * np.exp(offsets[3])
    edges = centre[0] - size[0] / 2, centre[1] - size[1] / 2, centre[0] + size[0] / 2, centre[1] + size[1] / 2
    np.testing.assert_allclose(found[:4], edges, rtol=1e-5, atol=1e-6)
    assert found.label == 2
    assert found.score == pytest.approx(1, abs=1e-5)


def test_of_overlapping_boxes_of_one_class_the_likelier_stays():
    head = place(empty(), 2, 2, 1, 0, certainty=2.0)
    place(head, 2, 3, 1, 0, certainty=3.0)  # a sixth of the image to the right: half of both is shared
    place(head, 2, 2, 0, 1, certainty=1.0)  # another class
    place(head, 0, 5, 0, 0, certainty=1.5)  # far away
    found = boxes.decode(head, ANCHORS)
    assert [(box.label, round(box.score, 3)) for box in found] == [(0, 0.953), (0, 0.818), (1, 0.731)]
    assert len(boxes.decode(head, ANCHORS, overlap=0.9)) == 4
    assert len(boxes.decode(head, ANCHORS, score=0.9)) == 1


def test_shared_area():
    a = boxes.Detection(0, 0, 2, 2, 0, 1)
    assert boxes.shared(a, a) == 1
    assert boxes.shared(a, boxes.Detection(1, 1, 3, 3, 0, 1)) == pytest.approx(1 / 7)
    assert boxes.shared(a, boxes.Detection(2, 0, 4, 2, 0, 1)) == 0
    assert boxes.shared(a, boxes.Detection(0, 5, 2, 6, 0, 1)) == 0


@pytest.mark.parametrize("shape", [(4, 6, 3, 8), (4, 6, 2, 5), (1, 4, 6, 2, 8)], ids=str)
def test_a_head_that_does_not_fit_the_anchors_is_refused(shape):
    with pytest.raises(InputError, match="anchors"):
        boxes.decode(np.zeros(shape, np.float32), ANCHORS)
