"""python -m tests.device.start: what an emulated Pi Zero executes from ``python3`` to the demo network's first
result, as a table; --modules: and what the import of each module takes."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass

from tests.device import guest
from tests.device.networks import DEMO, ready

# A mark after each part. With modules: a mark before and after the import of each one, from 100 on.
SCRIPT = """
from device import mark
mark(0)
import numpy as np
mark(1)
{hook}
import xlite
xlite.Interpreter
mark(2)
interpreter = xlite.Interpreter("m.xlite")
mark(3)
interpreter.allocate_tensors()
mark(4)
interpreter.set_tensor(0, np.zeros(interpreter.get_input_details()[0]["shape"], np.float32))
interpreter.invoke()
mark(5)
{report}
"""
HOOK = """
import _frozen_importlib as importing
found, above = [], [-1]
load = importing._find_and_load_unlocked
def counted(name, import_):
    number = len(found)
    found.append((name, above[-1]))
    above.append(number)
    mark(100 + 2 * number)
    try:
        return load(name, import_)
    finally:
        mark(101 + 2 * number)
        above.pop()
importing._find_and_load_unlocked = counted
"""
REPORT = "import json; print(json.dumps(found))"
PARTS = ("python3", "import numpy", "import xlite", "read, verify, choose kernels", "allocate, prepare", "run")


@dataclass(frozen=True)
class Module:
    """``own``: instructions of its import without what it imports; ``total``: with it."""

    name: str
    own: int
    total: int


def parts() -> dict[str, int]:
    """Instructions of each of PARTS. Raises setup.Unavailable."""
    marks = guest.run(_script("", ""), {"m.xlite": ready(DEMO).path}, count=True).check().marks
    return {part: marks[i] - marks.get(i - 1, 0) for i, part in enumerate(PARTS)}


def of_xlite(found: dict[str, int]) -> int:
    """xlite's own share of them."""
    return sum(found[part] for part in PARTS[2:])


def modules() -> list[Module]:
    """What xlite imports beyond what numpy has imported, the dearest first."""
    done = guest.run(_script(HOOK, REPORT), {"m.xlite": ready(DEMO).path}, count=True).check()
    names = json.loads(done.stdout)
    totals = [done.marks[101 + 2 * i] - done.marks[100 + 2 * i] for i in range(len(names))]
    owns = list(totals)
    for (_, above), total in zip(names, totals):
        if above >= 0:
            owns[above] -= total
    rows = [Module(name, own, total) for (name, _), own, total in zip(names, owns, totals)]
    return sorted(rows, key=lambda row: -row.own)


def table(found: dict[str, int]) -> str:
    """Markdown, in millions of instructions."""
    rows = [*found.items(), ("all", sum(found.values())), ("of it xlite's", of_xlite(found))]
    lines = ["|  | million instructions |", "| --- | ---: |"]
    return "\n".join([*lines, *(f"| {what} | {count / 1e6:.1f} |" for what, count in rows)])


def _script(hook: str, report: str) -> str:
    return SCRIPT.format(hook=hook, report=report)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.device.start", description=__doc__)
    parser.add_argument("--modules", action="store_true", help="what the import of each module takes")
    options = parser.parse_args()
    print(table(parts()))
    if options.modules:
        print("\n  own  total  module, in millions of instructions")
        for row in modules():
            print(f"{row.own / 1e6:5.2f}  {row.total / 1e6:5.2f}  {row.name}")


if __name__ == "__main__":
    main()
