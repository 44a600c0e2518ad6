"""What a conversion did, layer by layer: packed or not, why not, what would make it packable, and the bytes.

Everything is read off the final graph and model, never off intentions, so that the report and the file agree.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from xlite.converter.graph import Graph, Node
from xlite.converter.owners import nodes_by_owner, owners
from xlite.converter.passes.pack_int8 import KINDS as INTEGER_KINDS
from xlite.converter.quantize_weights import Quantized
from xlite.converter.report_rows import (
    FLOAT,
    FUSED,
    INT8,
    NONE,
    PACKED,
    WEIGHTS,
    LayerRow,
    Part,
    constant_bytes,
    distinct,
    row_of,
)
from xlite.schema.macs import FILTERED, multiply_accumulates, precision
from xlite.schema.types import DType, Model, OpKind

__all__ = ["FLOAT", "FUSED", "INT8", "NONE", "PACKED", "WEIGHTS", "LayerRow", "Part", "Report", "build_report"]


@dataclass
class Report:
    """Totals: ``float_bytes`` all weights as float32, ``file_bytes`` the .xlite, ``information_bytes`` the least
    that its weights take (see :func:`information_bytes`), MACs by precision of one image, arena in bytes
    (``arena_lower_bound``: the largest sum of tensors alive at once)."""

    model_name: str
    source: str
    layers: list[LayerRow] = field(default_factory=list)
    float_bytes: int = 0
    constant_bytes: int = 0
    file_bytes: int = 0
    information_bytes: int = 0
    macs: dict[str, int] = field(default_factory=dict)
    arena_bytes: int = 0
    arena_lower_bound: int = 0
    target: dict | None = None
    live_bytes_as_lowered: int = 0  # tensors alive at the fullest moment, in the order of the layers
    live_bytes: int = 0  # and in the order that was chosen
    notes: list[str] = field(default_factory=list)  # what was read in another way than it was saved
    quantized: list[Quantized] = field(default_factory=list)  # kernels that were rounded to int8
    input_notes: list[str] = field(default_factory=list)  # integer inputs that are made floats, and why

    def remarks(self) -> list[str]:
        """Whatever else is to be known of the whole network, a sentence each."""
        found = [*self.notes, *self.input_notes]
        if self.quantized:
            worst = max(kernel.largest_error for kernel in self.quantized)
            names = ", ".join(dict.fromkeys(kernel.layer for kernel in self.quantized))
            found.append(
                f"weights rounded to int8: {names}; off by at most {worst:.2%} of the largest of a filter"
            )
        return found

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2)


def build_report(graph: Graph, model: Model, file_bytes: int, source: str) -> Report:
    """The report of a graph that all passes have run on and of the model made from it."""
    report = Report(graph.name, source, file_bytes=file_bytes)
    own = nodes_by_owner(graph)
    shares = {node: len(names) for node, names in owners(graph).items()}
    host: dict[str, Node] = {}
    for node in graph.nodes:
        for name in node.layers[1:]:
            host.setdefault(name, node)
    for layer in graph.layers:
        report.layers.append(row_of(layer, own.get(layer.name, []), host.get(layer.name), shares))
    report.float_bytes = sum(row.bytes_before for row in report.layers)
    report.constant_bytes = constant_bytes(v for v in graph.values() if v.is_constant)
    report.information_bytes = information_bytes(graph)
    report.macs = macs_by_precision(graph)
    report.input_notes = input_notes(graph)
    if model.plan is not None:
        report.arena_bytes, report.arena_lower_bound = model.plan.arena_bytes, model.plan.lower_bound
    return report


def information_bytes(graph: Graph) -> int:
    """One bit for each binary weight, two for each ternary one (its sign and whether it is there), eight for each
    of int8, and four bytes for each number that folding has left: what a file without a header, names, or unused
    bits would take."""
    constants = distinct(v for v in graph.values() if v.is_constant)
    bits = sum(v.type.elements * _bits_each(v.type.dtype) for v in constants)
    return -(-bits // 8)


def _bits_each(dtype: DType) -> int:
    return 1 if dtype is DType.BIT else 8 * dtype.numpy.itemsize


def input_notes(graph: Graph) -> list[str]:
    """One sentence for each integer input that an op makes floats of."""
    notes = []
    for node in graph.nodes:
        x = node.inputs[0]
        if node.kind is OpKind.DEQUANTIZE and x is not None and x in graph.inputs:
            readers = [other for other in graph.nodes if node.output in other.inputs]
            names = ", ".join(dict.fromkeys("+".join(other.layers) for other in readers)) or "an output"
            notes.append(f"input '{x.name}' is made floats for {names}: {_why_floats(readers)}")
    return notes


def _why_floats(readers: list[Node]) -> str:
    if any(node.kind in INTEGER_KINDS for node in readers):
        return "its filters are float, or zeros pad it that no integer stands for"
    return "only one scale and offset for all of it, before convolutions and dense layers, can be folded"


def macs_by_precision(graph: Graph) -> dict[str, int]:
    """Multiply-accumulates of one image, by ``<input>x<weights>``; each bit plane of an input counts as bits."""
    found: dict[str, int] = {}
    for node in graph.nodes:
        if node.kind in FILTERED:
            x, kernel, planes = node.inputs[0], node.inputs[1], getattr(node.options, "planes", 1)
            assert x is not None
            assert kernel is not None
            key = precision(x.type, kernel.type, node.inputs[5] is not None)
            macs = multiply_accumulates(node.kind, x.type, kernel.type, node.output.type, planes)
            found[key] = found.get(key, 0) + macs
    return found


def strict_failures(report: Report) -> list[str]:
    """One sentence for each layer that ``strict`` refuses."""
    return [f"{row.name}: {row.reason}; {row.mend}" for row in report.layers if row.broken_mark]
