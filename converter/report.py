"""What a conversion did, layer by layer: packed or not, why not, what would make it packable, and the bytes.

Everything is read off the final graph and model, never off intentions, so that the report and the file agree.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from xlite.converter.graph import Graph, Layer, Node
from xlite.schema.macs import FILTERED, multiply_accumulates, precision
from xlite.schema.types import DType, Model, OpKind

PACKED, WEIGHTS, FLOAT, FUSED, NONE = "packed", "weights packed", "float", "fused", "-"


@dataclass
class LayerRow:
    """One Keras layer. ``status`` is ``packed`` (bits times bits), ``weights packed``, ``float``, ``fused`` into
    another layer's op or ``-`` (an op without weights, or none at all); bytes are of its weights."""

    name: str
    class_name: str
    ops: list[str]
    precision: str
    status: str
    parameters: int
    bytes_before: int
    bytes_after: int
    reason: str = ""
    mend: str = ""
    broken_mark: bool = False  # a quantizer marked it as binary, and it did not pack so


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

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2)


def build_report(graph: Graph, model: Model, file_bytes: int, source: str) -> Report:
    """The report of a graph that all passes have run on and of the model made from it."""
    report = Report(graph.name, source, file_bytes=file_bytes)
    own: dict[str, list[Node]] = {}
    host: dict[str, Node] = {}
    for node in graph.nodes:
        for position, name in enumerate(node.layers):
            if position == 0:
                own.setdefault(name, []).append(node)
            else:
                host.setdefault(name, node)
    for layer in graph.layers:
        report.layers.append(_row(layer, own.get(layer.name, []), host.get(layer.name)))
    report.float_bytes = sum(row.bytes_before for row in report.layers)
    report.constant_bytes = sum(t.type.nbytes for t in model.tensors if t.is_constant)
    report.information_bytes = information_bytes(graph)
    report.macs = macs_by_precision(graph)
    if model.plan is not None:
        report.arena_bytes, report.arena_lower_bound = model.plan.arena_bytes, model.plan.lower_bound
    return report


def information_bytes(graph: Graph) -> int:
    """One bit for each binary weight, two for each ternary one (its sign and whether it is there), and four bytes
    for each number that folding has left: what a file without a header, names, or unused bits would take."""
    constants = {id(v.data): v for v in graph.values() if v.is_constant}
    bits = sum(v.type.elements * (1 if v.type.dtype is DType.BIT else 32) for v in constants.values())
    return -(-bits // 8)


def macs_by_precision(graph: Graph) -> dict[str, int]:
    """Multiply-accumulates of one image, by ``<input>x<weights>``."""
    found: dict[str, int] = {}
    for node in graph.nodes:
        if node.kind in FILTERED:
            x, kernel, planes = node.inputs[0], node.inputs[1], getattr(node.options, "planes", 1)
            assert x is not None
            assert kernel is not None
            key = _precision(node)
            macs = multiply_accumulates(node.kind, x.type, kernel.type, node.output.type, planes)
            found[key] = found.get(key, 0) + macs
    return found


def _precision(node: Node) -> str:
    x, kernel = node.inputs[0], node.inputs[1]
    assert x is not None
    assert kernel is not None
    return precision(x.type, kernel.type)


def _row(layer: Layer, nodes: list[Node], host: Node | None) -> LayerRow:
    row = LayerRow(
        name=layer.name,
        class_name=layer.class_name,
        ops=[node.kind.name.lower() for node in nodes],
        precision="",
        status=NONE,
        parameters=layer.parameters,
        bytes_before=4 * layer.parameters,
        bytes_after=_constant_bytes(nodes),
    )
    weighted = [node for node in nodes if node.kind in FILTERED]
    if weighted:
        _describe_filtered(row, layer, weighted[0])
        if row.status == WEIGHTS and row.broken_mark and any(n.kind is OpKind.FROM_PLANES for n in nodes):
            row.mend = "use a sign as its input_quantizer: this op reads signs, but no bit planes"
    elif nodes:
        first, last = nodes[0], nodes[-1]
        x = first.inputs[0]
        row.precision = f"{x.type.dtype.short if x is not None else ''} -> {last.output.type.dtype.short}"
        if layer.parameters:
            row.status = FLOAT
    elif host is not None:
        row.status = FUSED
        row.reason = f"into {host.layers[0]}"
    else:
        row.reason = "nothing to do at inference"
    return row


def _constant_bytes(nodes: list[Node]) -> int:
    """Bytes of the nodes' constants; what a layer that is called twice shares counts once."""
    constants = {id(v.data): v for node in nodes for v in node.inputs if v is not None and v.is_constant}
    return sum(v.type.nbytes for v in constants.values())


def _describe_filtered(row: LayerRow, layer: Layer, node: Node) -> None:
    x, kernel = node.inputs[0], node.inputs[1]
    assert x is not None
    assert kernel is not None
    row.precision = f"{_precision(node)} -> {node.output.type.dtype.short}"
    marked_input = any(key.startswith("input") for key in layer.marked)
    marked_kernel = any(not key.startswith("input") for key in layer.marked)
    if kernel.type.dtype is DType.BIT and x.type.dtype is DType.BIT:
        row.status = PACKED
    elif kernel.type.dtype is DType.BIT:
        row.status, row.broken_mark = WEIGHTS, marked_input
        row.reason = "its input is not binary"
        row.mend = "give the layer an input_quantizer such as 'ste_sign'"
        if marked_input:
            row.mend = "leave nothing but pooling, padding and reshaping between the quantizer and the op"
    else:
        row.status, row.broken_mark = FLOAT, marked_input or marked_kernel
        row.reason = "its kernel takes more than two levels a filter"
        row.mend = "give the layer a kernel_quantizer, or train it with xlite.callbacks.BinarizeWeights"
        if marked_kernel:
            row.mend = "use a kernel_quantizer that gives +alpha and -alpha per filter"
    if row.broken_mark:
        quantizers = ", ".join(f"{key}={value}" for key, value in layer.marked.items())
        row.reason = f"marked binary by {quantizers}, but {row.reason}"


def strict_failures(report: Report) -> list[str]:
    """One sentence for each layer that ``strict`` refuses."""
    return [f"{row.name}: {row.reason}; {row.mend}" for row in report.layers if row.broken_mark]
