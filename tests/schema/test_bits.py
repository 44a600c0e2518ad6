"""Packing of signs: against a bit-by-bit definition, and there and back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlite.schema import DType, TensorType
from xlite.schema.bits import pack_bits, pack_signs, unpack_bits, unpack_signs, words_for

_SHAPES = st.lists(st.integers(1, 5), max_size=3).flatmap(
    lambda lead: st.integers(1, 100).map(lambda last: (*lead, last))
)


def signs(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), size=shape)


@settings(max_examples=200, deadline=None)
@given(_SHAPES, st.integers(0, 2**16), st.data())
def test_there_and_back(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    axes = data.draw(st.integers(1, len(shape)))
    values = signs(shape, seed)
    words = pack_signs(values, axes)
    assert words.dtype == np.dtype("<u4")
    assert words.shape == TensorType(shape, DType.BIT, axes).storage_shape
    np.testing.assert_array_equal(unpack_signs(words, shape, axes), values)


@settings(max_examples=100, deadline=None)
@given(_SHAPES, st.integers(0, 2**16))
def test_element_k_is_bit_k_of_the_row_and_the_tail_is_zero(shape: tuple[int, ...], seed: int) -> None:
    values = signs(shape, seed).reshape(-1, shape[-1])
    words = pack_signs(values)
    for row, packed in zip(values, words):
        bits = sum(int(word) << (32 * n) for n, word in enumerate(packed))
        assert bits == sum(1 << k for k, value in enumerate(row) if value < 0)


@pytest.mark.parametrize("count", [1, 31, 32, 33, 63, 64, 65, 144])
def test_the_bytes_are_little_endian_whatever_the_machine(count: int) -> None:
    values = signs((count,), count)
    expected = sum(1 << k for k in range(count) if values[k] < 0).to_bytes(4 * words_for(count), "little")
    assert pack_signs(values).tobytes() == expected


def test_both_zeros_and_nan_are_plus_one() -> None:
    odd = np.array([0.0, -0.0, np.nan, -np.nan, -1e-45, -np.inf, np.inf], np.float32)
    np.testing.assert_array_equal(unpack_bits(pack_signs(odd), 7), [0, 0, 0, 0, 1, 1, 0])


def test_a_window_is_one_row() -> None:
    filters = signs((2, 3, 3, 16), 0)
    words = pack_signs(filters, 3)
    assert words.shape == (2, 5)
    np.testing.assert_array_equal(words, pack_signs(filters.reshape(2, 144)))


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.float16, np.float32, np.float64])
def test_any_real_dtype_packs_alike(dtype) -> None:
    values = signs((3, 40), 1)
    np.testing.assert_array_equal(pack_signs(values.astype(dtype)), pack_signs(values))


def test_strided_arrays_pack_like_their_copies() -> None:
    values = signs((6, 80), 2)
    np.testing.assert_array_equal(pack_signs(values[::2, ::2]), pack_signs(values[::2, ::2].copy()))
    words = pack_bits(values < 0)
    np.testing.assert_array_equal(unpack_bits(words[:, ::2], 40), unpack_bits(words[:, ::2].copy(), 40))


@pytest.mark.parametrize("bits", [*range(0, 70), 2**31 - 1])
def test_words_for(bits: int) -> None:
    assert words_for(bits) == math.ceil(bits / 32)
