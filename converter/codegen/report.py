"""The figures of generated C: flash and RAM as they are known before a compiler has seen it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Optional

from xlite.converter.codegen.measure import Measured
from xlite.converter.codegen.network import Network
from xlite.converter.codegen.targets import get_compile_target


@dataclass(frozen=True)
class Report:
    """Bytes. weights: constants of the network. arena: of activations and scratch; lower_bound: the largest sum of
    those alive at once. kernels: the functions called, in order. measured: what a toolchain said, None where there
    is none for the target; why: why not."""

    model: str
    prefix: str
    target: str
    ops: int
    kernels: tuple[str, ...]
    weights: int
    arena: int
    lower_bound: int
    left_out: str = ""
    files: tuple[str, ...] = field(default=())
    measured: Optional[Measured] = None
    why: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def rows(self) -> list[tuple[str, str]]:
        """For people: what, and how much."""
        if self.measured is None:
            rows = [("weights", _bytes(self.weights)), ("arena (activations and scratch)", _bytes(self.arena))]
            rows += [("code, stack", f"not measured: {self.why}")] if self.why else []
        else:
            rows = [(what, _bytes(size)) for what, size in self.measured.rows(self.arena)]
            rows.append(("measured with", f"{self.measured.compiler}, {self.measured.flags}"))
        rows += [("left out of the model", self.left_out)] if self.left_out else []
        return [*rows, ("kernels", ", ".join(dict.fromkeys(self.kernels)))]


def make_report(network: Network) -> Report:
    return Report(
        model=network.model.metadata.source_name or network.model.metadata.model_name,
        prefix=network.options.prefix,
        target=get_compile_target(network.options.target).name,
        ops=len(network.model.ops),
        kernels=tuple(call.function for call in network.calls),
        weights=network.weight_bytes,
        arena=network.arena_bytes,
        lower_bound=network.layout.lower_bound,
        left_out=network.scores.without,
    )


def _bytes(size: int) -> str:
    return f"{size:,} bytes"
