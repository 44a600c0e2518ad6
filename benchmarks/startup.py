"""``python -m benchmarks.startup [MODEL ...]``: what a call costs beside its kernels, what a model costs to load.

The overhead is that of a chain of ops on a single float, whose kernels take nanoseconds. A model is loaded in a
process of its own: its first Interpreter, with all imports done but those it makes itself, then the best of many.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from xlite import Interpreter
from xlite.schema.types import (
    Activation,
    ActivationKind,
    ActivationOptions,
    DType,
    Model,
    Op,
    OpKind,
    Tensor,
    TensorType,
)

_ROUNDS = 300
_CALLS = 20  # a round
_LOADS = 15


def chain(length: int) -> Model:
    """``length`` ops, each an absolute value of one float."""
    options = ActivationOptions(Activation(ActivationKind.ABS))
    tensors = [Tensor(f"t{i}", TensorType((1, 1), DType.FLOAT32)) for i in range(length + 1)]
    ops = [Op(OpKind.ACTIVATION, (i,), (i + 1,), options, f"op{i}") for i in range(length)]
    return Model(tensors, ops, (0,), (length,))


def invoke_microseconds(model: Model) -> float:
    """The best round of calls of invoke()."""
    interpreter = Interpreter(model, backend="c")
    interpreter.allocate_tensors()
    interpreter.invoke()
    best = float("inf")
    for _ in range(_ROUNDS):
        start = perf_counter_ns()
        for _ in range(_CALLS):
            interpreter.invoke()
        best = min(best, (perf_counter_ns() - start) / _CALLS)
    return best / 1e3


def load_figures(path: str) -> dict[str, Any]:
    """In this process: milliseconds of the first and of the best load, prepacking included, and how far the peak
    of resident memory rose, beside what the account says."""
    before = _peak_bytes()
    start = perf_counter_ns()
    interpreter = Interpreter(path)
    interpreter.allocate_tensors()
    first = perf_counter_ns() - start
    interpreter.invoke()
    rose = _peak_bytes() - before
    best = first
    for _ in range(_LOADS):
        start = perf_counter_ns()
        again = Interpreter(path)
        again.allocate_tensors()
        best = min(best, perf_counter_ns() - start)
    account = dict(interpreter.account.rows())
    return {"first_ms": first / 1e6, "best_ms": best / 1e6, "rose": rose, "account": account}


def _peak_bytes() -> int:
    """The peak of this process's resident memory; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def _in_a_process(path: str) -> dict[str, Any]:
    code = "import sys, json; from benchmarks import startup; print(json.dumps(startup.load_figures(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{path}: {done.stderr.strip().splitlines()[-1]}")
    return dict(json.loads(done.stdout))


@click.command()
@click.argument("models", nargs=-1, type=click.Path(exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def main(models: tuple[str, ...], as_json: bool) -> None:
    """What a call costs beside its kernels, and what each MODEL (a .xlite file) costs to load."""
    one, many = invoke_microseconds(chain(1)), invoke_microseconds(chain(101))
    loads = {path: _in_a_process(path) for path in models}
    found = {"invoke_us": one, "op_us": (many - one) / 100, "models": loads}
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"invoke() of one op: {one:.2f} us; each further op {1e3 * found['op_us']:.0f} ns")
    if loads:
        table = Table("model", "first load ms", "best ms", "peak rose MB", "of which in the account MB")
        for path, f in loads.items():
            counted = sum(f["account"].values()) / 1e6
            times = f"{f['first_ms']:.1f}", f"{f['best_ms']:.1f}"
            table.add_row(Path(path).name, *times, f"{f['rose'] / 1e6:.1f}", f"{counted:.1f}")
        Console().print(table)


if __name__ == "__main__":
    main()
