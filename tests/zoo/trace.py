"""Why an image's output is not TensorFlow's: ``xlite verify``'s comparison, on what TensorFlow recorded."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from tests.zoo import environment, networks
from xlite.schema import load_model
from xlite.verification import Reference, Verification, compare

AT_ONCE = 8  # images whose every layer is on the disk and in memory: up to 100 MB each


def trace(name: str, packed: Path, images: np.ndarray, numbers: Sequence[int]) -> Iterator[Verification]:
    """Compares images ``numbers`` of a network, some at a time; samples in the results are these numbers."""
    model = load_model(packed)
    for start in range(0, len(numbers), AT_ONCE):
        part = list(numbers[start : start + AT_ONCE])
        with tempfile.TemporaryDirectory(dir=networks.FOLDER) as folder:
            record(name, Path(folder), part)
            reference = read(Path(folder), part)
        found = compare(model, [images[part]], partial(_given, reference))
        found.flips = [replace(flip, sample=part[flip.sample]) for flip in found.flips]
        found.unexplained = [part[sample] for sample in found.unexplained]
        yield found


def record(name: str, folder: Path, numbers: Sequence[int]) -> None:
    """TensorFlow's every tensor of these images, one file each."""
    script = Path(__file__).with_name("layers.py")
    command = [str(environment.python()), "-W", "ignore", str(script), name, str(folder), *map(str, numbers)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def read(folder: Path, numbers: Sequence[int]) -> Reference:
    tensors: dict[str, list[np.ndarray]] = {}
    for number in numbers:
        with np.load(folder / f"{number}.npz") as stored:
            for label in stored.files:
                tensors.setdefault(label, []).append(stored[label])
    joined = {label: np.stack(arrays) for label, arrays in tensors.items() if not label.startswith("terms/")}
    found = {label[len("terms/") :]: arrays for label, arrays in tensors.items() if label.startswith("terms/")}
    terms = {label: np.max(arrays, axis=0) for label, arrays in found.items()}
    return Reference(joined, [joined.pop("outputs/")], terms)


def _given(reference: Reference, _: Sequence[np.ndarray]) -> Reference:
    return reference
