"""What ops cost on emulated microcontrollers: each as a program of its own, made as ``xlite compile`` makes
them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.mcu import networks, toolchain
from tests.mcu.boards import board
from tests.mcu.emulator import run
from xlite.converter.codegen import generate
from xlite.interpreter import planner
from xlite.schema.types import Model

BOARDS = {
    "armv6-m": "microbit",
    "armv7e-m+fp": "mps2-an386",
    "armv7e-m+fp.dp": "mps2-an500",
    "rv32imac": "virt-rv32",
}
_MAIN = """#include "board.h"
#include "n0.h"
static uint32_t arena[{words}] __attribute__((section(".arena"), aligned(16)));
int main(void) {{
  for (int i = 0; i < RUNS; ++i) n0_run(arena);
  return 0;
}}
"""


def instructions(isa: str, model: Model) -> int:
    """Of one run of a model: what a program that runs it twice executes more than one that runs it once."""
    there = board(BOARDS[isa])
    model.plan = planner.plan(model)
    made = generate(model, prefix="n0", arena="caller")
    files = {path: text for path, text in made.files.items() if path in ("n0.c", "n0.h")}
    words = max(4, (made.network.arena_bytes + 15) // 16 * 4)
    totals = []
    for runs in (1, 2):
        main = f"#define RUNS {runs}\n" + _MAIN.format(words=words)
        program = networks.Program({**files, "main.c": main}, tuple(toolchain.kernel_sources()), 0)
        with tempfile.TemporaryDirectory() as folder:
            done = run(there, networks.build(there, program, Path(folder)))
        done.lines()
        totals.append(sum(done.instructions.values()))
    return totals[1] - totals[0]
