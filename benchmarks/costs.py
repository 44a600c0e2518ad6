"""``python -m benchmarks.costs [ISA ...]``: measures what work costs and writes interpreter/cost_figures.py.

Each op of a grid is run alone, by each family of kernels. On this machine the best of many runs counts, in
nanoseconds; for other instruction sets the instructions that an emulated computer executes for one more run of the
op inside the same call, so that nothing of Python is in it. Then, for each family and class of op, the costs of a
multiply-accumulate, of an element and of a call that explain the runs best.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Callable, Optional

import click
import numpy as np

from benchmarks.cost_grid import SMALL, alone, grid
from tests.device import guest
from tests.device.machines import ARM64, ARMV7, PI_ZERO
from xlite.interpreter import Interpreter, backends, costs
from xlite.schema import load_model, write_model

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "interpreter" / "cost_figures.py"
COMMAND = "python -m benchmarks.costs"
MACHINES = {"armv6+vfp2": PI_ZERO, "armv7-a+neon": ARMV7, "armv8-a+neon": ARM64}
BOARDS = ("armv6-m", "armv7e-m+fp", "armv7e-m+fp.dp", "rv32imac")
_REPEATS = 30
_SECONDS = 0.2  # for the repeats of one op, at the most

# In the guest: every step once alone and once twice in one call; what the second call takes more is one run.
GUEST = """
import json, sys
import numpy as np
from device import mark
from xlite.interpreter import Interpreter, backends
from xlite.interpreter.kernels.c import lookup

if json.loads(sys.argv[2]):
    lookup.pays = lambda spec: False
interpreter = Interpreter("grid.xlite", backend="c", prepack=json.loads(sys.argv[1]))
rng = np.random.default_rng(0)
for index in interpreter.model.inputs:
    memory = interpreter.tensor(index)()
    memory[...] = rng.normal(size=memory.shape) if memory.dtype.kind == "f" else rng.integers(0, 256, memory.shape)
names = [(row.kernel, row.backend) for row in interpreter.kernels()]
for i, step in enumerate(interpreter._memory().steps):
    (once,), (twice,) = backends.link("c", [step]), backends.link("c", [step, step])
    once()
    mark(3 * i)
    once()
    mark(3 * i + 1)
    twice()
    mark(3 * i + 2)
print(json.dumps(names))
"""


@dataclass(frozen=True)
class Row:
    """One op, measured: its class, its work and what a run cost. calls: see :meth:`costs.Work.calls`."""

    family: str
    key: str
    macs: int
    elements: int
    cost: float
    calls: int = 1


# -- measuring -----------------------------------------------------------------------------------------------


def measure(isa: str, path: Path, known: Collection[str] = ()) -> list[Row]:
    """What the ops of the grid, which lies at ``path``, cost with this instruction set. known: classes that a
    microcontroller, where each op is a program of its own, need not measure again."""
    if isa == costs.HOST:
        return measure_here(path)
    return measure_emulated(path, isa) if isa in MACHINES else measure_board(isa, known)


def measure_here(path: Path) -> list[Row]:
    """Nanoseconds on this machine, for every backend that there is."""
    rows = []
    for backend in backends.available_backends():
        for prepack in (True, False) if backend != backends.REFERENCE else (True,):
            interpreter = Interpreter(path, backend=backend, prepack=prepack)
            _fill(interpreter)
            steps = interpreter._memory().steps
            rows += _rows(interpreter, [_best(step) for step in steps], backend)
    return rows


def measure_emulated(path: Path, isa: str) -> list[Row]:
    """Instructions on an emulated computer, for the C library."""
    rows: list[Row] = []
    interpreter = Interpreter(
        path, backend="c", prepack=False
    )  # for what the ops are; the guest has kernels of its own
    looked_up = False
    # As it is loaded; with weights as they are in the file; and with nothing looked up, where that pays.
    for prepack, without_lookup in ((True, False), (False, False), (False, True)):
        if without_lookup and not looked_up:
            break
        arguments = [json.dumps(prepack), json.dumps(without_lookup)]
        files = {"grid.xlite": path}
        done = guest.run(GUEST, files, machine=MACHINES[isa], count=True, arguments=arguments).check()
        names = json.loads(done.stdout)
        looked_up = looked_up or any(costs.family_of(*name) == costs.LOOKUP for name in names)
        at = done.marks
        counts = [at[3 * i + 2] - 2 * at[3 * i + 1] + at[3 * i] for i in range(len(names))]
        rows += _rows(interpreter, counts, "c", names)
    return rows


def measure_board(isa: str, known: Collection[str] = ()) -> list[Row]:
    """Instructions on an emulated microcontroller, for the code that ``xlite compile`` writes."""
    from benchmarks.cost_boards import instructions  # needs compilers that the others do not

    model = grid(SMALL)
    works = [costs.work(spec) for spec in Interpreter(model, backend="c", prepack=False)._open().specs]
    return [
        Row("c", done.key, done.macs, done.elements, instructions(isa, alone(model, index)))
        for index, done in enumerate(works)
        if done.key not in known
    ]


def _fill(interpreter: Interpreter) -> None:
    rng = np.random.default_rng(0)
    for index in interpreter.model.inputs:
        memory = interpreter.tensor(index)()
        drawn = rng.normal(size=memory.shape) if memory.dtype.kind == "f" else rng.integers(0, 256, memory.shape)
        memory[...] = drawn


def _best(step: Callable[[], None]) -> float:
    """The best of some runs, in nanoseconds; by the clock in C where the step has one."""
    profile = getattr(step, "profile", None)
    step()
    best, begun = float("inf"), perf_counter_ns()
    for _ in range(_REPEATS):
        if profile is not None:
            best = min(best, profile()[0])
        else:
            start = perf_counter_ns()
            step()
            best = min(best, perf_counter_ns() - start)
        if perf_counter_ns() - begun > _SECONDS * 1e9:
            break
    return max(best, 1.0)


def _rows(
    interpreter: Interpreter, found: Sequence[float], backend: str, names: Optional[Sequence[Sequence[str]]] = None
) -> list[Row]:
    """A row for each op that ran on ``backend``."""
    program = interpreter._open()
    rows = []
    for i, (spec, choice, cost) in enumerate(zip(program.specs, program.choices, found)):
        name, its_backend = names[i] if names else (choice.kernel.name, choice.kernel.backend)
        if its_backend == backend:
            done = costs.work(spec)
            family = costs.family_of(name, backend)
            rows.append(Row(family, done.key, done.macs, done.elements, cost, done.calls(family)))
    return rows


# -- fitting -------------------------------------------------------------------------------------------------


def fit(rows: Iterable[Row]) -> dict[str, dict[str, tuple[float, float, float]]]:
    """Rates by family and class: (a multiply-accumulate, an element, a call)."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.family, row.key), []).append(row)
    rates: dict[str, dict[str, tuple[float, float, float]]] = {}
    for (family, key), group in sorted(groups.items()):
        columns = [[r.macs for r in group], [r.elements for r in group], [r.calls for r in group]]
        if any(columns[0]) and family != costs.LOOKUP:
            columns[2] = [0 for _ in group]  # what a call of these costs drowns in what they compute
        a, b, c = _least_squares(np.array(columns, float).T, np.array([r.cost for r in group], float))
        rates.setdefault(family, {})[key] = (_short(a), _short(b), _short(c))
    return rates


def _least_squares(work: np.ndarray, cost: np.ndarray) -> list[float]:
    """Factors of at least 0 whose relative errors have the least sum of squares: of all sets of columns that give
    such, the best."""
    scaled = work / cost[:, np.newaxis]
    best, least = [0.0] * work.shape[1], float("inf")
    for chosen in range(1, 1 << work.shape[1]):
        columns = [i for i in range(work.shape[1]) if chosen >> i & 1 and work[:, i].any()]
        if not columns or len(columns) > len(cost):
            continue
        found = np.linalg.lstsq(scaled[:, columns], np.ones(len(cost)), rcond=None)[0]
        error = float(((scaled[:, columns] @ found - 1) ** 2).sum())
        if (found >= 0).all() and error < least - 1e-12:
            best, least = [0.0] * work.shape[1], error
            for i, value in zip(columns, found):
                best[i] = float(value)
    return best


def _short(value: float) -> float:
    """Three digits."""
    return float(f"{value:.3g}")


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {family: {**old.get(family, {}), **new.get(family, {})} for family in {**old, **new}}


# -- writing -------------------------------------------------------------------------------------------------


def write_table(figures: dict[str, dict[str, Any]], path: Path = TABLE) -> None:
    """Writes the module of figures."""
    lines = [
        f'"""Measured costs, by instruction set. Written by ``{COMMAND}``: run it again, do not edit.',
        "",
        "FIGURES[isa] has the unit, the command that measured, and rates[family of kernels][class of op]: what",
        "(a multiply-accumulate, an element, a call) cost.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Any",
        "",
        "FIGURES: dict[str, dict[str, Any]] = {",
    ]
    for isa, found in sorted(figures.items()):
        lines += [
            f'    "{isa}": {{',
            f'        "unit": "{found["unit"]}",',
            f'        "source": "{found["source"]}",',
        ]
        lines.append('        "rates": {')
        for family, rates in sorted(found["rates"].items()):
            lines.append(f'            "{family}": {{')
            lines += [f'                "{key}": {tuple(rate)!r},' for key, rate in sorted(rates.items())]
            lines.append("            },")
        lines += ["        },", "    },"]
    path.write_text("\n".join([*lines, "}", ""]), encoding="utf-8")


def read_rows(path: Path) -> list[Row]:
    """Rows that somebody else measured: a JSON list of objects with the fields of :class:`Row`."""
    return [Row(**fields) for fields in json.loads(path.read_text(encoding="utf-8"))]


@click.command()
@click.argument("isas", nargs=-1, type=click.Choice([costs.HOST, *MACHINES, *BOARDS]))
@click.option(
    "--rows", "given", type=click.Path(exists=True, path_type=Path), help="Take rows from this JSON file."
)
@click.option("--new", is_flag=True, help="Of microcontrollers, only classes of op that have no figures yet.")
@click.option("--save", type=click.Path(path_type=Path), help="Write the rows of the last ISA to this JSON file.")
def main(isas: tuple[str, ...], given: Optional[Path], new: bool, save: Optional[Path]) -> None:
    """Measures the instruction sets ISAS (all of them if none is named) and writes interpreter/cost_figures.py.

    Those that are not named keep their figures. --rows: calibrates the one ISA that is named by somebody else's
    measurement, for example of the board itself.
    """
    from xlite.interpreter.cost_figures import FIGURES

    figures = dict(FIGURES)
    if given is not None and len(isas) != 1:
        raise click.UsageError("--rows calibrates one ISA: name it")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grid.xlite"
        path.write_bytes(write_model(grid()))
        load_model(path)
        for isa in isas or (costs.HOST, *MACHINES, *BOARDS):
            old = figures[isa]["rates"] if new and isa in BOARDS and isa in figures else {}
            rows = read_rows(given) if given is not None else measure(isa, path, old.get("c", {}))
            unit = "ns" if isa == costs.HOST else "instructions"
            source = f"{COMMAND} {isa}" + (f" --rows {given.name}" if given is not None else "")
            figures[isa] = {"unit": unit, "source": source, "rates": _merged(old, fit(rows))}
            click.echo(f"{isa}: {len(rows)} runs of {len({r.key for r in rows})} classes of op, in {unit}")
            if save is not None:
                save.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    write_table(figures)


if __name__ == "__main__":
    main()
