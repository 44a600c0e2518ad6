"""The rows of the report: what became of one Keras layer, read off the nodes that it left in the graph."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from xlite.converter.graph import Layer, Node, Value
from xlite.converter.passes.pack_weights import filter_rows, find_levels
from xlite.schema.macs import FILTERED
from xlite.schema.types import DType, OpKind, PlanesOptions

PACKED, INT8, WEIGHTS, FLOAT, FUSED, NONE = "packed", "int8", "weights packed", "float", "fused", "-"

_RECURRENT = ("SimpleRNN", "GRU", "LSTM", "Bidirectional", "RNN")
_FEW = 16  # levels a filter that are worth counting


@dataclass
class Part:
    """One kernel of a layer: how its op runs, and bytes of the op's constants. ``reason`` and ``mend`` say why it
    is not packed and what would help."""

    name: str
    op: str
    precision: str
    status: str
    parameters: int
    bytes_before: int
    bytes_after: int
    reason: str = ""
    mend: str = ""
    broken_mark: bool = False  # a quantizer marked it as binary, and it did not pack so


@dataclass
class LayerRow:
    """One Keras layer. ``status`` is ``packed`` (bits or integers times bits), ``int8`` (of filters, times bits or
    integers), ``weights packed`` (bits or int8, times floats), ``float``, ``fused`` into
    another layer's op or ``-`` (an op without weights, or none at all); bytes are of its weights. Where the layer
    has several kernels, ``parts`` has one entry each and the row has the status of the part that is packed least.

    ``precision`` names the element types, input x weights -> output: ``tern`` is a weight of two bits, ``2bit`` an
    input of two bit planes. ``ops`` are in running order, ``add x5`` where there are five of a kind,
    ``conv_2d of x`` where the layer is a group of layer x's op.
    """

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
    parts: list[Part] = field(default_factory=list)


def row_of(layer: Layer, nodes: list[Node], host: Node | None, shares: Mapping[Node, int]) -> LayerRow:
    """``nodes``: those that began as the layer's; ``host``: another layer's that took it over; ``shares``: how
    many layers own each node, in equal parts."""
    row = LayerRow(
        name=layer.name,
        class_name=layer.class_name,
        ops=_op_names(layer.name, nodes),
        precision="",
        status=NONE,
        parameters=layer.parameters,
        bytes_before=4 * layer.parameters,
        bytes_after=_bytes_of(nodes, shares),
    )
    parts = _parts(layer, nodes, shares)
    if parts:
        _describe_filtered(row, parts)
    elif nodes:
        _describe_other(row, nodes)
    elif host is not None:
        row.status = FUSED
        row.reason = f"into {host.layers[0]}"
    elif layer.parameters:
        row.reason = "no output depends on it"
    else:
        row.reason = "nothing to do at inference"
    return row


def constant_bytes(values: Iterable[Value]) -> int:
    return sum(v.type.nbytes for v in distinct(values))


def _bytes_of(nodes: Sequence[Node], shares: Mapping[Node, int]) -> int:
    """The constants of one layer's nodes: its part of those that it shares with others."""
    by_share: dict[int, list[Node]] = {}
    for node in nodes:
        by_share.setdefault(shares[node], []).append(node)
    return sum(
        constant_bytes(v for node in group for v in node.inputs if v is not None and v.is_constant) // share
        for share, group in by_share.items()
    )


def distinct(values: Iterable[Value]) -> list[Value]:
    """Constants of which the file holds one copy: those with the same bytes count once."""
    found = {id(v.data): v for v in values}
    contents: dict[tuple, Value] = {}
    for value in found.values():
        assert value.data is not None
        digest = hashlib.blake2b(np.ascontiguousarray(value.data).data, digest_size=16).digest()
        contents.setdefault((value.type.dtype, value.type.nbytes, digest), value)
    return list(contents.values())


def _op_names(layer: str, nodes: Sequence[Node]) -> list[str]:
    counts: dict[str, int] = {}
    for node in nodes:
        name = node.kind.name.lower()
        if node.layers[0] != layer:
            name = f"{name} of {node.layers[0]}"
        counts[name] = counts.get(name, 0) + 1
    return [name if count == 1 else f"{name} x{count}" for name, count in counts.items()]


# -- layers with kernels -------------------------------------------------------------------------------------


def _parts(layer: Layer, nodes: Sequence[Node], shares: Mapping[Node, int]) -> list[Part]:
    """One entry a kernel. An op that runs several times (a shared layer, the steps of a recurrence) is described
    where it is packed least."""
    groups: dict[str, list[Node]] = {}
    for node in nodes:
        kernel = node.inputs[1] if node.kind in FILTERED else None
        if kernel is not None:
            groups.setdefault(kernel.name, []).append(node)
    planes = any(node.kind is OpKind.FROM_PLANES for node in nodes)
    parts = []
    for name, group in groups.items():
        described = [_part(layer, node, name, planes, shares[node]) for node in group]
        part = max(described, key=lambda p: _STATUS_ORDER[p.status])
        part.bytes_after = _bytes_of(group, shares)
        parts.append(part)
    return parts


_STATUS_ORDER = {PACKED: 0, INT8: 1, WEIGHTS: 2, FLOAT: 3}


def _part(layer: Layer, node: Node, name: str, planes: bool, share: int) -> Part:
    x, kernel, mask = node.inputs[0], node.inputs[1], node.inputs[5]
    assert x is not None
    assert kernel is not None
    elements = kernel.type.elements // share
    of_input, of_kernel = _quantizer_keys(layer, name)
    weights = "tern" if mask is not None else kernel.type.dtype.short
    precision = f"{_word(x, getattr(node.options, 'planes', 1))}x{weights} -> {node.output.type.dtype.short}"
    role = name.replace(f"{node.layers[0]}/", "", 1)
    part = Part(role, node.kind.name.lower(), precision, PACKED, elements, 4 * elements, 0)
    if kernel.type.dtype is DType.INT8:
        part.status = WEIGHTS if x.type.dtype is DType.FLOAT32 else INT8
        part.broken_mark = bool({*of_kernel} & layer.marked.keys())
        part.reason = "its kernel is of int8" if part.broken_mark else ""
    elif kernel.type.dtype is not DType.BIT:
        part.status = FLOAT
        part.reason, part.mend = _why_float(layer, node, kernel, of_kernel)
        part.broken_mark = bool({of_input, *of_kernel} & layer.marked.keys())
    elif x.type.dtype is DType.FLOAT32:
        part.status = WEIGHTS
        part.reason, part.mend = _why_float_input(layer, of_input, planes)
        part.broken_mark = of_input in layer.marked
    if part.broken_mark:
        marks = ", ".join(f"{k}={v}" for k, v in layer.marked.items() if k in (of_input, *of_kernel))
        part.reason = f"marked binary by {marks}, but {part.reason}"
    return part


def _quantizer_keys(layer: Layer, kernel: str) -> tuple[str, tuple[str, ...]]:
    """The options that quantize an op's input and its kernel. Only separable layers have two of each."""
    if kernel.endswith("/pointwise_kernel"):
        return "intermediate_quantizer", ("pointwise_quantizer",)
    if "pointwise_quantizer" in layer.quantizers:
        return "input_quantizer", ("depthwise_quantizer",)
    return "input_quantizer", ("kernel_quantizer", "depthwise_quantizer")


def _why_float(layer: Layer, node: Node, kernel: Value, keys: tuple[str, ...]) -> tuple[str, str]:
    assert kernel.data is not None
    if find_levels(node.kind, kernel.data) is not None:
        return "packing so small a kernel would not make it smaller", ""
    rows = filter_rows(node.kind, kernel.data)
    levels = _levels(rows)
    reason = "its kernel takes more than three levels a filter"
    if levels <= 3:
        reason = f"its kernel takes {levels} levels a filter that are not +a and -a, with 0 or without"
    elif levels <= min(_FEW, len(rows) // 2):  # else its size is what limits them
        reason = f"its kernel takes {levels} levels a filter, and more than three have no packed form"
    if any(key in layer.quantizers for key in keys):
        return reason, f"use a {keys[0]} that gives +alpha and -alpha per filter"
    if layer.class_name in _RECURRENT:
        return reason, ""
    if not layer.parameters:
        return reason, "multiply by a QuantDense layer instead of a constant"
    callback = "train it with xlite.callbacks.BinarizeWeights (first and last layers by name: layers=)"
    return reason, f"give the layer a {keys[0]}, or {callback}"


def _levels(rows: np.ndarray) -> int:
    """The most values that any filter takes, counted in full only if the first ones take few."""

    def count(some: np.ndarray) -> int:
        ordered = np.sort(some, axis=0)
        return 1 + int((ordered[1:] != ordered[:-1]).sum(axis=0).max(initial=0))

    first = count(rows[:, :4])
    return count(rows) if first <= _FEW else first


def _why_float_input(layer: Layer, key: str, planes: bool) -> tuple[str, str]:
    name = layer.quantizers.get(key)
    if key in layer.marked and planes:
        return (
            "its input is in bit planes, which this op does not read",
            f"use a sign as its {key}: this op reads signs, but no bit planes",
        )
    if key in layer.marked:
        return (
            "its input is not binary",
            "leave nothing but pooling, padding and reshaping between the quantizer and the op",
        )
    if name is not None and name.lower() not in ("noop", "no_op", "noopquantizer"):
        return f"what its {key} '{name}' gives has no packed form", f"use {key}='ste_sign'"
    return "its input is not binary", f"give the layer an {key} such as 'ste_sign'"


def _describe_filtered(row: LayerRow, parts: list[Part]) -> None:
    worst = max(parts, key=lambda p: (p.broken_mark, _STATUS_ORDER[p.status]))
    row.status = max((p.status for p in parts), key=_STATUS_ORDER.__getitem__)
    row.reason, row.mend, row.broken_mark = worst.reason, worst.mend, worst.broken_mark
    row.precision = parts[0].precision
    if len(parts) > 1:
        row.parts = parts
        row.precision = " + ".join(dict.fromkeys(part.precision for part in parts))
        if len({part.reason for part in parts}) > 1:
            row.reason = f"{worst.name}: {worst.reason}"


# -- layers without ------------------------------------------------------------------------------------------


def _describe_other(row: LayerRow, nodes: Sequence[Node]) -> None:
    first, last = nodes[0], nodes[-1]
    x = first.inputs[0]
    before = "" if x is None else _word(x, _planes_read(first))
    row.precision = f"{before} -> {_word(last.output, _planes_written(last))}"
    if not row.parameters:
        return
    row.status = FLOAT
    if any(node.kind is OpKind.EMBEDDING for node in nodes):
        row.reason = "a table that is looked up and not multiplied"
    elif any(node.kind is OpKind.BATCH_NORM for node in nodes):
        row.reason = "the op before it cannot take over its numbers"


def _planes_read(node: Node) -> int:
    options = node.options
    return options.planes if node.kind is OpKind.FROM_PLANES and isinstance(options, PlanesOptions) else 1


def _planes_written(node: Node) -> int:
    options = node.options
    return options.planes if node.kind is OpKind.BIT_PLANES and isinstance(options, PlanesOptions) else 1


def _word(value: Value, planes: int) -> str:
    """``f32``, ``bit``; ``2bit`` for two planes."""
    return f"{planes}bit" if planes > 1 else value.type.dtype.short
