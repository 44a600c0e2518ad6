"""``xlite.summary``: what a Keras model will be once it is packed, layer by layer.

Nothing is estimated: the model is converted, to memory, and the figures are read off that file's bytes, ops and
plan. So they are those of the file that ``xlite.convert`` writes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Optional

from xlite.converter import ConversionResult, convert
from xlite.converter.graph import Node, Value
from xlite.converter.owners import owners
from xlite.converter.report_rows import distinct
from xlite.schema.macs import op_macs
from xlite.schema.types import DType


@dataclass(frozen=True)
class LayerSummary:
    """One Keras layer. ``precision``: of its op, input x weights -> output. ``parameters``: as Keras counts them;
    ``bits``: how many numbers the file keeps for it by their width in bits (2 is ternary: a sign, and whether it
    is there), fewer where they were folded into others. ``macs`` of one sample, by ``<input>x<weights>``.
    ``float_bytes``: the layer's weights as float32; ``bytes``: as packed."""

    name: str
    class_name: str
    precision: str
    status: str
    parameters: int
    bits: dict[int, int]
    macs: dict[str, int]
    float_bytes: int
    bytes: int


@dataclass(frozen=True)
class Summary:
    """A model. ``bits`` and ``macs`` are sums over ``layers`` (numbers that layers share are counted once);
    ``file_bytes`` is the whole .xlite file, ``arena_bytes`` the peak of its activations for one sample;
    ``target`` is how it fits the device that was asked for."""

    name: str
    layers: list[LayerSummary]
    parameters: int
    bits: dict[int, int]
    macs: dict[str, int]
    float_bytes: int
    file_bytes: int
    arena_bytes: int
    arena_lower_bound: int
    target: Optional[dict[str, Any]] = None

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for ``json.dumps``."""
        return dict(json.loads(json.dumps(asdict(self))))

    def __str__(self) -> str:
        return table(self)


def summary(model: Any, *, verbose: bool = True, target: Optional[str] = None) -> Summary:
    """What ``model`` will be as a .xlite file: precision, parameters and multiply-accumulates by bit width and
    bytes of each layer, the file's size and the peak of the arena.

    Args:
        model: a live ``keras.Model``, or the path of a .h5 or .keras file. What its weights are does not matter,
            save where they decide whether a layer packs (a float layer that ``BinarizeWeights`` trained).
        verbose: print it as a table.
        target: a device's name: the table says whether the model fits it.

    Raises:
        ConversionError: the model cannot be converted; the message names the layer.
    """
    result = convert(model, target=target)
    found = of_result(result)
    if verbose:
        print(table(found))
    return found


def of_result(result: ConversionResult) -> Summary:
    """The summary of a conversion that was made."""
    nodes: dict[str, dict[int, list[Node]]] = {}
    macs: dict[str, dict[str, int]] = {}
    for (node, names), op in zip(owners(result.graph).items(), result.model.ops):
        precision, count = op_macs(result.model, op)
        for name in names:
            nodes.setdefault(name, {}).setdefault(len(names), []).append(node)
            if count:
                of_layer = macs.setdefault(name, {})
                of_layer[precision] = of_layer.get(precision, 0) + count // len(names)
    report = result.report
    layers = [
        LayerSummary(
            row.name,
            row.class_name,
            row.precision,
            row.status,
            row.parameters,
            _numbers_of(nodes.get(row.name, {})),
            macs.get(row.name, {}),
            row.bytes_before,
            row.bytes_after,
        )
        for row in report.layers
    ]
    return Summary(
        name=report.model_name,
        layers=layers,
        parameters=sum(row.parameters for row in report.layers),
        bits=_numbers_by_width(result.graph.nodes),
        macs=dict(report.macs),
        float_bytes=report.float_bytes,
        file_bytes=len(result.data),
        arena_bytes=report.arena_bytes,
        arena_lower_bound=report.arena_lower_bound,
        target=report.target,
    )


_MASK = 5  # the slot of a ternary op that says which weights are there


def _numbers_of(nodes: dict[int, list[Node]]) -> dict[int, int]:
    """The numbers of one layer's nodes, by how many layers own the node in equal parts."""
    found: dict[int, int] = {}
    for share, some in nodes.items():
        for width, count in _numbers_by_width(some).items():
            found[width] = found.get(width, 0) + count // share
    return dict(sorted(found.items()))


def _numbers_by_width(nodes: list[Node]) -> dict[int, int]:
    """How many constants of each width the nodes read; those that the file keeps once are counted once. A ternary
    weight is one of two bits."""
    widths: dict[int, list[Value]] = {}
    for node in nodes:
        mask = node.inputs[_MASK] if len(node.inputs) > _MASK else None
        for slot, value in enumerate(node.inputs):
            if value is None or not value.is_constant or slot == _MASK:
                continue
            width = 1 if value.type.dtype is DType.BIT else 8 * value.type.dtype.numpy.itemsize
            if slot == 1 and mask is not None and mask.is_constant:
                width = 2
            widths.setdefault(width, []).append(value)
    return {width: sum(v.type.elements for v in distinct(values)) for width, values in sorted(widths.items())}


# -- as text -------------------------------------------------------------------------------------------------


def table(found: Summary) -> str:
    """The summary as aligned text."""
    head = ("layer", "class", "input x weights", "parameters", "kept as", "MACs", "as float32", "packed")
    rows = [
        (
            layer.name,
            layer.class_name,
            layer.precision if layer.status != "fused" else "in the layer before",
            f"{layer.parameters:,}" if layer.parameters else "",
            _widths(layer.bits),
            f"{sum(layer.macs.values()):,}" if layer.macs else "",
            f"{layer.float_bytes:,}" if layer.parameters else "",
            f"{layer.bytes:,}" if layer.parameters or layer.bytes else "",
        )
        for layer in found.layers
    ]
    packed = sum(layer.bytes for layer in found.layers)
    macs = f"{sum(found.macs.values()):,}"
    total = (
        "total",
        "",
        "",
        f"{found.parameters:,}",
        _widths(found.bits),
        macs,
        f"{found.float_bytes:,}",
        f"{packed:,}",
    )
    lines = _aligned([head, *rows, total], right=(3, 5, 6, 7))
    rule = "-" * max(map(len, lines))
    by_precision = ", ".join(f"{count:,} {precision}" for precision, count in sorted(found.macs.items()))
    return "\n".join(
        [
            found.name,
            lines[0],
            rule,
            *lines[1:-1],
            rule,
            lines[-1],
            f"MACs of one sample: {by_precision or 'none'}",
            f".xlite file: {found.file_bytes:,} bytes, {found.float_bytes / found.file_bytes:.1f} times smaller "
            "than the weights as float32",
            f"peak of the arena for one sample: {found.arena_bytes:,} bytes",
            *([] if found.target is None else [_fit(found.target)]),
        ]
    )


def _fit(target: dict[str, Any]) -> str:
    verdict = "fits" if target["fits"] else "does not fit"
    return f"{verdict} {target['name']}: needs {target['needed_bytes']:,} bytes"


def _widths(bits: dict[int, int]) -> str:
    return ", ".join(f"{count:,} x {width} bit" for width, count in bits.items())


def _aligned(rows: list[tuple[str, ...]], right: tuple[int, ...]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]
