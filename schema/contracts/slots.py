"""Input slots of every op kind: names in order, which may be absent, which must be constants."""

from __future__ import annotations

from dataclasses import dataclass

from xlite.schema.types import OpKind


@dataclass(frozen=True)
class Slot:
    """One input: ``optional`` may be absent (-1), ``constant`` must have data in the file."""

    name: str
    optional: bool = False
    constant: bool = False


_X = Slot("x")
_FILTERED = (
    _X,
    Slot("filter", constant=True),
    Slot("scale", optional=True, constant=True),
    Slot("bias", optional=True, constant=True),
    Slot("threshold", optional=True, constant=True),
)

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
    OpKind.ADD: (Slot("a"), Slot("b")),
    OpKind.CONCATENATE: None,
    OpKind.RESHAPE: (_X,),
    OpKind.PAD: (_X,),
}
