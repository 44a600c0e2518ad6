"""Networks on boards: a program that runs them on given inputs through one of the two front doors, and prints what
comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Optional

import numpy as np

from tests.mcu import toolchain
from tests.mcu.boards import Board
from tests.mcu.emulator import Run, run
from xlite.converter.codegen import Generated, generate
from xlite.converter.codegen.golden import run_on, sample
from xlite.converter.codegen.text import ports
from xlite.interpreter import planner
from xlite.schema import write_model
from xlite.schema.types import Model

STACK = 2048  # bytes that are left for it
SPARE = 768  # and for what else a program has


@dataclass(frozen=True, eq=False)
class Golden:
    """A network, an input and what the Python interpreter computes for it; arrays as they are stored."""

    name: str
    model: Model
    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]


def golden(name: str, model: Model, seed: int = 1) -> Golden:
    """With pseudo-random inputs of both signs."""
    inputs, state = [], seed
    for tensor in model.inputs:
        made, state = sample(model.tensors[tensor].type, state)
        inputs.append(made * 2 - 1 if made.dtype == np.float32 else made)
    return Golden(name, model, tuple(inputs), tuple(run_on(model, inputs, "c")))


@dataclass(frozen=True)
class Program:
    """files: path within a folder -> text. library: sources that it is linked with. arena: bytes, of the network
    with the largest."""

    files: dict[str, str]
    library: tuple[Path, ...]
    arena: int


@dataclass(frozen=True)
class Result:
    """stack: bytes that one run touched. arena: bytes, at least; fastest: those with which every op has the kernel
    that it would like."""

    stack: int
    arena: int
    fastest: int
    outputs: tuple[np.ndarray, ...]


@cache
def generated(network: Golden, prefix: str, target: str = "generic") -> Generated:
    return generate(network.model, prefix=prefix, arena="caller", target=target)


def arena_bytes(network: Golden) -> int:
    """Of generated code: nothing else in it is RAM."""
    return generated(network, "n0").network.arena_bytes


def ahead_of_time(networks: Sequence[Golden], board: Board) -> Program:
    """As ``xlite compile`` writes them, in one arena. The kernels that they share are the library's."""
    files: dict[str, str] = {}
    calls, arena = [], 0
    for i, network in enumerate(networks):
        made = generated(network, f"n{i}")
        files.update({path: text for path, text in made.files.items() if path in (f"n{i}.c", f"n{i}.h")})
        arena = max(arena, made.network.arena_bytes)
        inputs, outputs = _ports(made, f"n{i}", "input"), _ports(made, f"n{i}", "output")
        calls.append(
            _Calls("", _Need.of(f"N{i}_ARENA_BYTES"), f"n{i}_run(arena)", inputs, outputs, [f'#include "n{i}.h"'])
        )
    files["main.c"] = _main(networks, calls, arena)
    return Program(files, tuple(toolchain.kernel_sources()), arena)


def alone(network: Golden, target: str = "generic") -> Program:
    """One network as ``xlite compile --target`` writes it: its own files and no others."""
    made = generated(network, "n0", target)
    files = {path: text for path, text in made.files.items() if path.endswith((".c", ".h")) and path != "main.c"}
    inputs, outputs = _ports(made, "n0", "input"), _ports(made, "n0", "output")
    calls = _Calls("", _Need.of("N0_ARENA_BYTES"), "n0_run(arena)", inputs, outputs, ['#include "n0.h"'])
    arena = made.network.arena_bytes
    return Program({**files, "main.c": _main([network], [calls], arena)}, (), arena)


def _ports(made: Generated, prefix: str, what: str) -> list[str]:
    return [f"{prefix}_{port.suffix}(arena)" for port in ports(made.network.model, what)]


def interpreted(
    networks: Sequence[Golden], board: Board, ops: Sequence[str] = (), arena: Optional[int] = None
) -> Program:
    """As .xlite files that lie in flash, run by the interpreter. ops: entries of its table; all that there are if
    none is given. arena: bytes; if not given what the board has left, or a quarter of a MiB: where there is room,
    convolutions look up (lookup/lookup.h)."""
    table = f"XLITE_REGISTER(table, {', '.join(ops)});\n#define OPS table" if ops else "#define OPS xl_all_ops"
    calls = []
    for i, network in enumerate(networks):
        file = write_model(planned(network))
        data = np.frombuffer(file, np.uint8)
        top = ['#include "xlite.h"', table, _OPEN] if i == 0 else []
        top.append(f"static const uint32_t file{i}[] XL_ALIGNED = {_words(data)};")
        inputs = [f"xl_model_input(&model, {k})" for k in range(len(network.inputs))]
        outputs = [f"xl_model_output(&model, {k})" for k in range(len(network.outputs))]
        opened = f"if (!open_model(file{i}, {len(file)})) return 1;"
        need = _Need("need.total", "need.fastest")
        calls.append(_Calls(opened, need, "xl_model_invoke(&model)", inputs, outputs, top))
    if arena is None:
        arena = min(board.ram.size - STACK - SPARE, 2**18) // 16 * 16
    return Program({"main.c": _main(networks, calls, arena)}, tuple(toolchain.portable_sources()), arena)


_OPEN = """static xl_model model;
static xl_arena_need need;
static int open_model(const void *file, size_t bytes) {
  xl_error error;
  char text[200];
  xl_model_arena_bytes(file, bytes, OPS, &need, NULL);
  if (xl_model_open(&model, file, bytes, OPS, arena, ARENA_BYTES, &error) == XL_RULE_NONE) return 1;
  board_write(xl_error_text(&error, text, sizeof text));
  return 0;
}"""


def planned(network: Golden) -> Model:
    """With the plan that a file has."""
    model = network.model
    return model if model.plan is not None else replace(model, plan=planner.plan(model))


@dataclass(frozen=True)
class _Need:
    """Of the arena, as C."""

    least: str
    fastest: str

    @classmethod
    def of(cls, macro: str) -> _Need:
        return cls(macro, macro)


@dataclass(frozen=True)
class _Calls:
    """C for one network. opened: a statement before all else."""

    opened: str
    need: _Need
    run: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    top: Sequence[str]


_ARENA = """#include <stdint.h>
static uint32_t arena[ARENA_BYTES / 4] __attribute__((section(".arena"), aligned(16)));"""


def _main(networks: Sequence[Golden], calls: Sequence[_Calls], arena: int) -> str:
    top = ['#include "board.h"', "#include <string.h>", *(line for call in calls for line in call.top)]
    bytes_ = (arena + 15) // 16 * 16
    top = [f"#define ARENA_BYTES {bytes_}", _ARENA, *top]
    body = []
    for i, (network, call) in enumerate(zip(networks, calls)):
        body.append(f"  {call.opened}")
        top.append(f"static void run{i}(void *unused) {{ (void)unused; {call.run}; }}")
        for k, (value, to) in enumerate(zip(network.inputs, call.inputs)):
            top.append(f"static const uint32_t given{i}_{k}[] = {_words(value)};")
            body.append(f"  memcpy({to}, given{i}_{k}, {value.nbytes});")
        body.append(f"  board_write_number(board_stack_of(run{i}, NULL));")
        for number in (call.need.least, call.need.fastest):
            body += ['  board_write(" ");', f"  board_write_number((uint32_t){number});"]
        for value, at in zip(network.outputs, call.outputs):
            body += ['  board_write(" ");', f"  board_write_bytes({at}, {value.nbytes});"]
        body.append('  board_write("\\n");')
    return "\n".join([*top, "int main(void) {", *body, "  return 0;", "}", ""])


def _words(array: np.ndarray) -> str:
    """The bytes of an array, filled up to words, as a C initializer."""
    data = np.ascontiguousarray(array).tobytes()
    padded = np.frombuffer(data + bytes(-len(data) % 4), "<u4")
    return "{" + ", ".join(f"0x{word:x}" for word in padded) + "}"


def build(board: Board, program: Program, folder: Path, optimize: str = "-O2", flags: Sequence[str] = ()) -> Path:
    """flags: of the compiler, for all of it."""
    for name, text in program.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    own = [toolchain.FIRMWARE / "board.c", toolchain.FIRMWARE / f"{board.family}.c"]
    include = (
        [f"-I{folder}", f"-I{folder / 'xlite'}"]
        if not program.library
        else [f"-I{folder}", *toolchain.include_flags()]
    )
    sources = [*own, *(folder / name for name in program.files if name.endswith(".c"))]
    objects = toolchain.compile_all(board, sources, folder / "objects", optimize, include)
    objects += toolchain.library_objects(board, program.library, optimize, flags)
    return toolchain.link(board, objects, folder / f"{board.name}.elf", STACK)


def results(done: Run, networks: Sequence[Golden]) -> list[Result]:
    """What the program printed."""
    lines = done.lines()
    assert len(lines) == len(networks)
    found = []
    for line, network in zip(lines, networks):
        stack, arena, fastest, *outputs = line.split()
        arrays = [
            np.frombuffer(bytes.fromhex(text), value.dtype).reshape(value.shape)
            for text, value in zip(outputs, network.outputs)
        ]
        found.append(Result(int(stack), int(arena), int(fastest), tuple(arrays)))
    return found


def run_networks(
    board: Board, networks: Sequence[Golden], folder: Path, door: Callable[..., Program], optimize: str = "-O2"
) -> list[Result]:
    """door: ahead_of_time or interpreted, or one that makes such a Program."""
    elf = build(board, door(networks, board), folder, optimize)
    return results(run(board, elf, count=False), networks)
