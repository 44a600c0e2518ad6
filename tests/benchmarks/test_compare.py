"""Which outputs pass for the same network's."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import agreement, complaint


@pytest.fixture
def outputs() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 1, (4, 3, 10)).astype(np.float32)


def test_the_last_digit_does_not_count(outputs):
    found = agreement(outputs * (1 + 1e-6), outputs)
    assert (found.samples, found.exact, found.argmax) == (4, 4, 4)
    assert not complaint(found, same_bits=True)


def test_one_other_sample_fails_a_layer_and_passes_in_a_network(outputs):
    other = outputs.copy()
    other[2] += np.where(np.arange(10) == 3, 0.5, 0)
    found = agreement(other, outputs)
    assert found.exact == 3
    assert "1 of 4" in complaint(found, same_bits=True)
    assert not complaint(found, same_bits=False)


def test_another_network_fails(outputs):
    found = agreement(outputs[::-1], outputs)
    assert found.correlation < 0.5
    assert "correlation" in complaint(found, same_bits=False)


def test_one_exact_sample_shows_the_same_network(outputs):
    other = np.concatenate([outputs[:1], -outputs[1:]])
    found = agreement(other, outputs)
    assert found.correlation < 0
    assert not complaint(found, same_bits=False)
    assert complaint(found, same_bits=True)


def test_constant_outputs_are_equal_or_not():
    zeros = np.zeros((2, 4))
    assert not complaint(agreement(zeros, zeros), same_bits=False)
    assert complaint(agreement(zeros, zeros + 1), same_bits=False)


@pytest.mark.parametrize("wrong", [np.zeros((4, 30)), np.full((4, 3, 10), np.nan), np.full((4, 3, 10), np.inf)])
def test_other_shapes_and_values_that_are_no_numbers_are_refused(outputs, wrong):
    with pytest.raises(ValueError):
        agreement(wrong, outputs)
