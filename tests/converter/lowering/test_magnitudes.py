"""The alpha of a filter is the mean that TensorFlow computes, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlite.converter.lowering.magnitudes import filter_magnitudes, kernel_magnitude

shapes = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 40), st.integers(1, 40))


@given(shapes, st.integers(0, 2**32 - 1))
def test_means_are_means(shape, seed):
    kernel = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    found = filter_magnitudes(kernel)
    assert found.shape == (1, 1, 1, shape[-1])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0, 0, 0], np.abs(kernel).mean(axis=(0, 1, 2), dtype=np.float64), rtol=1e-5)
    np.testing.assert_allclose(kernel_magnitude(kernel), np.abs(kernel).mean(dtype=np.float64), rtol=1e-7)


def test_four_sums_then_the_rest():
    """18 weights, of which only the order of the additions says that the small ones are not lost."""
    large, small = np.float32(2**24), np.float32(1)
    column = np.zeros(18, np.float32)
    column[[0, 1, 5, 9, 13, 16, 17]] = large, *[small] * 6  # sums: large, 4, 0, 0; then 1 and 1
    kernel = np.tile(column[:, np.newaxis], 9)  # eight filters in four sums, one in order
    found = filter_magnitudes(kernel)[0]
    assert np.all(found[:8] == np.float32(2**24 + 4) / np.float32(18))  # + 1 + 1 is lost
    assert found[8] == large / np.float32(18)


@pytest.mark.keras
@pytest.mark.parametrize("filters", [2, 7, 8, 9, 20, 64])
@pytest.mark.parametrize("weights", [*range(1, 36), 147, 576, 1001])
def test_bits_are_tensorflows(weights, filters):
    tf = pytest.importorskip("tensorflow")
    kernel = np.random.default_rng(weights).normal(size=(weights, filters)).astype(np.float32)
    expected = tf.reduce_mean(tf.abs(kernel), axis=[0]).numpy()
    np.testing.assert_array_equal(filter_magnitudes(kernel)[0], expected)
