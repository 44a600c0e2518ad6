"""``xlite run``: samples in, the most likely labels or an array out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Optional

import click

from xlite.cli import files, ui
from xlite.schema.errors import FileError, InputError

if TYPE_CHECKING:
    import numpy as np

    from xlite.interpreter import Interpreter

CHUNK = 64  # samples a call: the progress bar moves by it
MAX_ROWS = 20  # samples that the table shows

EXAMPLES = """\b
Examples:
  xlite run model.xlite photo.jpg
  xlite run model.xlite a.png b.png c.png --top-k 3
  xlite run model.xlite samples.npz:images -o scores.npy
  xlite run two.xlite left=left.npy right=right.npy
"""


@click.command(epilog=EXAMPLES, short_help="Run a .xlite file on images or .npy files.")
@click.argument("file")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--top-k", type=click.IntRange(min=1), default=5, show_default=True, help="Labels to show a sample.")
@click.option("-o", "--out", metavar="FILE", help="Save the outputs instead: one as .npy, any number as .npz.")
@click.option("--backend", metavar="NAME", help="c, numba or numpy; default: the fastest that is there.")
@click.option(
    "--threads", type=click.IntRange(min=1), default=1, show_default=True, help="For kernels that use several."
)
def command(
    file: str, inputs: tuple[str, ...], top_k: int, out: Optional[str], backend: Optional[str], threads: int
) -> None:
    """Runs the .xlite file FILE on each INPUT: .npy, .npz or an image.

    Images are resized to the model's input. Images and uint8 arrays go through the preprocessing that the file
    states (see xlite convert --scale); other arrays are the model's input as it is. A stack of samples is a batch.
    """
    from xlite.inputs import read_inputs
    from xlite.interpreter import Interpreter

    if out is not None:
        kept = dict.fromkeys(files.mentioned(inputs), "an input")
        files.check_output("-o", out, {file: "the model itself", **kept})
    interpreter = Interpreter(files.need_xlite(file), backend=backend, num_threads=threads)
    names = [interpreter.model.tensors[t].name for t in interpreter.model.outputs]
    if out is not None:
        _check_suffix(out, names)
    if backend is None:
        _note_backend(interpreter)
    files.check_names(interpreter.model, inputs)
    batches = read_inputs(interpreter.model, inputs)
    if not len(batches[0]):
        raise InputError(f"{', '.join(inputs)}: there are no samples in it; give one or more")
    _note_raw_bytes(interpreter, inputs)
    outputs = run_in_chunks(interpreter, batches)
    if out is not None:
        _save(out, names, outputs)
        return
    for name, output in zip(names, outputs):
        titles = _titles(inputs, len(output))
        ui.show([_picture(name, output, interpreter.metadata.labels, top_k, titles)])
        if len(output) > MAX_ROWS:
            ui.show([f"{len(output) - MAX_ROWS} more samples are not shown; -o FILE.npy saves all"])


def _note_backend(interpreter: Interpreter) -> None:
    """Without the C library a run takes many times as long, and nothing else would say why."""
    from xlite.interpreter.backends import BACKENDS, unavailable_reason

    used, best = interpreter.backend, BACKENDS[0]
    if used != best:
        click.echo(f"xlite: note: the backend is {used}, not {best}: {unavailable_reason(best)}", err=True)


def _note_raw_bytes(interpreter: Interpreter, inputs: Sequence[str]) -> None:
    """Images without preprocessing are seldom what somebody wants, and nothing else would say so."""
    from xlite.inputs import is_image

    if interpreter.metadata.preprocessing is None and any(is_image(path) for path in inputs):
        click.echo(
            "xlite: note: the file states no preprocessing, so bytes go in as 0 to 255; convert it with --scale, "
            "for example 0.00392156862745098 for 0 to 1",
            err=True,
        )


def run_in_chunks(interpreter: Interpreter, batches: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The outputs, each with all samples. Runs :data:`CHUNK` samples at a time."""
    import numpy as np

    count = len(batches[0])
    parts: list[list[np.ndarray]] = []
    for start in ui.track(range(0, count, CHUNK), "running"):
        found = interpreter(*(batch[start : start + CHUNK] for batch in batches))
        parts.append(found if isinstance(found, list) else [found])
    return [np.concatenate(list(column)) for column in zip(*parts)]


def _check_suffix(out: str, names: Sequence[str]) -> None:
    """Raises FileError where the file's name does not say what it can hold."""
    suffix = os.path.splitext(out)[1].lower()
    if suffix not in (".npy", ".npz"):
        raise FileError(f"-o {out}: give a name that ends in .npy, for one output, or in .npz, for any number")
    listed = ", ".join(names)
    if suffix == ".npy" and len(names) > 1:
        raise FileError(f"-o {out}: a .npy holds one output, the model has {len(names)} ({listed}); give a .npz")
    if len(set(names)) < len(names):
        raise FileError(
            f"-o {out}: a .npz holds each output by its name, and two have the same ({listed}); take them from "
            "xlite.Interpreter, by number"
        )


def _save(out: str, names: Sequence[str], outputs: Sequence[np.ndarray]) -> None:
    """By the file's suffix: the only output as .npy, or all by name as .npz; whole or not at all."""
    import io
    import zipfile

    import numpy as np

    from xlite.schema.files import write_file

    buffer = io.BytesIO()
    if out.lower().endswith(".npy"):
        np.save(buffer, outputs[0])
    else:
        with zipfile.ZipFile(buffer, "w") as archive:  # numpy.savez takes some names for parameters of its own
            for name, output in zip(names, outputs):
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, output, allow_pickle=False)
    write_file(out, buffer.getvalue())
    shapes = ", ".join(f"{name} {output.dtype}{list(output.shape)}" for name, output in zip(names, outputs))
    click.echo(f"written: {out} ({shapes})")


def _titles(inputs: Sequence[str], samples: int) -> list[str]:
    """What the rows are called: the files where there is one a sample, else numbers."""
    return (
        [os.path.basename(path) for path in inputs] if len(inputs) == samples else [str(i) for i in range(samples)]
    )


def _picture(name: str, output: np.ndarray, labels: Sequence[str], top_k: int, titles: Sequence[str]) -> Any:
    if output.ndim != 2:
        return f"{name}: {output.dtype}{list(output.shape)}, no list of scores; save it with -o FILE.npz"
    if len(output) == 1:
        shares = bool(output.min() >= 0 and output.max() <= 1)
        best = _best(output[0], labels, top_k)
        bars = [(label, _score(score), ui.bar(score, 1.0) if shares else "") for label, score in best]
        return ui.table(titles[0], ("label", "score>", ""), bars)
    rows = [
        [title, *(f"{label} {_score(score)}" for label, score in _best(scores, labels, top_k))]
        for title, scores in zip(titles[:MAX_ROWS], output)
    ]
    columns = ("sample", *(f"{place + 1}." for place in range(min(top_k, output.shape[1]))))
    return ui.table("", columns, rows)


def _best(scores: np.ndarray, labels: Sequence[str], top_k: int) -> Iterator[tuple[str, float]]:
    """(label, score) of the largest scores; equal ones in the order of the classes."""
    import numpy as np

    for index in np.argsort(-scores.astype(np.float64), kind="stable")[:top_k]:
        yield labels[index] if index < len(labels) else str(index), float(scores[index])


def _score(score: float) -> str:
    return f"{score:.4f}"
