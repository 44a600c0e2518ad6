"""Input slots of every op kind: names in order, which may be absent, which must be constants."""

from __future__ import annotations

from xlite.schema.records import record
from xlite.schema.types import OpKind


@record(frozen=True)
class Slot:
    """One input: ``optional`` may be absent (-1), ``constant`` must have data in the file, ``either`` may have."""

    name: str
    optional: bool = False
    constant: bool = False
    either: bool = False


_X = Slot("x")
_FILTERED = (
    _X,
    Slot("filter", constant=True),
    Slot("scale", optional=True, constant=True),
    Slot("bias", optional=True, constant=True),
    Slot("threshold", optional=True, constant=True),
    Slot("mask", optional=True, constant=True),
)
_TWO = (Slot("a"), Slot("b", either=True))

# None: any number of inputs, one or more (none of them optional).
SLOTS: dict[OpKind, tuple[Slot, ...] | None] = {
    OpKind.CUSTOM: None,
    OpKind.CONV_2D: _FILTERED,
    OpKind.DEPTHWISE_CONV_2D: _FILTERED,
    OpKind.DENSE: _FILTERED,
    OpKind.BATCH_NORM: (_X, Slot("scale", constant=True), Slot("offset", constant=True)),
    OpKind.SIGN: (_X,),
    OpKind.UNPACK: (_X,),
    OpKind.ACTIVATION: (_X,),
    OpKind.PRELU: (_X, Slot("slope", constant=True)),
    OpKind.SOFTMAX: (_X,),
    OpKind.MAX_POOL_2D: (_X, Slot("flip", optional=True, constant=True)),
    OpKind.AVERAGE_POOL_2D: (_X,),
    OpKind.ADD: _TWO,
    OpKind.CONCATENATE: None,
    OpKind.RESHAPE: (_X,),
    OpKind.PAD: (_X,),
    OpKind.CONV_3D: _FILTERED,
    OpKind.CONV_3D_TRANSPOSE: _FILTERED,
    OpKind.LOCALLY_CONNECTED_2D: _FILTERED,
    OpKind.MAX_POOL_3D: (_X,),
    OpKind.AVERAGE_POOL_3D: (_X,),
    OpKind.SUBTRACT: (Slot("a", either=True), Slot("b", either=True)),
    OpKind.MULTIPLY: _TWO,
    OpKind.DIVIDE: (Slot("a", either=True), Slot("b", either=True)),
    OpKind.MAXIMUM: _TWO,
    OpKind.MINIMUM: _TWO,
    OpKind.BIT_PLANES: (_X,),
    OpKind.FROM_PLANES: (_X,),
    OpKind.TRANSPOSE: (_X,),
    OpKind.SLICE: (_X,),
    OpKind.TILE: (_X,),
    OpKind.REDUCE: (_X,),
    OpKind.RESIZE_BILINEAR_2D: (_X,),
    OpKind.EMBEDDING: (Slot("indices"), Slot("table", constant=True)),
    OpKind.QUANTIZE: (_X,),
    OpKind.DEQUANTIZE: (_X,),
}


# Convolutions and dense: the kinds that have a filter.
FILTERED = frozenset(kind for kind, slots in SLOTS.items() if slots is _FILTERED)


def with_optional_inputs(kind: OpKind, inputs: tuple[int, ...]) -> tuple[int, ...]:
    """One index a slot: -1 is added for optional slots at the end that an op does not name. (Slots are added to
    ops as the format grows, and files keep their inputs.)"""
    slots = SLOTS[kind]
    missing = 0 if slots is None else len(slots) - len(inputs)
    return inputs + (-1,) * missing if missing > 0 else inputs
