"""Samples for a model from files: .npy, .npz and images.

What comes out fits the model's input with a batch axis in front. Integers stay what they are (raw input, which the
interpreter takes through the file's preprocessing); images become uint8 of the model's height, width and channels.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from xlite.interpreter import calling
from xlite.schema.errors import BackendError, FileError, InputError
from xlite.schema.types import RANGES, DType, Model, TensorType

ARRAYS = (".npy", ".npz")


def read_inputs(model: Model, given: Sequence[str]) -> list[np.ndarray]:
    """One batch for each input of ``model``, in its order.

    given: files; where the model has several inputs, ``name=file`` for each, or one .npz whose keys are their
    names. Several files for one input are joined to one batch. ``file.npz:key`` picks an array of a .npz. Raises
    FileError or InputError naming the file and the mend."""
    names = [model.tensors[t].name for t in model.inputs]
    by_name = _assigned(given, names)
    batches = []
    for index, name in zip(model.inputs, names):
        type_ = model.tensors[index].type
        batches.append(_joined([read_batch(path, type_, name, len(names) == 1) for path in by_name[name]], name))
    if len({len(batch) for batch in batches}) > 1:
        sizes = ", ".join(f"'{name}' {len(batch)}" for name, batch in zip(names, batches))
        raise InputError(f"the inputs must have the same number of samples, have {sizes}")
    return batches


def prepare(model: Model, given: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Samples as the model's tensors hold them: with a batch axis, in the input's dtype, raw bytes preprocessed.
    As the interpreter does it when it is called. Raises InputError."""
    metadata = model.metadata
    arrays = []
    for index, array in zip(model.inputs, calling.batches(model, given)):
        tensor = model.tensors[index]
        arrays.append(calling.convert(array, tensor.type, metadata.preprocessing, f"input '{tensor.name}'"))
    return arrays


def as_numbers(model: Model, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What prepared samples stand for in the network as it was trained: bytes as float32, through the file's
    preprocessing where it has one; all else as it is."""
    raw, numbers = model.metadata.preprocessing, []
    for index, array in zip(model.inputs, arrays):
        if model.tensors[index].type.dtype in (DType.UINT8, DType.INT8):
            array = array.astype(np.float32)
            if raw is not None:
                array = array * np.float32(raw.scale) + np.float32(raw.offset)
        numbers.append(array)
    return numbers


def read_batch(path: str, type_: TensorType, name: str, only: bool = True) -> np.ndarray:
    """The samples in one file as a batch for an input of this type. ``only``: whether it is the only input, so
    that a .npz need not use its name as key."""
    file, key = _split_key(path)
    suffix = os.path.splitext(file)[1].lower()
    if not os.path.isfile(file):
        raise FileError(f"{file}: there is no such file")
    if suffix == ".npy":
        return as_batch(_load(file), type_, file)
    if suffix == ".npz":
        return as_batch(_from_npz(file, key, type_, name, only), type_, path)
    return read_image(file, type_)[np.newaxis]


def is_image(given: str) -> bool:
    """Whether an input named on the command line is an image, that is, no array."""
    file, _ = _split_key(given)
    return os.path.splitext(file)[1].lower() not in ARRAYS


def as_batch(array: np.ndarray, type_: TensorType, what: str) -> np.ndarray:
    """``array`` with a batch axis and the channel axis of an input that has one channel. Raises InputError."""
    sample = type_.shape[1:]
    flat = sample[:-1] if len(sample) > 1 and sample[-1] == 1 else None
    if array.shape == sample:
        return array[np.newaxis]
    if array.ndim > 0 and array.shape[1:] == sample:
        return array
    if flat is not None and array.shape == flat:
        return array[np.newaxis, ..., np.newaxis]
    if flat is not None and array.ndim > 0 and array.shape[1:] == flat:
        return array[..., np.newaxis]
    wanted = ", ".join(map(str, ("batch", *sample)))
    raise InputError(
        f"{what}: has shape {array.shape}, the model takes ({wanted}), with or without the batch axis"
    )


def read_image(path: str, type_: TensorType) -> np.ndarray:
    """An image file as uint8 (height, width, channels) of the input's size, in grey for one channel, as RGB for
    three and RGBA for four. Needs Pillow; raises BackendError with the mend without it, FileError for a bad
    file."""
    try:
        from PIL import Image
    except ImportError:
        raise BackendError(
            f"{path}: reading images needs Pillow: pip install 'xlite[images]', or pass a .npy"
        ) from None
    sample = type_.shape[1:]
    mode = {1: "L", 3: "RGB", 4: "RGBA"}.get(sample[-1]) if len(sample) == 3 else None
    if mode is None:
        raise InputError(f"{path}: the model's input {sample} is no image; pass a .npy file of this shape")
    try:
        with Image.open(path) as image:
            pixels = upright_of_eight_bits(image, path).convert(mode)
            resized = pixels.resize((sample[1], sample[0]), Image.Resampling.BILINEAR)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FileError(f"{path}: is no image that Pillow can read ({_first_line(error)})") from None
    return np.asarray(resized, np.uint8).reshape(sample)


def upright_of_eight_bits(picture: Any, what: str) -> Any:
    """A picture of Pillow's as it was seen, where a camera that was held otherwise says so (EXIF), and one of 16
    bits a sample with their upper 8: Pillow's own ``convert`` cuts all above 255 off. Raises FileError naming
    ``what`` for samples of 32 bits, whose range no file tells."""
    from PIL import Image, ImageOps

    # Pillow reads 16-bit PGM files, and older versions of it PNG files too, into its 32-bit mode I.
    sixteen = picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format in ("PNG", "PPM"))
    picture = ImageOps.exif_transpose(picture)
    if sixteen:
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode in ("I", "F"):
        kind = "floats" if picture.mode == "F" else "integers"
        raise FileError(f"{what}: its pixels are 32-bit {kind}, whose range is not known; save it with 8 bits")
    return picture


def read_outputs(model: Model, path: str) -> list[np.ndarray]:
    """Recorded outputs, samples first, one array for each output of ``model``: from a .npy for the only one, from
    a .npz by the outputs' names, or by shape where one array fits. Raises FileError or InputError."""
    file, key = _split_key(path)
    if not os.path.isfile(file):
        raise FileError(f"{file}: there is no such file")
    arrays = load_npz(file)
    if key and key not in arrays:
        raise FileError(f"{file}: has no array '{key}'; it has {_listed(arrays)}")
    found = []
    for index in model.outputs:
        name, shape = model.tensors[index].name, model.tensors[index].type.shape[1:]
        fitting = [k for k, array in arrays.items() if array.ndim and array.shape[1:] == shape]
        chosen = key or (name if name in arrays else fitting[0] if len(fitting) == 1 else "")
        if chosen not in arrays or arrays[chosen].shape[1:] != shape:
            raise InputError(
                f"{file}: has no array of shape (samples, {', '.join(map(str, shape))}) for output '{name}'"
            )
        found.append(arrays[chosen])
    return found


def random_inputs(model: Model, samples: int, seed: int = 0) -> list[np.ndarray]:
    """Samples for every input: raw bytes where the file says how to preprocess them, else floats of a standard
    normal distribution, bits of either sign, all bytes, integers from 0 to 99. Raises InputError where ``samples``
    is no whole number of 1 or more, or ``seed`` none of 0 or more."""
    for name, number, least in (("samples", samples, 1), ("seed", seed, 0)):
        if not isinstance(number, (int, np.integer)) or number < least:
            raise InputError(f"{name}={number!r}: give a whole number of {least} or more")
    random = np.random.default_rng(seed)
    arrays: list[np.ndarray] = []
    for index in model.inputs:
        type_ = model.tensors[index].type
        shape = (samples, *type_.shape[1:])
        if type_.dtype is DType.FLOAT32 and model.metadata.preprocessing is not None:
            arrays.append(random.integers(0, 256, shape).astype(np.uint8))
        elif type_.dtype is DType.FLOAT32:
            arrays.append(random.standard_normal(shape).astype(np.float32))
        elif type_.dtype is DType.BIT:
            arrays.append(np.where(random.random(shape) < 0.5, -1, 1).astype(np.int8))
        elif type_.dtype in (DType.UINT8, DType.INT8):
            low, high = RANGES[type_.dtype]
            arrays.append(random.integers(low, high + 1, shape).astype(type_.dtype.numpy))
        else:
            arrays.append(random.integers(0, 100, shape).astype(type_.dtype.numpy))
    return arrays


def load_npz(path: str) -> dict[str, np.ndarray]:
    """Every array of a .npz, never unpickling; a .npy gives one with the key ``""``. Raises FileError."""
    if path.lower().endswith(".npy"):
        return {"": _load(path)}
    try:
        _check_beginning(path)
        found: Any = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            raise FileError(f"{path}: is a .npy file under the name of a .npz; rename it")
        with found as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise FileError(f"{path}: is no .npz file of plain arrays ({_reason(error)})") from None


def _load(path: str) -> np.ndarray:
    try:
        _check_beginning(path)
        array: Any = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FileError(f"{path}: is no .npy file of plain numbers ({_reason(error)})") from None
    if not isinstance(array, np.ndarray):
        raise FileError(f"{path}: is a .npz file under the name of a .npy; rename it")
    return array


_BEGINNINGS = (b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06")  # of a .npy, of a .npz, of one without an array


def _check_beginning(path: str) -> None:
    """Raises ValueError for what numpy would take for a pickle, and advise to load as one: any other file."""
    with open(path, "rb") as file:
        beginning = file.read(6)
    if not beginning.startswith(_BEGINNINGS):
        raise ValueError("it does not begin as one" if beginning else "it is empty")


def _reason(error: BaseException) -> str:
    line = _first_line(error)
    return "it holds Python objects" if "allow_pickle" in line else line


def _from_npz(file: str, key: str, type_: TensorType, name: str, only: bool) -> np.ndarray:
    arrays = load_npz(file)
    key = key or (name if name in arrays else "")
    if key:
        if key not in arrays:
            raise FileError(f"{file}: has no array '{key}'; it has {_listed(arrays)}")
        return arrays[key]
    fitting = [key for key, array in arrays.items() if _fits(array, type_)]
    if only and len(fitting) == 1:
        return arrays[fitting[0]]
    raise InputError(
        f"{file}: {'several arrays fit' if fitting else 'no array fits'} input '{name}' {type_.shape[1:]}; "
        f"it has {_listed(arrays)}: pick one with {file}:KEY"
    )


def _fits(array: np.ndarray, type_: TensorType) -> bool:
    if array.dtype.kind not in "fiub":
        return False
    try:
        as_batch(array, type_, "")
    except InputError:
        return False
    return True


def _joined(batches: list[np.ndarray], name: str) -> np.ndarray:
    """One batch. Raw uint8 and floats must not mix: only the first go through the preprocessing."""
    if len({batch.dtype for batch in batches}) > 1:
        dtypes = ", ".join(sorted({str(batch.dtype) for batch in batches}))
        raise InputError(
            f"the files for input '{name}' hold different types ({dtypes}); run them one type at a time"
        )
    return np.concatenate(batches)


def _assigned(given: Sequence[str], names: Sequence[str]) -> dict[str, list[str]]:
    """Which files belong to which input."""
    if len(names) == 1:
        only = names[0]
        return {only: [item[len(only) + 1 :] if item.startswith(f"{only}=") else item for item in given]}
    if len(given) == 1 and given[0].lower().endswith(".npz") and "=" not in given[0]:
        return {name: [given[0]] for name in names}
    listed = " ".join(f"{name}=FILE" for name in names)
    by_name: dict[str, list[str]] = {name: [] for name in names}
    for item in given:
        name, sign, path = item.partition("=")
        if not sign or name not in by_name:
            raise InputError(f"{item}: the model has {len(names)} inputs; say which file is for which: {listed}")
        by_name[name].append(path)
    for name, paths in by_name.items():
        if not paths:
            raise InputError(f"the model also needs input '{name}': {listed}")
    return by_name


def _split_key(path: str) -> tuple[str, str]:
    """``arrays.npz:key`` -> both; a key of "" where there is none."""
    file, sign, key = path.rpartition(":")
    if sign and file.lower().endswith(".npz") and not os.path.exists(path):
        return file, key
    return path, ""


def _listed(arrays: dict[str, np.ndarray]) -> str:
    return ", ".join(f"{key} {array.dtype}{list(array.shape)}" for key, array in arrays.items()) or "none"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
