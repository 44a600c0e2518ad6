"""One network on one board: built, run, compared with the Python interpreter, counted and weighed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.mcu import networks, toolchain
from tests.mcu.boards import Board
from tests.mcu.emulator import run
from tests.mcu.golden import assert_same
from tests.mcu.measure import instructions
from tests.mcu.networks import Golden, Program
from xlite.interpreter.kernels.c.library import ISA_ENVIRONMENT, PORTABLE
from xlite.schema.types import OpKind

_TARGETS = {"Cortex-M0": "cortex-m0plus", "Cortex-M7": "cortex-m7", "RV32IMAC": "rv32", "RV32IMAC + Zbb": "rv32"}
_EMPTY = "int main(void) { return 0; }\n"


@dataclass(frozen=True)
class Figures:
    """Bytes, and instructions of one run. text: with what of the C library and the compiler's is called; without
    the start-up. constants: weights, tables and parameters. ram: beside arena and stack."""

    instructions: int
    text: int
    constants: int
    arena: int
    stack: int
    ram: int

    @property
    def flash(self) -> int:
        return self.text + self.constants


def golden(name: str, model) -> Golden:
    """With what the portable kernels compute, whose sums have the order of a microcontroller's."""
    before = os.environ.get(ISA_ENVIRONMENT)
    os.environ[ISA_ENVIRONMENT] = PORTABLE
    try:
        return networks.golden(name, model)
    finally:
        os.environ.pop(ISA_ENVIRONMENT)
        if before is not None:
            os.environ[ISA_ENVIRONMENT] = before


def ahead_of_time(network: Golden, board: Board, optimize: str) -> Figures:
    """xlite compile: with --target where code is to be small, without where it is to be fast."""
    target = _TARGETS.get(board.core, "cortex-m4") if optimize == "-Os" else "generic"
    return _figures(network, board, optimize, lambda: networks.alone(network, target))


def interpreter(
    network: Golden, board: Board, optimize: str, every_op: bool = False, fast: bool = False
) -> Figures:
    """The interpreter with the entries that the network needs, or all, in the smallest arena. -Os: and XL_SMALL,
    which prefers small code."""
    ops = [] if every_op else entries(network)
    flags = ["-DXL_SMALL=1"] if optimize == "-Os" else []

    def program(arena: int | None = None) -> Program:
        return networks.interpreted([network], board, ops, arena)

    result, _ = _run(network, board, optimize, program, flags)
    return _figures(network, board, optimize, lambda: program(result.arena), flags)


def entries(network: Golden) -> list[str]:
    """Names of the table's entries. None by look-up, which is not faster on these cores."""
    made = networks.generated(network, "n0")
    functions = {call.function for call in made.network.calls} | set(made.network.functions.names)
    functions |= {"xl_reshape_copy"} if any(op.kind is OpKind.RESHAPE for op in network.model.ops) else set()
    return [f"xl_op_{name[3:]}" for name in sorted(functions)]


def _run(network: Golden, board: Board, optimize: str, program: Callable[[], Program], flags: Sequence[str]):
    with tempfile.TemporaryDirectory() as folder:
        elf = networks.build(board, program(), Path(folder), optimize, flags)
        done = run(board, elf, seconds=600)
        (result,) = networks.results(done, [network])
        assert_same(network, result.outputs)
        return result, (instructions(done), toolchain.sizes(board, elf))


def _figures(
    network: Golden, board: Board, optimize: str, program: Callable[[], Program], flags: Sequence[str] = ()
) -> Figures:
    result, (count, sizes) = _run(network, board, optimize, program, flags)
    empty = _empty(board, optimize)
    given = sum((value.nbytes + 3) // 4 * 4 for value in network.inputs)
    ram = sizes.data + sizes.bss - empty.data - empty.bss
    return Figures(
        count, sizes.text - empty.text, sizes.constants - empty.constants - given, sizes.arena, result.stack, ram
    )


@cache
def _empty(board: Board, optimize: str) -> toolchain.Sizes:
    """Of a program that does nothing but start and end."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "main.c"
        source.write_text(_EMPTY)
        return toolchain.sizes(board, toolchain.build(board, [source], Path(folder) / "empty.elf", optimize))
