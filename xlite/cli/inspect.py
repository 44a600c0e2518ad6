"""``xlite inspect``: what a .xlite file holds, without running it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Optional

import click

from xlite.cli import files, ui
from xlite.cli.options import TARGETS

if TYPE_CHECKING:
    from xlite.converter.targeting import Latency, OnTarget
    from xlite.inspection import Inspection

EXAMPLES = """\b
Examples:
  xlite inspect model.xlite
  xlite inspect model.xlite --target pi-zero
  xlite inspect model.xlite --target cortex-m4
  xlite inspect model.xlite --json | jq '.macs'
"""


@click.command(epilog=EXAMPLES, short_help="Show the layers, bytes, MACs and arena of a .xlite file.")
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, tensors included.")
@click.option(
    "--target",
    metavar="NAME",
    help=f"Also show what the model takes on this device and an estimate of how long a run takes: {TARGETS}.",
)
def command(file: str, as_json: bool, target: Optional[str]) -> None:
    """Shows what the .xlite file FILE holds: ops with the kernel that each gets on this machine, tensors, the
    multiply-accumulates by precision, metadata, and how full the arena is while each op runs."""
    from xlite.inspection import inspect
    from xlite.interpreter import Resolver, get_target
    from xlite.schema import load_model

    profile = None if target is None else get_target(target)
    model = load_model(files.need_xlite(file))
    found = inspect(model, os.path.getsize(file), Resolver(), profile)
    if as_json:
        ui.print_json(found.to_dict())
        return
    ui.show(renderables(found, os.path.basename(file)))


def renderables(found: Inspection, name: str) -> Iterator[Any]:
    """The parts of the picture, from top to bottom."""
    yield ui.heading(name)
    yield ui.figures(_about(found))
    yield ""
    if found.target is not None:
        yield from _target(found.target)
    yield _ops(found)
    yield from _notes(found)
    yield _arena(found)
    yield _tensors(found)


def _about(found: Inspection) -> Iterator[tuple[str, str]]:
    metadata = found.metadata
    yield (
        "file",
        f"{ui.size(found.file_bytes)}, format {found.format_version}, made by {metadata['producer'] or '?'}",
    )
    if metadata["source_name"]:
        source = f"{metadata['source_name']} ({metadata['source_format']})"
        yield "source", f"{source}, sha256 {metadata['source_sha256'] or '?'}"
    if metadata["labels"]:
        shown = ", ".join(metadata["labels"][:10])
        more = len(metadata["labels"]) - 10
        yield "labels", f"{shown} and {more} more" if more > 0 else shown
    if metadata["preprocessing"]:
        yield "preprocessing", "raw * {scale:g} + {offset:g}".format(**metadata["preprocessing"])
    yield from metadata["entries"].items()
    yield "inputs", _interface(found, found.inputs)
    yield "outputs", _interface(found, found.outputs)
    yield "MACs a sample", ", ".join(f"{n:,} {key}" for key, n in sorted(found.macs.items())) or "none"
    yield "backend here", _backends(found)
    yield "memory here", ", ".join(f"{what} {ui.size(size)}" for what, size in found.memory.items())


def _backends(found: Inspection) -> str:
    """How many ops each computes, and why it is not the C library that does."""
    from xlite.interpreter.backends import BACKENDS, available, unavailable_reason

    counts: dict[str, int] = {}
    for row in found.ops:
        counts[row.backend or "none"] = counts.get(row.backend or "none", 0) + 1
    said = ", ".join(f"{name} {count} ops" for name, count in counts.items())
    best = BACKENDS[0]
    return said if available(best) else f"{said}; not {best}: {unavailable_reason(best)}"


def _target(there: OnTarget) -> Iterator[Any]:
    """What the device has, what the model takes of it, and how long a run may take."""
    yield ui.heading(f"On {there.name}: {there.description}")
    yield ui.figures(_room(there))
    yield ""
    if there.latency is not None and there.latency.total is not None:
        yield _latency(there.latency)


def _room(there: OnTarget) -> Iterator[tuple[str, str]]:
    for what, size in there.memory.items():
        yield what, ui.size(size)
    limit = "" if there.ram_bytes is None else f" of {ui.size(there.ram_bytes)}"
    yield "RAM", f"{ui.size(there.needed_bytes)}{limit}"
    if there.flash_needed_bytes is not None:
        limit = "" if there.flash_bytes is None else f" of {ui.size(there.flash_bytes)}"
        yield "flash", f"{ui.size(there.flash_needed_bytes)}{limit} for weights; 'xlite compile' measures the code"
    yield "fits", "yes" if there.fits else "no"
    if there.note:
        yield "note", there.note
    latency = there.latency
    if latency is None:
        yield "latency", f"nothing was measured for {there.isa}"
        return
    if latency.total is None:
        yield "latency", f"not known here: {latency.reason}"
        return
    amount = f"{latency.total / 1e6:,.1f} million instructions" if latency.unit == "instructions" else ""
    time = "" if latency.milliseconds is None else f"{ui.milliseconds(latency.milliseconds)} ms"
    how = f" at an instruction a cycle of {there.clock_hz / 1e6:,.0f} MHz" if amount and time else ""
    yield "latency, estimated", ", ".join(part for part in (amount, f"{time}{how}") if part)
    if latency.unknown:
        yield "", f"without {latency.unknown} ops the like of which was never measured"
    yield "measured by", latency.source


def _latency(latency: Latency) -> Any:
    columns = ("op", "ops>", "MACs>", f"{latency.unit}, estimated>", "share>")
    rows = [
        (row.kind, row.ops, ui.count(row.macs) if row.macs else "", _cost(row.cost), _share(row.share))
        for row in latency.kinds
    ]
    foot = ("total", sum(r.ops for r in latency.kinds), "", _cost(latency.total), "")
    return ui.table("Latency, an estimate", columns, rows, foot)


def _cost(cost: Optional[float]) -> str:
    return "not known" if cost is None else f"{cost:,.0f}"


def _share(share: Optional[float]) -> str:
    return "" if share is None else f"{share:.1%}"


def _interface(found: Inspection, indices: list[int]) -> str:
    rows = (found.tensors[index] for index in indices)
    return ", ".join(f"{row.name} {row.type}[{','.join(map(str, row.shape))}]" for row in rows)


def _ops(found: Inspection) -> Any:
    columns = ("#>", "layer", "op", "input", "output", "MACs>", "in", "weights>", "kernel", "backend")
    rows = [
        (
            row.index,
            ui.layers(row.name),
            row.kind,
            row.input_type,
            row.output_type,
            ui.count(row.macs) if row.macs else "",
            row.precision,
            ui.count(row.weight_bytes) if row.weight_bytes else "",
            row.kernel or "none",
            row.backend,
        )
        for row in found.ops
    ]
    weights = sum(row.bytes for row in found.tensors if row.constant)
    macs = sum(found.macs.values())
    foot = ("", "total", "", "", "", ui.count(macs), "", ui.count(weights), "", "")
    return ui.table("Ops", columns, rows, foot, optional=("in", "input", "backend", "op", "weights>"))


def _notes(found: Inspection) -> Iterator[Any]:
    notes = [(ui.layers(row.name) or row.kind, row.note) for row in found.ops if row.note]
    if notes:
        yield ui.figures(notes)
        yield ""


def _arena(found: Inspection) -> Any:
    """A bar an op: the bytes of the arena that hold something while it runs."""
    peak = found.peak
    rows = [
        (
            row.index,
            ui.layers(row.name) or row.kind,
            ui.count(row.live_bytes),
            _bar(row.live_bytes, found, row is peak),
        )
        for row in found.ops
    ]
    bound = found.arena_bytes / found.arena_lower_bound if found.arena_lower_bound else 1.0
    title = f"Arena: {ui.size(found.arena_bytes)}, {bound:.2f} of the lower bound"
    return ui.table(title, ("#>", "layer", "bytes in use>", ""), rows)


def _bar(live: int, found: Inspection, peak: bool) -> Any:
    from rich.text import Text

    drawn = ui.bar(live, found.arena_bytes)
    return Text(f"{drawn} <- peak", style="bold red") if peak else Text(drawn, style="blue")


def _tensors(found: Inspection) -> Any:
    rows = [
        (
            row.index,
            row.name,
            f"{row.type}[{','.join(map(str, row.shape))}]",
            row.bits,
            ui.count(row.bytes),
            "constant" if row.constant else f"arena + {row.offset:,}",
        )
        for row in found.tensors
    ]
    return ui.table("Tensors", ("#>", "tensor", "type", "bits>", "bytes>", "where"), rows)
