"""Windows of a tile gathered as rows, each in the order of a filter's elements."""

from __future__ import annotations

from typing import Optional

import numpy as np

from xlite.interpreter.kernels.reference.windows import Geometry, Tile, extents_of
from xlite.schema.bits import pack_bits, unpack_bits


def gather_floats(geometry: Geometry, image: np.ndarray, tile: Tile, outside: float = 0.0) -> np.ndarray:
    """float32 (*image, C) -> (*tile, *window, C), ``outside`` the image as it says."""
    windows = np.full((*extents_of(tile), *geometry.window, image.shape[-1]), outside, np.float32)
    for tap in geometry.visible_taps(tile):
        windows[tap.place] = image[tap.inputs]
    return windows


def gather_bits(geometry: Geometry, image: np.ndarray, tile: Tile, channels: int, pad: int) -> np.ndarray:
    """uint32 (*image, words) -> uint8 bits (*tile, *window, channels), ``pad`` outside the image."""
    windows = np.full((*extents_of(tile), *geometry.window, channels), pad, np.uint8)
    for tap in geometry.visible_taps(tile):
        windows[tap.place] = unpack_bits(image[tap.inputs], channels)
    return windows


def real_elements(geometry: Geometry, tile: Tile, depth: int) -> Optional[np.ndarray]:
    """A zero is no bit: where windows reach outside the image, bit 1 marks the elements inside, as packed rows of
    windows with ``depth`` channels: uint32 (pixels of the tile, words). None where all lie inside."""
    if not geometry.sees_padding():
        return None
    real = np.zeros((*extents_of(tile), *geometry.window, depth), bool)
    for tap in geometry.visible_taps(tile):
        real[tap.place] = True
    return pack_bits(real.reshape(-1, geometry.taps * depth))
