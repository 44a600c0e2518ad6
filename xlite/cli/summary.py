"""``xlite summary``: what a Keras model will be once it is packed, without a file being written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Optional

import click

from xlite.cli import files, ui
from xlite.cli.options import TARGETS

if TYPE_CHECKING:
    from xlite.summaries import LayerSummary, Summary

EXAMPLES = """\b
Examples:
  xlite summary model.h5
  xlite summary model.keras --target pi-zero
  xlite summary model.keras --json | jq '.bits'
"""


@click.command(epilog=EXAMPLES, short_help="Show what a Keras model will be once it is packed.")
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--target", metavar="NAME", help=f"Also say whether the model fits this device: {TARGETS}.")
def command(model: str, as_json: bool, target: Optional[str]) -> None:
    """Shows what the Keras model MODEL (.h5 or .keras) will be as a .xlite file: for each layer its precision,
    parameters by their width in bits, multiply-accumulates by precision and bytes; then the file's size and the
    peak of the arena. The model is converted to memory, and the figures are read off the result."""
    from xlite.summaries import summary

    found = summary(files.need_keras(model), verbose=False, target=target)
    if as_json:
        ui.print_json(found.to_dict())
        return
    ui.show(renderables(found))


def renderables(found: Summary) -> Iterator[Any]:
    """The table of layers and the totals."""
    widths, precisions = sorted(found.bits), sorted(found.macs)
    columns = (
        "layer",
        "class",
        "input x weights",
        "parameters>",
        *(f"of {width} bit>" for width in widths),
        *(f"MACs {precision}>" for precision in precisions),
        "as float32>",
        "packed>",
    )
    rows = [_cells(layer, widths, precisions) for layer in found.layers]
    foot = (
        "total",
        "",
        "",
        ui.count(found.parameters),
        *(ui.count(found.bits[width]) for width in widths),
        *(ui.count(found.macs[precision]) for precision in precisions),
        ui.count(found.float_bytes),
        ui.count(sum(layer.bytes for layer in found.layers)),
    )
    yield ui.table(found.name, columns, rows, foot, optional=("class", "as float32>", "parameters>"))
    yield ui.figures(_totals(found))


def _cells(layer: LayerSummary, widths: list[int], precisions: list[str]) -> tuple[str, ...]:
    def shown(number: int) -> str:
        return ui.count(number) if number else ""

    return (
        layer.name,
        layer.class_name,
        "in the layer before" if layer.status == "fused" else layer.precision,
        shown(layer.parameters),
        *(shown(layer.bits.get(width, 0)) for width in widths),
        *(shown(layer.macs.get(precision, 0)) for precision in precisions),
        shown(layer.float_bytes),
        ui.count(layer.bytes) if layer.parameters or layer.bytes else "",
    )


def _totals(found: Summary) -> Iterator[tuple[str, str]]:
    smaller = ui.ratio(found.float_bytes, found.file_bytes)
    yield ".xlite file", f"{ui.size(found.file_bytes)}, the weights as float32 are {smaller} as large"
    yield "peak of the arena", f"{ui.size(found.arena_bytes)} for one sample"
    if found.target is not None:
        yield "target", ui.target_line(found.target)
