"""Generated networks compiled into one program, which reads inputs and writes outputs as bytes."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xlite.converter.codegen import Generated, generate
from xlite.converter.codegen.text import ports
from xlite.converter.codegen.trim import trim_for
from xlite.interpreter.c.build import ROOT, STRICT, find_compiler
from xlite.schema.types import Model

COMPILER = find_compiler()
FLAGS = ("-std=c99", "-O1", "-ffp-contract=off", *STRICT)


def generate_all(models: Sequence[Model], **options) -> list[Generated]:
    return [generate(model, prefix=f"n{i}", **options) for i, model in enumerate(models)]


def driver(made: Sequence[Generated]) -> str:
    """A main() that runs the networks one after the other, on what it reads, and writes what they give."""
    lines = [f'#include "{g.network.options.prefix}.h"' for g in made]
    lines += ["#include <stdio.h>", "int main(void) {"]
    for g in made:
        prefix, caller = g.network.options.prefix, g.network.options.arena == "caller"
        memory = f"memory_{prefix}" if caller else ""
        if caller:
            lines.append(f"  static uint64_t {memory}[{prefix.upper()}_ARENA_BYTES / 8];")
        for port in ports(g.network.model, "input"):
            lines.append(
                f"  if (fread({prefix}_{port.suffix}({memory}), 1, {port.type.nbytes}, stdin) != "
                f"{port.type.nbytes}) return 2;"
            )
        lines.append(f"  {prefix}_run({memory});")
        for port in ports(g.network.model, "output"):
            lines.append(f"  fwrite({prefix}_{port.suffix}({memory}), 1, {port.type.nbytes}, stdout);")
    return "\n".join([*lines, "  return 0;", "}"]) + "\n"


def write_program(folder: Path, made: Sequence[Generated]) -> list[Path]:
    """The networks' files and the driver in ``folder``; the .c files."""
    texts = {"driver.c": driver(made)}
    for g in made:
        prefix = g.network.options.prefix
        texts.update({name: text for name, text in g.files.items() if name.startswith((f"{prefix}.", "xlite/"))})
    if "xlite/trim.h" in texts:  # each network leaves out what it can; together, what all can
        calls = [call for g in made for call in g.network.calls]
        library = (ROOT / "kernels" / "trim.h").read_text()
        texts["xlite/trim.h"] = trim_for(calls, made[0].network.small).header(library)
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return sorted(folder / name for name in texts if name.endswith(".c"))


def compile_program(
    folder: Path, made: Sequence[Generated], flags: Sequence[str] = FLAGS, compiler: Sequence[str] | None = None
) -> Path:
    files, binary = write_program(folder, made), folder / "program"
    command = [*(compiler or COMPILER or ["cc"]), *flags, f"-I{folder}", f"-I{folder / 'xlite'}", *map(str, files)]
    done = subprocess.run([*command, "-lm", "-o", str(binary)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]
    return binary


def run_program(
    binary: Path, made: Sequence[Generated], inputs: Sequence[Sequence[np.ndarray]]
) -> list[list[np.ndarray]]:
    """Every network's outputs, as stored. inputs: of every network, as stored."""
    given = b"".join(np.ascontiguousarray(x).tobytes() for of_one in inputs for x in of_one)
    done = subprocess.run([str(binary)], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[:4000]
    outputs, at = [], 0
    for g in made:
        found = []
        for port in ports(g.network.model, "output"):
            bytes_ = done.stdout[at : at + port.type.nbytes]
            found.append(np.frombuffer(bytes_, port.type.dtype.numpy))
            at += port.type.nbytes
        outputs.append(found)
    assert at == len(done.stdout)
    return outputs
