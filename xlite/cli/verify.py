"""``xlite verify``: the packed file against Keras, tensor by tensor, or against recorded outputs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Optional

import click

from xlite.cli import files, ui
from xlite.cli.options import SEED, FiniteFloat
from xlite.schema.errors import FileError, InputError

if TYPE_CHECKING:
    import numpy as np

    from xlite.schema.types import Model
    from xlite.verification import TensorCheck, Verification

MAX_ROWS = 10  # of the list of samples that differ

EXAMPLES = """\b
Examples:
  xlite verify model.h5 model.xlite
  xlite verify model.keras model.xlite --data samples.npz:images --json
  xlite verify model.xlite --data samples.npz --expected recorded.npz
"""


@click.command(epilog=EXAMPLES, short_help="Compare a .xlite file with the Keras model it was made from.")
@click.argument("paths", nargs=-1, required=True, metavar="[MODEL] FILE")
@click.option("--data", metavar="FILE", multiple=True, help="Samples: .npy, .npz or images. Default: random ones.")
@click.option(
    "--samples", type=click.IntRange(min=1), help="How many samples; default: 16 random ones, or all of --data."
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the random samples.")
@click.option("--backend", metavar="NAME", help="c, numba or numpy; default: the fastest that is there.")
@click.option(
    "--tolerance",
    type=FiniteFloat(min=0),
    default=1e-5,
    show_default=True,
    help="Largest relative difference of a float.",
)
@click.option(
    "--expected", metavar="FILE", help="Recorded outputs (.npy or .npz): compare with these, without Keras."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    paths: tuple[str, ...],
    data: tuple[str, ...],
    samples: Optional[int],
    seed: int,
    backend: Optional[str],
    tolerance: float,
    expected: Optional[str],
    as_json: bool,
) -> None:
    """Runs the Keras file MODEL and the .xlite file FILE on the same samples and compares every tensor that both
    have, in running order. Needs Keras, unless --expected gives the outputs to compare with.

    A float may differ by --tolerance, relative to the largest value of its sample. Bits must be equal; those that
    differ where Keras's value is within float32 rounding of zero are counted apart. Exits with 1 if a tensor
    differs."""
    from xlite.schema import load_model

    wanted = 1 if expected is not None else 2
    if len(paths) not in (wanted, 2):
        raise click.UsageError("give MODEL (.h5 or .keras) and FILE (.xlite); FILE alone only with --expected")
    if expected is not None and not data:
        raise click.UsageError("--expected needs --data: the samples that the recorded outputs are of")
    if len(paths) == 2:
        _check_order(*paths)
    model = load_model(files.need_xlite(paths[-1]))
    inputs = _read(model, data, samples, seed)
    if expected is not None:
        recorded = _recorded(model, expected, len(inputs[0]), cut=samples is not None)
        result = _against_recorded(model, inputs, recorded, backend, tolerance)
    else:
        result = _against_keras(files.need_keras(paths[0]), model, inputs, backend, tolerance)
    if as_json:
        ui.print_json(result.to_dict())
    else:
        ui.show(renderables(result))
    if not result.ok:
        ctx.exit(1)


def _check_order(first: str, second: str) -> None:
    if files.kind_of(first) == files.XLITE and files.kind_of(second) in (files.HDF5, files.ZIP):
        raise FileError(f"the Keras model comes first, the .xlite file second: xlite verify {second} {first}")


def _read(model: Model, data: Sequence[str], samples: Optional[int], seed: int) -> list[np.ndarray]:
    from xlite.inputs import random_inputs, read_inputs

    if not data:
        return random_inputs(model, samples or 16, seed)
    files.check_names(model, data)
    return [array[:samples] for array in read_inputs(model, data)]


def _against_keras(
    path: str, model: Model, inputs: list[np.ndarray], backend: Optional[str], tolerance: float
) -> Verification:
    from xlite.verification import verify
    from xlite.verification.keras_source import load

    with ui.waiting("loading Keras ..."):
        live = load(path)
    result = verify(
        live,
        model,
        inputs,
        backend=backend,
        tolerance=tolerance,
        chunks=lambda starts: ui.track(starts, "comparing"),
    )
    digest = files.sha256(path)
    if model.metadata.source_sha256 and digest != model.metadata.source_sha256:
        made_from = model.metadata.source_name or "another file"
        result.notes.append(
            f"the .xlite file was not made from this {os.path.basename(path)} but from another {made_from}"
        )
    return result


def _recorded(model: Model, path: str, count: int, cut: bool) -> list[np.ndarray]:
    """The outputs of ``count`` samples. ``cut``: whether there may be more, of which the first ones count."""
    from xlite.inputs import read_outputs

    expected = read_outputs(model, path)
    for array in expected:
        if len(array) < count or (len(array) > count and not cut):
            raise InputError(
                f"{path}: has outputs for {len(array)} samples, there are {count}; to compare only the first "
                f"ones of both: --samples {min(count, len(array))}"
            )
    return [array[:count] for array in expected]


def _against_recorded(
    model: Model,
    inputs: list[np.ndarray],
    expected: list[np.ndarray],
    backend: Optional[str],
    tolerance: float,
) -> Verification:
    from xlite.verification import verify_outputs

    return verify_outputs(
        model,
        inputs,
        expected,
        backend=backend,
        tolerance=tolerance,
        chunks=lambda starts: ui.track(starts, "comparing"),
    )


def renderables(result: Verification) -> Iterator[Any]:
    """The tensors, the outputs, and the sentence that matters."""
    if result.tensors:
        yield ui.table(
            f"{result.samples} samples, backend {result.backend}; each op on Keras's own input",
            ("tensor", "kernel", "type", "elements>", "largest difference>", "bits>", "near zero>", ""),
            [_tensor_row(check) for check in result.tensors],
            optional=("kernel", "elements>", "type"),
        )
    if result.unmatched:
        yield f"in Keras only (folded into other ops): {', '.join(result.unmatched)}\n"
    yield _outputs(result)
    yield from _samples(result)
    for note in result.notes:
        yield f"note: {note}"
    yield _verdict(result)


def _tensor_row(check: TensorCheck) -> list[Any]:
    from rich.text import Text

    bits = check.dtype == "bit"
    verdict = Text("differs", style="bold red") if check.diverges else Text("equal", style="green")
    return [
        check.name,
        check.kernel,
        check.dtype,
        ui.count(check.elements),
        "" if bits else f"{check.difference:.1e}",
        ui.count(check.bits) if bits else "",
        ui.count(check.near_zero) if bits else "",
        verdict,
    ]


def _outputs(result: Verification) -> Any:
    rows = [
        (
            check.name,
            f"{check.argmax_equal} of {check.samples}",
            f"{check.absolute:.1e}",
            f"{check.relative:.1e}",
            f"{len(check.beyond)} of {check.samples}",
        )
        for check in result.outputs
    ]
    beyond = f"beyond {result.tolerance:g}>"
    columns = ("output", "same argmax>", "largest difference>", "relative>", beyond)
    return ui.table("Outputs, end to end", columns, rows)


def _samples(result: Verification) -> Iterator[str]:
    """Where samples that differ at the end left Keras's path."""
    for flip in result.flips[:MAX_ROWS]:
        place = ", ".join(map(str, flip.index))
        values = f"{flip.expected:.3g}" + ("" if flip.actual is None else f", xlite's {flip.actual:.3g}")
        crossed = flip.actual is None or (flip.actual < 0) != (flip.expected < 0)
        what = "sign" if crossed else "level"
        yield (
            f"sample {flip.sample}: its {what} at {flip.tensor}[{place}] is another one; "
            f"Keras's value before it is {values}, {flip.relative:.1e} of the largest of its channel"
        )
    if len(result.flips) > MAX_ROWS:
        yield f"and {len(result.flips) - MAX_ROWS} more samples (--json lists all)"


def _verdict(result: Verification) -> Any:
    from rich.text import Text

    first = result.first_diverging
    if first is not None and first.worst is not None:
        place = ", ".join(map(str, first.worst.index))
        return Text(
            f"first difference: {ui.printable(first.name)}[{place}] is {first.worst.actual:.7g}, Keras has "
            f"{first.worst.expected:.7g}; likely cause: {first.cause}",
            style="bold red",
        )
    if result.unexplained:
        listed = ", ".join(map(str, result.unexplained[:MAX_ROWS])) + (
            ", ..." if len(result.unexplained) > MAX_ROWS else ""
        )
        return Text(f"{len(result.unexplained)} samples differ beyond the tolerance: {listed}", style="bold red")
    apart = f", {result.near_zero} signs near zero apart" if result.near_zero else ""
    compared = "every tensor that both have" if result.tensors else "every output"
    return Text(f"equal: {compared}{apart}", style="bold green")
