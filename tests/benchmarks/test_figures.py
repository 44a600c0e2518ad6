"""Medians, spreads and ratios, against numpy and against what they are for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import Figure, ratio

VALUES = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=40)


@given(VALUES)
def test_figure_is_numpys_quartiles(values):
    found = Figure.of(values)
    expected = np.percentile(values, [25, 50, 75])
    np.testing.assert_allclose([found.low, found.median, found.high], expected, rtol=1e-12)
    assert found.count == len(values)


def test_no_values_are_refused():
    with pytest.raises(ValueError):
        Figure.of([])


@given(VALUES, st.floats(0.1, 10), st.floats(0.1, 10))
def test_ratio_does_not_see_a_machine_that_gets_slower(speeds, first, second):
    """Whatever the machine does from round to round, it does to both."""
    of = {number: first * speed for number, speed in enumerate(speeds)}
    to = {number: second * speed for number, speed in enumerate(speeds)}
    found = ratio(of, to)
    np.testing.assert_allclose([found.low, found.median, found.high], first / second, rtol=1e-9)


def test_ratio_takes_the_rounds_that_both_have():
    assert ratio({0: 4.0, 1: 6.0, 5: 100.0}, {0: 2.0, 1: 2.0, 2: 1.0}) == Figure.of([2.0, 3.0])
    assert ratio({0: 1.0}, {1: 1.0}) is None


def test_scaled():
    assert Figure.of([2.0, 4.0]).scaled(0.5) == Figure.of([1.0, 2.0])
