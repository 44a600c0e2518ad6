"""Image sets that the training recipes use, read with numpy and the standard library only.

Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747; MIT licence): 60,000 training and 10,000 test
images, 28 by 28 grey levels, ten classes.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import numpy as np

from xlite.schema.errors import FileError

FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

# Where Debian's package dataset-fashion-mnist puts the four files.
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")

_IDX_UINT8 = 0x08


@dataclass(frozen=True)
class ImageSet:
    """Images ``uint8 [n, height, width]`` and labels ``uint8 [n]``, split for training and testing.

    ``source`` says where they came from, ``sha256`` is taken over the four arrays in the order of the fields,
    so it is the same whichever way the data was read.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    source: str

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """The uint8 array in an IDX file (the format of MNIST), gzip-compressed or not.

    Raises:
        FileError: the file is missing, truncated, or not an IDX file of bytes.
    """
    try:
        raw = Path(path).read_bytes()
        data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError) as error:
        raise FileError(f"cannot read {os.fspath(path)!r}: {error}") from error
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != _IDX_UINT8:
        raise FileError(f"{os.fspath(path)!r} is not an IDX file of unsigned bytes")
    rank = data[3]
    start = 4 + 4 * rank
    if len(data) < start:
        raise FileError(f"{os.fspath(path)!r} ends within its IDX header")
    shape = struct.unpack(f">{rank}I", data[4:start])
    count = 1
    for extent in shape:
        count *= extent
    if len(data) - start != count:
        raise FileError(f"{os.fspath(path)!r} holds {len(data) - start} bytes of data where {shape} needs {count}")
    return np.frombuffer(data, dtype=np.uint8, offset=start).reshape(shape)


def fashion_mnist(folder: str | os.PathLike[str] | None = None) -> ImageSet:
    """Fashion-MNIST from a folder with the four original IDX files, else through Keras.

    Args:
        folder: where ``train-images-idx3-ubyte.gz`` and its three companions lie. Default: the folder of
            Debian's package ``dataset-fashion-mnist`` if it is installed, else Keras downloads the set to its
            cache (``keras.datasets.fashion_mnist``).
    """
    if folder is None and not DEBIAN_FOLDER.is_dir():
        return _fashion_mnist_from_keras()
    root = DEBIAN_FOLDER if folder is None else Path(folder)
    return ImageSet(
        train_images=read_idx(root / "train-images-idx3-ubyte.gz"),
        train_labels=read_idx(root / "train-labels-idx1-ubyte.gz"),
        test_images=read_idx(root / "t10k-images-idx3-ubyte.gz"),
        test_labels=read_idx(root / "t10k-labels-idx1-ubyte.gz"),
        source=str(root),
    )


def _fashion_mnist_from_keras() -> ImageSet:
    import keras

    (train_images, train_labels), (test_images, test_labels) = downloaded(
        "Fashion-MNIST", keras.datasets.fashion_mnist.load_data
    )
    return ImageSet(train_images, train_labels, test_images, test_labels, source="keras.datasets.fashion_mnist")


def downloaded(name: str, load: Callable[[], Any]) -> Any:
    """What a ``load_data`` of ``keras.datasets`` gives. Raises FileError where it could not be downloaded."""
    try:
        return load()
    except Exception as error:  # Keras has no class of its own for a net that does not answer
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileError(
            f"{name} cannot be downloaded ({reason}); give it as a .npz file or a folder (xlite train --data PATH)"
        ) from error


def to_float(images: np.ndarray) -> np.ndarray:
    """Images ``uint8 [n, height, width]`` as a network of the zoo takes them: ``float32 [n, height, width, 1]``
    in 0 to 1, grey level divided by 255."""
    return (images.astype(np.float32) / np.float32(255.0))[..., np.newaxis]
