"""The IDX reader on files written by hand, whole and damaged; no TensorFlow needed."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from xlite.schema.errors import FileError
from xlite.zoo import datasets


def idx_bytes(array, kind=0x08):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + array.tobytes()


def write_fashion(folder, train=7, test=3):
    """A data folder as Debian's package lays it out, with random images; returns its four arrays."""
    rng = np.random.default_rng(0)
    arrays = []
    for part, count in (("train", train), ("t10k", test)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = rng.integers(0, 10, count, dtype=np.uint8)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(idx_bytes(array)))
        arrays += [images, labels]
    return arrays


@pytest.mark.parametrize("shape", [(0,), (5,), (3, 4), (2, 28, 28), (2, 1, 3, 4)])
@pytest.mark.parametrize("compressed", [False, True])
def test_idx_round_trip(tmp_path, shape, compressed):
    array = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    data = idx_bytes(array)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(data) if compressed else data)
    read = datasets.read_idx(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)


def test_every_truncation_and_wrong_header_is_a_clear_error(tmp_path):
    whole = idx_bytes(np.arange(6, dtype=np.uint8).reshape(2, 3))
    packed = gzip.compress(whole)
    damaged = [whole[:n] for n in range(len(whole))]
    damaged += [packed[:n] for n in range(len(packed))]
    damaged += [whole + b"x", idx_bytes(np.zeros(2, np.uint8), kind=0x0D), b"PK" + whole[2:]]
    path = tmp_path / "damaged"
    for data in damaged:
        path.write_bytes(data)
        with pytest.raises(FileError, match="damaged"):
            datasets.read_idx(path)
    with pytest.raises(FileError, match="absent"):
        datasets.read_idx(tmp_path / "absent")


def test_fashion_mnist_reads_a_folder(tmp_path):
    arrays = write_fashion(tmp_path)
    data = datasets.fashion_mnist(tmp_path)
    for read, written in zip((data.train_images, data.train_labels, data.test_images, data.test_labels), arrays):
        np.testing.assert_array_equal(read, written)
    assert data.source == str(tmp_path)
    assert len(data.sha256) == 64


def test_digest_depends_on_every_array(tmp_path):
    data = datasets.ImageSet(*write_fashion(tmp_path), source="")
    seen = {data.sha256}
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        array = getattr(data, name).copy()
        array.flat[0] ^= 1
        seen.add(datasets.ImageSet(**{**vars(data), name: array}).sha256)
    assert len(seen) == 5


def test_to_float_is_grey_level_by_255():
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    floats = datasets.to_float(images)
    assert floats.shape == (1, 16, 16, 1)
    assert floats.dtype == np.float32
    np.testing.assert_array_equal(floats.ravel(), np.arange(256, dtype=np.float32) / np.float32(255))


def test_fashion_mnist_comes_through_keras_where_the_folder_is_missing(tmp_path, monkeypatch):
    keras = pytest.importorskip("keras")
    train_images, train_labels, test_images, test_labels = arrays = write_fashion(tmp_path)
    monkeypatch.setattr(datasets, "DEBIAN_FOLDER", tmp_path / "absent")
    monkeypatch.setattr(
        keras.datasets.fashion_mnist,
        "load_data",
        lambda: ((train_images, train_labels), (test_images, test_labels)),
    )
    data = datasets.fashion_mnist()
    assert data.source == "keras.datasets.fashion_mnist"
    assert data.sha256 == datasets.ImageSet(*arrays, source="").sha256
