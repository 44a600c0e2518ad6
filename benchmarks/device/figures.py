"""What is counted: inner loops, layers, and networks op by op."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from benchmarks.device import emulator
from benchmarks.device.emulator import count
from benchmarks.device.networks import KINDS, NETWORKS, path_of

# Marks of network.c: before the first of two empty ones, between them, and behind the last op.
_EMPTY, _BEGIN, _END = 0xFFFF, 0xFFFE, 0xFFFD
_OP = re.compile(r"(\d+) op \d+ \((\w+) of (.*?)(?: to (\w+))?\)")


@dataclass(frozen=True)
class Loop:
    """units: words of 32 binary products, or float products."""

    name: str
    instructions: int
    units: int

    @property
    def each(self) -> float:
        return self.instructions / self.units


@dataclass(frozen=True)
class Network:
    """Instructions of one inference, by class of op: "stem" (the first convolution), "binary" (convolutions and
    dense layers of bits with bit filters), "float" (other convolutions and dense layers), "other"."""

    name: str
    kind: str  # one of networks.KINDS
    classes: dict[str, int] = field(default_factory=dict)
    ops: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.classes.values())


def loops(portable: bool) -> dict[str, Loop]:
    """Inner loops and layers by name; in assembler, or in plain C alone."""
    lines, marks = count([str(emulator.layers(["-DXL_PORTABLE"] if portable else []))])
    empty = marks[1] - marks[0]
    found = {}
    for index, line in enumerate(lines):
        name, units = line.split()
        found[name] = Loop(name, marks[2 * index + 1] - marks[2 * index] - empty, int(units))
    return found


def network(name: str, kind: str) -> Network:
    lines, marks = count([str(emulator.network()), str(path_of(name, kind))])
    ops = [match.groups() for match in map(_OP.match, lines) if match]
    ends = [marks[i] for i in range(1, len(ops))] + [marks[_END]]
    empty = marks[_BEGIN] - marks[_EMPTY]
    classes, kinds = dict.fromkeys(("stem", "binary", "float", "other"), 0), {}
    for i, (_, op, inputs, _) in enumerate(ops):
        spent = ends[i] - marks[i] - empty
        filtered = op.endswith(("CONV_2D", "DENSE"))
        group = "binary" if inputs == "b, b" else "float"
        if filtered and not classes["stem"]:
            group = "stem"
        classes[group if filtered else "other"] += spent
        label = f"{op} of {inputs}"
        kinds[label] = kinds.get(label, 0) + spent
    return Network(name, kind, classes, kinds)


def networks() -> list[Network]:
    return [network(name, kind) for name in NETWORKS for kind in KINDS]
