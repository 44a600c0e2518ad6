"""``python -m benchmarks.model_loops``: what models of processors that are not here make of the inner loops.

The compiler makes each instruction set's tiles as the library has them; the loop that counts is cut out of the
disassembly and given to llvm-mca, which knows the ports, queues and latencies of many cores, but has every load
hit the nearest cache and guesses every branch. The same model runs the bare operations of a matrix product of bits
with operands in registers: that is the bound which the loop is held against. A model and not a measurement.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import click

from benchmarks import table
from xlite.interpreter.c import build

BEGIN, END = "<!-- model: begin -->", "<!-- model: end -->"
ITERATIONS = 500


class NoModel(Exception):
    """There is no model to ask, or no loop to ask about; the message says why."""


@dataclass(frozen=True)
class Loop:
    """An inner loop and what is known of it.

    prefix: of the tools where the machine is of another kind. counts: how instructions that count begin. products:
    binary multiply-accumulates of one iteration. bound: the bare operations of ``bound_products`` of them; {0} and
    {1} are the numbers of the registers of the sum and of what comes between. options: llvm-mca's, for its cores.
    """

    name: str
    source: str
    prefix: str
    flags: tuple[str, ...]
    function: str
    counts: str
    products: int
    bound: tuple[str, ...]
    bound_products: int
    options: tuple[str, ...]
    cores: tuple[str, ...]

    @property
    def tools(self) -> tuple[str, str]:
        """The compiler and the disassembler."""
        here = platform.machine() in ("x86_64", "AMD64") and self.prefix.startswith("x86_64")
        prefix = "" if here else self.prefix
        return f"{prefix}gcc", f"{prefix}objdump"


LOOPS = (
    Loop(
        name="AVX-512",
        source="x86_avx512.c",
        prefix="x86_64-linux-gnu-",
        flags=(),
        function="add_chunk_6x1",
        counts="vpopcnt",
        products=12 * 2 * 512,
        bound=(
            "vpxord %zmm30, %zmm31, %zmm{1}",
            "vpopcntd %zmm{1}, %zmm{1}",
            "vpaddd %zmm{1}, %zmm{0}, %zmm{0}",
        ),
        bound_products=512,
        options=("-mtriple=x86_64",),
        cores=("znver4", "sapphirerapids", "icelake-server"),
    ),
    Loop(
        name="AVX2",
        source="x86_avx2.c",
        prefix="x86_64-linux-gnu-",
        flags=(),
        function="add_chunk_6x2",
        counts="vpshufb",
        products=12 * 2 * 128,
        bound=("vpshufb %ymm15, %ymm14, %ymm{1}", "vpaddb %ymm{1}, %ymm{0}, %ymm{0}"),
        bound_products=128,
        options=("-mtriple=x86_64",),
        cores=("znver3", "skylake", "icelake-server"),
    ),
    Loop(
        name="NEON, 64 bits",
        source="arm_neon.c",
        prefix="aarch64-linux-gnu-",
        flags=(),
        function="(?:add_whole_chunk|add_line)",
        counts="cnt",
        products=20 * 128,
        bound=(
            "eor v{1}.16b, v30.16b, v31.16b",
            "cnt v{1}.16b, v{1}.16b",
            "add v{0}.16b, v{0}.16b, v{1}.16b",
        ),
        bound_products=128,
        options=("-mtriple=aarch64-linux-gnu",),
        cores=("cortex-a53", "cortex-a72", "neoverse-n1", "neoverse-v2"),
    ),
    Loop(
        name="NEON, 32 bits",
        source="arm_neon.c",
        prefix="arm-linux-gnueabihf-",
        flags=("-mcpu=cortex-a7", "-mfpu=neon-vfpv4"),
        function="add_two_pixels",
        counts="vcnt",
        products=4 * 8 * 128,
        bound=("veor q{1}, q14, q15", "vcnt.8 q{1}, q{1}", "vadd.i8 q{0}, q{0}, q{1}"),
        bound_products=128,
        options=("-mtriple=thumbv7-linux-gnueabihf", "-mattr=+neon"),
        cores=("cortex-a8", "cortex-a9", "cortex-a57", "cortex-r52"),
    ),
)
_SUMS = 6  # of a bound's loop: as many steps side by side, for cores that run instructions in order
_LABEL = "inner_loop"


@dataclass(frozen=True)
class Row:
    """What one core's model says: cycles of an iteration, and of as many bare products."""

    loop: Loop
    core: str
    cycles: float
    bound: float

    @property
    def share(self) -> float:
        return self.bound / self.cycles


def find_model() -> str:
    """The newest llvm-mca on the path. Raises NoModel."""
    found = [name for name in ("llvm-mca", *(f"llvm-mca-{n}" for n in range(11, 40))) if shutil.which(name)]
    if not found:
        raise NoModel("llvm-mca is not installed here: install it, for example with 'apt install llvm'")
    return max(found, key=_version)


def _version(command: str) -> int:
    said = re.search(r"version (\d+)", _output([command, "--version"]))
    return int(said.group(1)) if said else 0


def inner_loop(loop: Loop, folder: Path) -> list[str]:
    """The instructions of the loop, its jump backwards to a label. Raises NoModel."""
    compiler, disassembler = loop.tools
    for tool in (compiler, disassembler):
        if not shutil.which(tool):
            raise NoModel(f"{tool} is not installed here")
    made = folder / "loop.o"
    source = build.ROOT / "arch" / loop.source
    _output([compiler, *build.FLAGS, *loop.flags, *build.include_flags(), "-c", str(source), "-o", str(made)])
    dump = _output([disassembler, "-d", "--no-show-raw-insn", str(made)]) + "\n\n"
    function = re.search(rf"<{loop.function}>:\n(.*?)\n\n", dump, re.DOTALL)
    if function is None:
        raise NoModel(f"{loop.source} has no function {loop.function} in it")
    lines = [(int(at, 16), text.strip()) for at, text in re.findall(r"^\s*([0-9a-f]+):\t(.*)$", function[1], re.M)]
    return _innermost([(at, re.split(r"//|[;@<]|# ", text)[0].strip()) for at, text in lines], loop.counts)


def _innermost(lines: Sequence[tuple[int, str]], counts: str) -> list[str]:
    """Of the loops without a loop inside, the one that counts most; of those that count alike the shortest."""
    loops = []
    for at, text in lines:
        jump = re.match(r"(?:j|b)[a-z.]*\s+([0-9a-f]+)$", text)
        if jump and int(jump[1], 16) <= at:
            loops.append((int(jump[1], 16), at))
    inner = [a for a in loops if not any(a != b and a[0] <= b[0] and b[1] <= a[1] for b in loops)]
    bodies = [[text for at, text in lines if begin <= at <= end] for begin, end in inner]

    def rank(body: Sequence[str]) -> tuple[int, int]:
        return sum(text.startswith(counts) for text in body), -len(body)

    best = max(bodies, key=rank, default=[])
    if not best or not rank(best)[0]:
        raise NoModel(f"no loop with {counts} was found")
    return [*best[:-1], f"{best[-1].split()[0]} {_LABEL}"]


def bound_loop(loop: Loop) -> list[str]:
    """The bare operations, side by side, so that nothing but the core's units holds them up."""
    return [line.format(i, _SUMS + i) for line in loop.bound for i in range(_SUMS)]


def cycles(model: str, loop: Loop, core: str, text: Sequence[str]) -> Optional[float]:
    """Cycles of one iteration; None where this llvm-mca does not know the core."""
    command = [model, *loop.options, f"-mcpu={core}", f"-iterations={ITERATIONS}"]
    source = f"{_LABEL}:\n" + "\n".join(text) + "\n"
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    total = re.search(r"Total Cycles:\s+(\d+)", done.stdout)
    if total:
        return int(total[1]) / ITERATIONS
    if "not a recognized processor" in done.stderr or "scheduling information" in done.stderr:
        return None
    raise NoModel(
        f"{model} could not read the loop of {loop.name}: {(done.stderr.splitlines() or ['no reason'])[0]}"
    )


def rows_of(model: str, loop: Loop) -> list[Row]:
    """A row a core that the model knows. Raises NoModel."""
    with tempfile.TemporaryDirectory() as folder:
        text = inner_loop(loop, Path(folder))
    found = []
    for core in loop.cores:
        took, bare = cycles(model, loop, core, text), cycles(model, loop, core, bound_loop(loop))
        if took is not None and bare is not None:
            found.append(Row(loop, core, took, bare * loop.products / (loop.bound_products * _SUMS)))
    return found


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoModel(f"'{command[0]}' failed: {(done.stderr.strip().splitlines() or ['no message'])[0]}")
    return done.stdout


def table_of(rows: Sequence[Row]) -> table.Table:
    head = ["inner loop", "core", "products", "cycles", "products a cycle", "cycles of bare products", "share"]
    lines: list[list[table.Cell]] = []
    for row in rows:
        numbers = (row.cycles, row.loop.products / row.cycles, row.bound)
        figures = [(table.number(n),) for n in numbers]
        lines.append([(row.loop.name,), (row.core,), (f"{row.loop.products:,}",), *figures, (f"{row.share:.0%}",)])
    return table.Table(head, lines)


@click.command()
@click.option("--markdown", type=click.Path(path_type=Path), help="A document with a place for the table.")
def main(markdown: Optional[Path]) -> None:
    """What llvm-mca's models of processors say of the loops that count bits: cycles, and the share of what bare
    operations reach in the same model. A model and not a measurement."""
    try:
        model = find_model()
    except NoModel as error:
        raise click.ClickException(str(error)) from None
    rows, notes = [], [f"By {model} of LLVM {_version(model)}; a model, not a measurement"]
    for loop in LOOPS:
        try:
            rows += rows_of(model, loop)
        except NoModel as error:
            notes.append(f"{loop.name}: {error}")
    text = table.markdown_table(table_of(rows)) + "\n\n" + "\n".join(f"- {note}" for note in notes) + "\n"
    click.echo(text, nl=False)
    if markdown is not None:
        try:
            table.write_markdown(markdown, text, BEGIN, END)
        except ValueError as error:
            raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
