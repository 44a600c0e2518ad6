"""What a comparison found, as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Optional


@dataclass(frozen=True)
class Difference:
    """One element: its index (sample first), Keras's value (before the sign, for bits) and xlite's."""

    index: tuple[int, ...]
    expected: float
    actual: float


@dataclass
class TensorCheck:
    """One tensor over all samples. ``difference``: the largest, relative to the largest value of its sample (for
    bits 0). ``bits``: that differ though Keras's value is clear of zero. ``near_zero``: that differ where it is
    within rounding of zero. ``worst``: the largest difference, or the first bit, if the tensor diverges."""

    name: str
    op: str
    kernel: str
    dtype: str
    elements: int = 0
    difference: float = 0.0
    bits: int = 0
    near_zero: int = 0
    worst: Optional[Difference] = None
    cause: str = ""

    @property
    def diverges(self) -> bool:
        return self.worst is not None


@dataclass(frozen=True)
class FlippedSign:
    """The first sign at which an end-to-end run of ``sample`` left Keras's path; ``op`` gave it, ``expected`` is
    Keras's value before the sign, ``relative`` its size against the largest of its channel. ``actual`` is xlite's
    value before it; None where the sign comes from an integer threshold.

    With a quantizer of bit planes it is the first value that took another level; ``relative`` is then how far the
    two values, between which the level's border lies, are apart."""

    sample: int
    tensor: str
    index: tuple[int, ...]
    expected: float
    relative: float
    op: str = ""
    actual: Optional[float] = None


@dataclass
class OutputCheck:
    """One output of the model, end to end. ``argmax_equal`` counts samples, ``beyond`` lists those that differ by
    more than the tolerance."""

    name: str
    samples: int = 0
    absolute: float = 0.0
    relative: float = 0.0
    argmax_equal: int = 0
    beyond: list[int] = field(default_factory=list)


@dataclass
class Verification:
    """The whole comparison. ``flips``: where samples that differ at the end left Keras's path; ``unexplained``:
    samples that differ at the end without one. ``unmatched``: layers whose output exists in Keras only (folded
    away)."""

    samples: int
    backend: str
    tolerance: float
    tensors: list[TensorCheck] = field(default_factory=list)
    outputs: list[OutputCheck] = field(default_factory=list)
    flips: list[FlippedSign] = field(default_factory=list)
    unexplained: list[int] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def first_diverging(self) -> Optional[TensorCheck]:
        """The first tensor, in running order, that is not what Keras computes."""
        return next((check for check in self.tensors if check.diverges), None)

    @property
    def near_zero(self) -> int:
        return sum(check.near_zero for check in self.tensors)

    @property
    def ok(self) -> bool:
        return self.first_diverging is None and not self.unexplained

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for ``json.dumps``."""
        first = self.first_diverging
        return {**asdict(self), "ok": self.ok, "first_diverging": None if first is None else first.name}
