"""The converter's graph: values and nodes, small enough to print and to compare as text.

Lowering writes it, passes rewrite it, ``emit`` turns it into a :class:`xlite.schema.types.Model`. Node kinds,
options and contracts are those of the file, so a graph is a runnable program at every moment: lowering a
quantized layer gives a float program with SIGN and UNPACK in it, and the passes make it a packed one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from xlite.schema.bits import pack_signs
from xlite.schema.contracts import SLOTS, ContractError, infer
from xlite.schema.errors import ConversionError
from xlite.schema.types import Activation, CustomOptions, DType, OpKind, Options, TensorType


@dataclass(eq=False)
class Value:
    """A tensor of the graph. ``data`` (of ``type.storage_shape``) makes it a constant.

    Names carry meaning: a tensor that equals the output of Keras layer L is called L, and the bits of its signs
    ``L:sign``. ``xlite verify`` matches the two sides by them, so a pass gives what it makes the name of what it
    replaces.
    """

    name: str
    type: TensorType
    data: np.ndarray | None = None
    scale: float = 0.0  # of integers, with the zero point: which numbers they stand for, for people
    zero_point: int = 0

    @property
    def is_constant(self) -> bool:
        return self.data is not None


@dataclass(eq=False)
class Node:
    """One op. ``layers`` are the Keras layers it came from, in order."""

    kind: OpKind
    inputs: list[Value | None]
    outputs: list[Value]
    options: Options | None = None
    layers: tuple[str, ...] = ()

    @property
    def output(self) -> Value:
        return self.outputs[0]

    def constant(self, slot: int) -> np.ndarray | None:
        """The data of an input slot, None where it is absent or no constant."""
        value = self.inputs[slot]
        return None if value is None else value.data


@dataclass(eq=False)
class Layer:
    """What the report says about one Keras layer: read by the frontend, kept beside the graph.

    ``parameters`` counts the layer's weights, ``quantizers`` names its quantizers by the option that holds them
    (for example ``{"input_quantizer": "ste_sign"}``), ``marked`` those of them that declared something binary.
    """

    name: str
    class_name: str
    parameters: int = 0
    marked: dict[str, str] = field(default_factory=dict)
    quantizers: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class Graph:
    """``nodes`` are in running order. ``layers`` keeps every Keras layer, those without an op included.

    ``group_layers``: by the name of a kernel, the layers whose filters became its groups, in order.
    """

    name: str = "model"
    nodes: list[Node] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    group_layers: dict[str, tuple[str, ...]] = field(default_factory=dict)

    # -- reading ---------------------------------------------------------------------------------------------

    def producers(self) -> dict[Value, Node]:
        """The node that computes each value."""
        return {value: node for node in self.nodes for value in node.outputs}

    def uses(self) -> dict[Value, list[Node]]:
        """The nodes that read each value, once a slot; graph outputs are not counted here."""
        found: dict[Value, list[Node]] = {}
        for node in self.nodes:
            for value in node.inputs:
                if value is not None:
                    found.setdefault(value, []).append(node)
        return found

    def values(self) -> Iterator[Value]:
        """Every value once: inputs, then in running order each node's constants and outputs."""
        seen: dict[Value, None] = dict.fromkeys(self.inputs)
        for node in self.nodes:
            seen.update(dict.fromkeys(v for v in node.inputs if v is not None))
            seen.update(dict.fromkeys(node.outputs))
        seen.update(dict.fromkeys(self.outputs))
        return iter(seen)

    # -- building --------------------------------------------------------------------------------------------

    def add(
        self,
        kind: OpKind,
        inputs: Sequence[Value | None],
        options: Options | None = None,
        *,
        layers: Iterable[str] = (),
        name: str = "",
        output_type: TensorType | None = None,
        before: Node | None = None,
    ) -> Value:
        """Appends a node (or inserts it just before another), infers its output's type and returns that value.

        ``output_type`` is for CUSTOM only. Raises ConversionError, naming the layer, where the op's contract is
        broken.
        """
        layers = tuple(layers)
        try:
            types = infer(kind, [None if v is None else v.type for v in inputs], options)
        except ContractError as error:
            where = "+".join(layers) or name or "the graph"
            raise ConversionError(f"{where}: {kind.name.lower()} {error}") from None
        if types is None:
            if output_type is None:
                raise ConversionError(f"{'+'.join(layers)}: a custom op needs an output type")
            types = [output_type]
        slots = SLOTS[kind]
        if slots is not None:  # optional slots at the end need not be named
            inputs = [*inputs, *[None] * (len(slots) - len(inputs))]
        output = Value(name or _default_name(kind, inputs, options, layers), types[0])
        node = Node(kind, list(inputs), [output], options, layers)
        index = len(self.nodes) if before is None else self.nodes.index(before)
        self.nodes.insert(index, node)
        return output

    def replace(self, old: Value, new: Value) -> None:
        """Makes every reader of ``old``, graph outputs included, read ``new``."""
        for node in self.nodes:
            node.inputs = [new if v is old else v for v in node.inputs]
        self.outputs = [new if v is old else v for v in self.outputs]

    def remove(self, node: Node) -> None:
        self.nodes.remove(node)

    # -- printing --------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The program, one node a line, values numbered in order: what pass tests compare."""
        names: dict[Value, str] = {}
        lines = []
        for value in self.inputs:
            names[value] = f"%{len(names)}"
            lines.append(f"{names[value]} = input {value.type}")
        for node in self.nodes:
            args = ", ".join(_argument(v, names) for v in _named(node.inputs))
            for value in node.outputs:
                names[value] = f"%{len(names)}"
            left = ", ".join(names[v] for v in node.outputs)
            options = _options_text(node.options)
            lines.append(f"{left} = {_short(node.kind, node.options)}({args}){options} -> {node.output.type}")
        lines.append("return " + ", ".join(names.get(v, "?") for v in self.outputs))
        return "\n".join(lines)


def constant(name: str, data: np.ndarray) -> Value:
    """A float32 or int32 constant."""
    dtype = DType.INT32 if np.issubdtype(data.dtype, np.integer) else DType.FLOAT32
    data = np.ascontiguousarray(data, dtype.numpy)
    return Value(name, TensorType(data.shape, dtype), data)


def int8_constant(name: str, data: np.ndarray) -> Value:
    """A constant of int8."""
    return Value(name, TensorType(data.shape, DType.INT8), np.ascontiguousarray(data, np.int8))


def bit_constant(name: str, signs: np.ndarray, packed_axes: int = 1) -> Value:
    """A bit constant from values whose signs count (x < 0 is -1)."""
    return Value(name, TensorType(signs.shape, DType.BIT, packed_axes), pack_signs(signs, packed_axes))


def _default_name(
    kind: OpKind, inputs: Sequence[Value | None], options: Options | None, layers: tuple[str, ...]
) -> str:
    first = inputs[0]
    if kind in (OpKind.SIGN, OpKind.UNPACK) and first is not None:
        return f"{first.name}:{'sign' if kind is OpKind.SIGN else 'unpacked'}"
    return "/".join((*layers[-1:], _short(kind, options)))


def _short(kind: OpKind, options: Options | None) -> str:
    return options.name if isinstance(options, CustomOptions) else kind.name.lower()


def _named(inputs: Sequence[Value | None]) -> list[Value | None]:
    """The inputs without absent ones at the end."""
    count = max((i + 1 for i, value in enumerate(inputs) if value is not None), default=0)
    return list(inputs[:count])


def _argument(value: Value | None, names: dict[Value, str]) -> str:
    if value is None:
        return "-"
    return str(value.type) if value.is_constant else names.get(value, "?")


def _options_text(options: Options | None) -> str:
    """Only what differs from the default, so that the text stays short."""
    if options is None:
        return ""
    plain = type(options)()
    changed = []
    for key in options.__dataclass_fields__:
        value = getattr(options, key)
        if value != getattr(plain, key):
            changed.append(f"{key}={_field_text(value)}")
    return f" {{{', '.join(changed)}}}" if changed else ""


def _field_text(value: object) -> str:
    if isinstance(value, Activation):
        plain = Activation(value.kind)
        keys = [key for key in ("alpha", "max_value", "threshold") if getattr(value, key) != getattr(plain, key)]
        return " ".join([value.kind.name.lower(), *(f"{key}={getattr(value, key):g}" for key in keys)])
    return str(getattr(value, "name", value))
