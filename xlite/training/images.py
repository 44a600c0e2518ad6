"""Labelled images for training: arrays in .npz files, folders of pictures, and the sets that Keras downloads."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xlite.inputs import load_npz, upright_of_eight_bits
from xlite.schema.errors import FileError

_SPELLINGS = {
    "x_train": ("x_train", "train_images", "X_train", "train_x"),
    "y_train": ("y_train", "train_labels", "Y_train", "train_y"),
    "x_test": ("x_test", "test_images", "X_test", "test_x"),
    "y_test": ("y_test", "test_labels", "Y_test", "test_y"),
}
MAX_CLASSES = 1_000_000  # more are numbers of something else, of products or people
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".webp")


@dataclass(frozen=True)
class Images:
    """``x``: uint8 ``[n, height, width, channels]``, ``y``: int32 ``[n]`` from 0; ``source`` says where they are
    from."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: tuple[str, ...]
    source: str

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.x_train.shape[1:])

    @property
    def untrained(self) -> list[str]:
        """The classes that no training image shows."""
        seen = np.bincount(self.y_train, minlength=len(self.classes))
        return [name for name, count in zip(self.classes, seen) if not count]

    @property
    def sha256(self) -> str:
        """Of all arrays in the order of the fields."""
        digest = hashlib.sha256()
        for array in (self.x_train, self.y_train, self.x_test, self.y_test):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def make_images(
    x_train: Any, y_train: Any, x_test: Any, y_test: Any, source: str, classes: Sequence[str] = ()
) -> Images:
    """Brings arrays into the form of :class:`Images`: a channel axis, labels of one axis. Raises FileError."""
    x = [_with_channels(np.asarray(a), source) for a in (x_train, x_test)]
    y = [_whole(np.asarray(a), len(images), source) for a, images in zip((y_train, y_test), x)]
    if x[0].shape[1:] != x[1].shape[1:]:
        raise FileError(f"{source}: training images are {x[0].shape[1:]} and test images {x[1].shape[1:]}")
    count = 1 + max(int(labels.max(initial=0)) for labels in y)
    if not len(x[0]) or not len(x[1]):
        raise FileError(f"{source}: has {len(x[0])} training and {len(x[1])} test images; both are needed")
    if len(classes) and count > len(classes):
        raise FileError(f"{source}: labels have to be 0 to {len(classes) - 1}, as there are names")
    named = tuple(str(name) for name in classes) or tuple(str(i) for i in range(count))
    return Images(x[0], y[0], x[1], y[1], named, source)


def _with_channels(images: np.ndarray, source: str) -> np.ndarray:
    """uint8 ``[n, height, width, channels]``."""
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4 or images.dtype != np.uint8:
        raise FileError(f"{source}: images have to be uint8 [n, height, width, channels], not {images.dtype} "
                        f"{images.shape}")  # fmt: skip
    if images.shape[1] in (1, 3) and images.shape[-1] > 4:
        raise FileError(
            f"{source}: images are {images.shape}, and channels have to come last; images.transpose(0, 2, 3, 1) "
            "puts them there"
        )
    return images


def _whole(labels: np.ndarray, count: int, source: str) -> np.ndarray:
    """int32 ``[count]``, of whole numbers that a class can have."""
    if labels.dtype.kind == "O":  # of a table, whose numbers are objects of Python
        labels = np.asarray(labels.tolist())
    if labels.ndim > 1 and len(labels) == count and labels.size > count:
        raise FileError(
            f"{source}: labels are {labels.shape}, several for an image; if they are one-hot, store their "
            "numbers, labels.argmax(axis=1)"
        )
    labels = labels.reshape(-1)
    if len(labels) != count:
        raise FileError(f"{source}: has {count} images and {len(labels)} labels")
    if labels.dtype.kind not in "biuf":
        raise FileError(
            f"{source}: labels have to be whole numbers, not {labels.dtype}; number the classes from 0 and store "
            "their names as class_names"
        )
    broken = labels[labels != np.floor(labels)] if labels.dtype.kind == "f" else labels[:0]  # NaN differs from NaN
    if len(broken):
        raise FileError(f"{source}: labels have to be whole numbers, and one is {broken[0]}")
    least, most = (labels.min(), labels.max()) if count else (0, 0)
    if float(most) >= MAX_CLASSES:
        raise FileError(
            f"{source}: labels have to be below {MAX_CLASSES:,}, and one is {most}; number the classes from 0"
        )
    if float(least) < 0:
        raise FileError(f"{source}: labels have to be 0 or above, and one is {least}")
    return labels.astype(np.int32)


def read_images(path: str | os.PathLike[str] | None) -> Images:
    """Images from a .npz file or from a folder.

    A file holds ``x_train``, ``y_train``, ``x_test``, ``y_test`` (or ``train_images`` and so on), or encoded
    pictures one behind the other: ``train_jpeg`` bytes, ``train_offsets`` (n + 1 of them), ``train_labels``, and
    the same for ``test``. ``class_names`` is read where it is there. A folder holds ``train/<class>/*.png`` and
    ``test/<class>/*.png``, all of one size and all grey or all in colour (or JPEG, BMP, WebP, PGM).

    Raises:
        FileError: it is neither, or something in it is missing, or there is no path.
    """
    if path is None:
        raise FileError("the recipe brings no images of its own; give it a .npz file or a folder with --data PATH")
    source = Path(path)
    if source.is_dir():
        return _from_folder(source)
    arrays = load_npz(os.fspath(path))
    try:
        return _from_arrays(arrays, source.name)
    except (TypeError, ValueError) as error:  # labels that are words, pictures of several sizes
        raise FileError(f"{os.fspath(path)}: holds no labelled images ({error})") from None


def _from_arrays(arrays: dict[str, np.ndarray], source: str) -> Images:
    names = [str(name) for name in arrays.get("class_names", ())]
    if "train_jpeg" in arrays:
        train, test = _stacked([_decoded(arrays, part, source) for part in ("train", "test")], source)
        labels = [_taken(arrays, (f"{part}_labels",), source) for part in ("train", "test")]
        return make_images(train, labels[0], test, labels[1], source, names)
    found = {key: _taken(arrays, spellings, source) for key, spellings in _SPELLINGS.items()}
    return make_images(**found, source=source, classes=names)


def _taken(arrays: dict[str, np.ndarray], spellings: Sequence[str], source: str) -> np.ndarray:
    for spelling in spellings:
        if spelling in arrays:
            return arrays[spelling]
    raise FileError(f"{source}: has no array {spellings[0]!r}; it has {', '.join(sorted(arrays)) or 'none'}")


def _decoded(arrays: dict[str, np.ndarray], part: str, source: str) -> dict[str, np.ndarray]:
    """Pictures by what messages call them."""
    data, offsets = (_taken(arrays, (f"{part}_{name}",), source) for name in ("jpeg", "offsets"))
    names = [f"{part} picture {number}" for number in range(len(offsets) - 1)]
    return {
        name: _picture(data[a:b].tobytes(), f"{source}, {name}") for name, a, b in zip(names, offsets, offsets[1:])
    }


def _stacked(parts: Sequence[Mapping[str, np.ndarray]], source: str) -> list[np.ndarray]:
    """The pictures of each part as one array. Raises FileError where they are not all of one size, or some grey
    and others in colour: what the network will take is not known here."""
    sizes: dict[tuple[int, ...], str] = {}
    grey: list[str] = []
    colour: list[str] = []
    for part in parts:
        for name, picture in part.items():
            sizes.setdefault(picture.shape[:2], name)
            (grey if picture.ndim == 2 else colour).append(name)
    if len(sizes) > 1:
        told = ", ".join(f"{name} {height} x {width}" for (height, width), name in list(sizes.items())[:3])
        raise FileError(f"{source}: pictures have different sizes (height x width), {told}; make them all of one")
    if grey and colour:
        raise FileError(
            f"{source}: {_counted(grey)} grey and {_counted(colour)} in colour; save all of them grey, by "
            "Pillow's convert('L'), or all in colour, by convert('RGB')"
        )
    return [np.stack(list(part.values())) for part in parts]


def _counted(names: Sequence[str]) -> str:
    return f"{names[0]} is" if len(names) == 1 else f"{len(names)} pictures ({names[0]} for one) are"


def _from_folder(folder: Path) -> Images:
    train = folder / "train"
    if not train.is_dir() or not (folder / "test").is_dir():
        raise FileError(f"{folder}: has to hold the folders train/ and test/, each with one folder a class")
    classes = sorted(entry.name for entry in train.iterdir() if entry.is_dir())
    unknown = sorted({entry.name for entry in (folder / "test").iterdir() if entry.is_dir()} - set(classes))
    if unknown:
        raise FileError(f"{folder}: test/ has a class {unknown[0]!r} that train/ has not")
    pictures, labels = [], []
    for part in ("train", "test"):
        files = [
            (path, label)
            for label, name in enumerate(classes)
            for path in sorted((folder / part / name).glob("*"))
            if path.suffix.lower() in _PICTURES
        ]
        if not files:
            raise FileError(
                f"{folder / part}: has no pictures in folders called {', '.join(classes) or 'as classes'}"
            )
        pictures.append(
            {
                path.relative_to(folder).as_posix(): _picture(path.read_bytes(), os.fspath(path))
                for path, _ in files
            }
        )
        labels.append(np.array([label for _, label in files]))
    x_train, x_test = _stacked(pictures, os.fspath(folder))
    y_train, y_test = labels
    return make_images(x_train, y_train, x_test, y_test, folder.name, classes)


def _picture(data: bytes, source: str) -> np.ndarray:
    try:
        from PIL import Image
    except ImportError:
        raise FileError(f"{source}: holds encoded pictures, which need Pillow: pip install Pillow") from None
    try:
        with Image.open(io.BytesIO(data)) as picture:
            eight = upright_of_eight_bits(picture, source)
            return np.asarray(eight.convert("L" if eight.mode in ("1", "L") else "RGB"))
    except OSError as error:
        reason = str(error).split(" <")[0]  # without the address of what it was read from
        raise FileError(f"{source}: holds what is no picture ({reason})") from None


def fashion_mnist(path: str | None = None) -> Images:
    """Fashion-MNIST from a folder of its four IDX files, Debian's package or Keras; or images of ``path``."""
    from xlite.zoo import datasets

    if path is not None and not (Path(path) / "train-images-idx3-ubyte.gz").exists():
        return read_images(path)
    found = datasets.fashion_mnist(path)
    return make_images(
        found.train_images,
        found.train_labels,
        found.test_images,
        found.test_labels,
        "Fashion-MNIST",
        datasets.FASHION_CLASSES,
    )


def cifar10(path: str | None = None) -> Images:
    """CIFAR-10 from ``path``, else as Keras downloads it."""
    if path is not None:
        return read_images(path)
    import keras

    from xlite.zoo.datasets import downloaded

    (x_train, y_train), (x_test, y_test) = downloaded("CIFAR-10", keras.datasets.cifar10.load_data)
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    return make_images(x_train, y_train, x_test, y_test, "keras.datasets.cifar10", names)
