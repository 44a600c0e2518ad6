"""Pictures as arrays, with numpy alone: .npy, .ppm and .pgm. Other formats need Pillow."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

OWN = (".npy", ".ppm", ".pgm")
PILLOWS = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
_HEADER = re.compile(rb"P([56])(?:\s+|#[^\n]*\n)+(\d+)(?:\s+|#[^\n]*\n)+(\d+)(?:\s+|#[^\n]*\n)+(\d+)\s", re.ASCII)


class ImageError(Exception):
    """A picture that cannot be read. The message names the file and the mend."""


def read(path: Path) -> np.ndarray:
    """``uint8 [height, width, channels]`` with 1 or 3 channels. Raises ImageError."""
    if not path.exists():
        raise ImageError(f"{path}: there is no such file or folder")
    try:
        if path.suffix.lower() == ".npy":
            return _checked(np.load(path, allow_pickle=False), path)
        if path.suffix.lower() in (".ppm", ".pgm"):
            return _netpbm(path.read_bytes(), path)
    except (OSError, ValueError, EOFError) as error:
        raise ImageError(f"{path}: cannot be read: {error}") from None
    return _with_pillow(path)


def is_image(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in (*OWN, *PILLOWS)


def fit(image: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """The middle of a picture with the wanted shape's proportions, of the wanted height, width and channels.

    Each pixel is the mean of the area that it covers. A much larger picture is thinned out first, so that a Pi
    Zero does not spend more on this than on the network."""
    height, width, channels = shape
    image = _channels(_middle(image, height, width), channels)
    step_y, step_x = max(1, image.shape[0] // (4 * height)), max(1, image.shape[1] // (4 * width))
    image = image[::step_y, ::step_x]
    if image.shape == shape:
        return np.ascontiguousarray(image)
    rows, columns = _overlaps(image.shape[0], height), _overlaps(image.shape[1], width)
    mean = np.einsum("yi,xj,ijc->yxc", rows, columns, image.astype(np.float32), optimize=True)
    return np.clip(np.rint(mean), 0, 255).astype(np.uint8)


def _netpbm(data: bytes, path: Path) -> np.ndarray:
    """A binary PGM or PPM with a byte a sample."""
    header = _HEADER.match(data)
    if header is None:
        raise ImageError(f"{path}: is no binary .pgm or .ppm (P5 or P6)")
    kind, width, height, largest = (int(number) for number in header.groups())
    if not 0 < largest < 256:
        raise ImageError(f"{path}: has samples up to {largest}; only those of one byte, up to 255, are read")
    channels = 3 if kind == 6 else 1
    size = width * height * channels
    if width < 1 or height < 1 or len(data) - header.end() < size:
        raise ImageError(f"{path}: is cut short: {width}x{height} pixels need {size} bytes")
    pixels = np.frombuffer(data, np.uint8, size, header.end()).reshape(height, width, channels)
    return pixels if largest == 255 else (pixels.astype(np.uint16) * 255 // largest).astype(np.uint8)


def _with_pillow(path: Path) -> np.ndarray:
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise ImageError(
            f"{path}: needs Pillow (apt install python3-pil); without it there are {', '.join(OWN)}"
        ) from None
    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened)  # cameras store what they saw and how they were held
            # 16 bits; versions of Pillow before 11 read them into 32
            if image.mode.startswith("I;16") or (image.mode == "I" and opened.format == "PNG"):
                return _checked((np.asarray(image) >> 8).astype(np.uint8), path)
            if image.mode in ("I", "F"):
                raise ImageError(f"{path}: has more than 8 bits a sample; save it with 8")
            return _checked(np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB")), path)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(f"{path}: cannot be read: {error}") from None


def _checked(image: np.ndarray, path: Path) -> np.ndarray:
    if image.dtype != np.uint8:
        raise ImageError(f"{path}: holds {image.dtype}; a picture is uint8, from 0 to 255")
    image = image[..., np.newaxis] if image.ndim == 2 else image
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or 0 in image.shape:
        raise ImageError(f"{path}: has shape {image.shape}, not (height, width) or (height, width, 1 or 3)")
    return image[..., :3] if image.shape[2] == 4 else image


def _middle(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The largest part around the middle that has the proportions ``height`` to ``width``."""
    rows, columns = image.shape[:2]
    if rows * width > columns * height:
        keep = max(1, columns * height // width)
        top = (rows - keep) // 2
        return image[top : top + keep]
    keep = max(1, rows * width // height)
    left = (columns - keep) // 2
    return image[:, left : left + keep]


def _channels(image: np.ndarray, channels: int) -> np.ndarray:
    have = image.shape[2]
    if have == channels:
        return image
    if have == 1:
        return np.repeat(image, channels, axis=2)
    weights = np.array([0.299, 0.587, 0.114], np.float32)  # how bright red, green and blue are (ITU-R BT.601)
    return np.rint(image.astype(np.float32) @ weights).astype(np.uint8)[..., np.newaxis]


def _overlaps(have: int, want: int) -> np.ndarray:
    """float32 [want, have]: how much of each old pixel lies in each new one; rows sum to 1."""
    edges = np.arange(want + 1) * (have / want)
    old = np.arange(have)
    inside = np.minimum(edges[1:, np.newaxis], old + 1) - np.maximum(edges[:-1, np.newaxis], old)
    inside = np.maximum(inside, 0)
    return (inside / inside.sum(axis=1, keepdims=True)).astype(np.float32)
