"""``xlite convert``: a Keras file in, a .xlite file and its report out."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Callable, Optional

import click

from xlite.cli import files, ui
from xlite.cli.options import FLOAT32, TARGETS
from xlite.schema.errors import ConversionError, FileError
from xlite.schema.types import Preprocessing

if TYPE_CHECKING:
    from xlite.converter import ConversionResult
    from xlite.converter.graph import Graph

EXAMPLES = """\b
Examples:
  xlite convert model.h5
  xlite convert model.keras -o small.xlite --target pi-zero --strict
  xlite convert model.h5 --labels cat,dog --scale 0.00392156862745098
  xlite convert model.h5 --report model.html
  xlite convert model.h5 --input-dtype uint8 --input-range 0,1
  xlite convert model.h5 --json | jq .file_bytes
"""


@click.command(epilog=EXAMPLES, short_help="Pack a Keras .h5 or .keras file into a .xlite file.")
@click.argument("model")
@click.option("-o", "--out", metavar="FILE", help="Where to write; default: MODEL with the suffix .xlite.")
@click.option("--target", metavar="NAME", help=f"Say whether it fits this device: {TARGETS}.")
@click.option("--strict", is_flag=True, help="Fail, and write nothing, if a layer marked as binary does not pack.")
@click.option(
    "--labels", metavar="FILE|A,B,C", help="Names of the classes: a text file with one a line, or a list."
)
@click.option("--scale", type=FLOAT32, help="Raw input times this, plus --offset: preprocessing.")
@click.option("--offset", type=FLOAT32, help="This is added to the scaled raw input.")
@click.option(
    "--input-dtype", type=click.Choice(["uint8", "int8"]), help="Take integers instead of floats as input."
)
@click.option("--input-range", metavar="LOW,HIGH", help="What the smallest and largest input integer stand for.")
@click.option(
    "--quantize",
    type=click.Choice(["int8", "int8-stem"]),
    help="Round the weights of float layers to int8; int8-stem: of those that read the input of integers.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--report", "page", metavar="FILE.html", help="Write the report as one self-contained page.")
@click.option("--dump-passes", metavar="DIR", help="Write the graph as text after lowering and after each pass.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing unless something is wrong.")
def command(
    model: str,
    out: Optional[str],
    target: Optional[str],
    strict: bool,
    labels: Optional[str],
    scale: Optional[float],
    offset: Optional[float],
    input_dtype: Optional[str],
    input_range: Optional[str],
    quantize: Optional[str],
    as_json: bool,
    page: Optional[str],
    dump_passes: Optional[str],
    quiet: bool,
) -> None:
    """Packs the Keras file MODEL (.h5 or .keras) into a .xlite file and says what became of every layer.

    Neither TensorFlow nor Keras is needed.
    """
    from xlite.converter import convert
    from xlite.interpreter.targets import get_target

    files.need_keras(model)
    if target is not None:
        get_target(target)  # an unknown name is refused before any work is done
    if out is None:
        out = _default_out(model)
    _check_outputs(model, out, page, labels)
    names = read_labels(labels) if labels is not None else None
    trace = None if dump_passes is None else _tracer(dump_passes)
    result = convert(
        model,
        target=target,
        strict=strict,
        labels=names,
        input_dtype=input_dtype,
        input_range=_range(input_range),
        quantize=quantize,
        preprocessing=_preprocessing(scale, offset),
        trace=trace,
    )
    if names is not None:
        _check_labels(names, result)
    result.save(out)
    if page is not None:
        _write_page(page, result)
    if as_json:
        _print_json(result, model)
    elif not quiet:
        _print(result, model)


def read_labels(text: str) -> list[str]:
    """Class names from a text file (one a line, blank lines left out) or from ``a,b,c``. Raises FileError."""
    if not text:
        raise FileError("--labels is empty; give a file with one name a line, or a,b,c")
    if not os.path.isfile(text):
        if "," not in text:
            raise FileError(f"--labels {text}: there is no such file; give a file with one name a line, or a,b,c")
        names = [name.strip() for name in text.split(",")]
        if "" in names:
            raise FileError(f"--labels {text}: name {names.index('') + 1} is empty; give a name between commas")
        return names
    try:
        with open(text, encoding="utf-8") as file:
            return [line.strip() for line in file if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"--labels {text}: cannot be read as text: {error}") from None


def _default_out(model: str) -> str:
    folder = os.path.dirname(os.path.abspath(model))
    if folder == "/dev" or folder.startswith(("/dev/fd", "/proc/")):
        raise FileError(f"{model}: is no name to make another one of; say where to write with -o FILE.xlite")
    root, suffix = os.path.splitext(model)
    return (root if suffix.lower() in (".h5", ".hdf5", ".keras") else model) + ".xlite"


def _check_outputs(model: str, out: str, page: Optional[str], labels: Optional[str]) -> None:
    """Raises FileError where the file or the page would take the place of what is read, or of one another."""
    kept = {model: "the model itself"}
    if labels is not None and os.path.isfile(labels):
        kept[labels] = "the file of --labels"
    files.check_output("-o", out, kept)
    if page is not None:
        files.check_output("--report", page, {**kept, out: "the .xlite file"})


def _range(text: Optional[str]) -> Optional[tuple[float, float]]:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise ConversionError(f"--input-range {text}: give two numbers, as in 0,1 or -1,1") from None
    return low, high


def _preprocessing(scale: Optional[float], offset: Optional[float]) -> Optional[Preprocessing]:
    if scale is None and offset is None:
        return None
    return Preprocessing(1.0 if scale is None else scale, 0.0 if offset is None else offset)


def _check_labels(names: list[str], result: ConversionResult) -> None:
    model = result.model
    output = model.tensors[model.outputs[0]]
    if len(names) != output.type.shape[-1]:
        raise ConversionError(
            f"--labels gives {len(names)} names, but output '{output.name}' has {output.type.shape[-1]} values; "
            "give one name for each, in their order"
        )


def _tracer(folder: str) -> Callable[[str, Graph], None]:
    """Writes each graph to ``folder`` as ``00-lowering.txt``, ``01-<pass>.txt`` and so on."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise FileError(f"--dump-passes {folder}: {error.strerror}") from None
    written = 0

    def trace(name: str, graph: Graph) -> None:
        nonlocal written
        path = os.path.join(folder, f"{written:02d}-{name}.txt")
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(graph.text() + "\n")
        except OSError as error:
            raise FileError(f"{path}: {error.strerror}") from None
        written += 1

    return trace


def _write_page(path: str, result: ConversionResult) -> None:
    from xlite.converter.html_report import html_report
    from xlite.schema.files import write_file

    write_file(path, html_report(result.report, result.model).encode())


def _print_json(result: ConversionResult, model: str) -> None:
    found = asdict(result.report)
    ui.print_json({**found, "source_bytes": os.path.getsize(model), "path": result.path})


def _print(result: ConversionResult, model: str) -> None:
    from xlite.cli import report

    ui.show(report.renderables(result.report, os.path.getsize(model)))
    ui.show([f"\nwritten: {result.path}"])
