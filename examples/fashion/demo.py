"""The whole journey without TensorFlow: converts the trained network, runs the packed file on 1,000 real images
and holds it against the outputs that Keras gave for them.

    python examples/fashion/demo.py [--images N]

It reads model.h5, images.npz and golden.npz beside it (record.py says what is in them) and writes
build/demo/fashion.xlite.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import xlite
from xlite.benchmarking import benchmark, describe_machine
from xlite.cli import report, ui
from xlite.inputs import load_npz, prepare
from xlite.interpreter.backends import BACKENDS, available_backends, unavailable_reason
from xlite.schema.errors import Error, FileError
from xlite.schema.types import Preprocessing

FOLDER = Path(__file__).resolve().parent
OUT = FOLDER.parent.parent / "build" / "demo" / "fashion.xlite"
CHUNK = 50  # images a call
CLOSE = 1e-4  # an output that is further off comes from a sign that fell the other way


@dataclass(frozen=True)
class Samples:
    """``images`` uint8 [n, 28, 28, 1], ``labels`` uint8 [n], ``names`` of the classes, ``outputs`` float32 [n,
    10]: what Keras gave for ``images``; ``model_sha256`` the digest of the file that it had loaded."""

    images: np.ndarray
    labels: np.ndarray
    names: list[str]
    outputs: np.ndarray
    model_sha256: str
    made_with: str


@dataclass(frozen=True)
class Result:
    """One backend on all samples. ``far``: numbers of the samples with an output more than CLOSE off."""

    backend: str
    accuracy: float
    same_argmax: int
    difference: float
    far: list[int]
    milliseconds: float


def load(folder: Path, count: int) -> Samples:
    images, golden = load_npz(str(folder / "images.npz")), load_npz(str(folder / "golden.npz"))
    return Samples(
        images["images"][:count, ..., np.newaxis],
        images["labels"][:count],
        [str(name) for name in images["class_names"]],
        golden["outputs"][:count],
        str(golden["model_sha256"]),
        str(golden["made_with"]),
    )


def evaluate(path: Path, backend: str, samples: Samples, milliseconds: float) -> Result:
    """Runs every image as raw bytes; the file's preprocessing makes them floats."""
    interpreter = xlite.Interpreter(path, backend=backend)
    starts = range(0, len(samples.images), CHUNK)
    found = [
        interpreter(samples.images[start : start + CHUNK]) for start in ui.track(starts, f"running on {backend}")
    ]
    outputs = np.concatenate(found)
    difference = np.abs(outputs - samples.outputs).max(axis=1)
    predicted = outputs.argmax(axis=1)
    return Result(
        backend,
        accuracy=float((predicted == samples.labels).mean()),
        same_argmax=int((predicted == samples.outputs.argmax(axis=1)).sum()),
        difference=float(difference.max()),
        far=[int(i) for i in np.flatnonzero(difference > CLOSE)],
        milliseconds=milliseconds,
    )


def time_backends(path: Path, backends: list[str]) -> dict[str, float]:
    """Median milliseconds of one image, all backends side by side in one run."""
    from xlite.schema import load_model

    found = benchmark(load_model(path), backends, repeats=100, warmup=10)
    return {times.backend: times.invoke.median_ms for times in found.backends}


def near_zero_flips(model: Path, path: Path, samples: Samples, result: Result) -> list[str]:
    """For each sample that is far off, the first sign that fell another way than in the float program."""
    from xlite.schema import load_model
    from xlite.verification import compare
    from xlite.verification.lowered_source import lowered_source

    if not result.far:
        return []
    packed = load_model(path)
    inputs = prepare(packed, [samples.images[result.far]])
    resolver = xlite.Resolver(result.backend)
    found = compare(packed, inputs, lowered_source(model), resolver=resolver, tolerance=CLOSE)
    lines = {
        flip.sample: f"{flip.tensor}{list(flip.index)} fell the other way, {flip.expected:.2g} is near zero"
        for flip in found.flips
    }
    unknown = "no sign differs from the float program; TensorFlow's own rounding decided one"
    return [f"{result.backend}, image {number}: {lines.get(i, unknown)}" for i, number in enumerate(result.far)]


def table(results: list[Result], samples: Samples) -> Any:
    count = len(samples.images)
    rows = [
        (
            result.backend,
            f"{100 * result.accuracy:.2f} %",
            f"{result.same_argmax} of {count}",
            f"{result.difference:.1e}",
            len(result.far),
            f"{result.milliseconds:.3f}",
        )
        for result in results
    ]
    beyond = f"beyond {CLOSE:g}>"
    columns = ("backend", "test accuracy>", "same argmax>", "max difference>", beyond, "ms an image>")
    title = f"{count} test images against {samples.made_with}"
    return ui.table(title, columns, rows, optional=[beyond])


def shown(path: Path) -> str:
    """The path from where the user stands, if it lies there."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Convert the demo network, run it, compare it with Keras's outputs."
    )
    parser.add_argument("--images", type=int, default=1000, help="how many of the 1,000 images to run")
    parser.add_argument("--out", type=Path, default=OUT, help="where to write the .xlite file")
    arguments = parser.parse_args()
    start = time.perf_counter()
    model = FOLDER / "model.h5"
    samples = load(FOLDER, arguments.images)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    converted = xlite.convert(model, arguments.out, labels=samples.names, preprocessing=Preprocessing(1 / 255))
    if converted.model.metadata.source_sha256 != samples.model_sha256:
        raise FileError("golden.npz was recorded from another model.h5: run examples/fashion/record.py")
    ui.show([*report.renderables(converted.report, model.stat().st_size), ""])

    backends = available_backends()
    times = time_backends(arguments.out, backends)
    results = [evaluate(arguments.out, backend, samples, times[backend]) for backend in backends]
    ui.show([table(results, samples)])
    ui.show(f"backend {name}: {unavailable_reason(name)}" for name in BACKENDS if name not in backends)
    for result in results:
        ui.show(near_zero_flips(model, arguments.out, samples, result))
    machine = describe_machine()
    versions = f"Python {machine['python']}, numpy {machine['numpy']}"
    took = f"{time.perf_counter() - start:.1f} s; the packed network is {shown(arguments.out)}"
    ui.show([f"{machine['processor']}, {machine['cores']} cores; {versions}", took])
    if any(result.same_argmax < len(samples.images) for result in results):
        sys.exit("a packed network predicts another class than Keras did")


if __name__ == "__main__":
    try:
        main()
    except Error as error:
        sys.exit(f"demo: {error}")
