"""What the generated C takes on its target: built and linked by that target's toolchain, read off the program."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlite.converter.codegen.network import Network
from xlite.converter.codegen.stack import deepest, read_call_graph
from xlite.converter.codegen.targets import CompileTarget, get_compile_target
from xlite.converter.codegen.text import ports
from xlite.converter.codegen.vendored import FOLDER

FLAGS = ("-std=c99", "-Os", "-ffp-contract=off", "-ffunction-sections", "-fdata-sections")
_SECONDS = 120

# One section for each kind of content, whatever the toolchain's own script would do.
_SCRIPT = """
SECTIONS {
  .text : { *(.text .text.* .init .init.* .literal .literal.*) }
  .rodata : { *(.rodata .rodata.* .srodata .srodata.*%s) }
  .data : { *(.data .data.* .sdata .sdata.* .tdata .tdata.*) }
  .bss : { *(.bss .bss.* .sbss .sbss.* .tbss .tbss.* COMMON) }
  PROVIDE(end = .);
  PROVIDE(_end = .);
  PROVIDE(__heap_start = .);
  PROVIDE(__heap_end = .);
  /DISCARD/ : { *(.ARM.exidx* .ARM.extab* .eh_frame* .comment .xt.prop .xt.lit) }
}
"""


class NotMeasured(Exception):
    """There is no figure; the message says why."""


@dataclass(frozen=True)
class Measured:
    """Bytes of the linked program without its start-up code. code: instructions, the C library's included; tables:
    constants beside the weights; data: initialised RAM; bss: the rest, the arena included; stack: the deepest path
    of calls, by the compiler's figures, or -1 where it gives none. compiler: its first line."""

    compiler: str
    flags: str
    code: int
    tables: int
    weights: int
    data: int
    bss: int
    stack: int

    @property
    def flash(self) -> int:
        return self.code + self.tables + self.weights + self.data

    def rows(self, arena: int) -> list[tuple[str, int]]:
        """For people; ``arena`` bytes of the bss have a line of their own."""
        rows = [
            ("flash: code", self.code),
            ("flash: tables", self.tables),
            ("flash: weights", self.weights),
            ("flash in all", self.flash),
            ("RAM: arena", arena),
            ("RAM: other static data", self.data + self.bss - (arena if self.bss >= arena else 0)),
        ]
        return [*rows, ("RAM: stack, deepest path", self.stack)] if self.stack >= 0 else rows


def measure(network: Network, files: Mapping[str, str]) -> Measured:
    """Builds ``files`` in a folder of its own. Raises NotMeasured where there is no toolchain or it fails."""
    target = get_compile_target(network.options.target)
    if not network.options.kernels:
        raise NotMeasured("the kernels are not beside the code")
    compiler = next((found for found in map(shutil.which, target.compilers) if found), None)
    if compiler is None:
        raise NotMeasured(f"{target.compilers[0]} is not installed here")
    with tempfile.TemporaryDirectory(prefix="xlite-") as name:
        folder = Path(name)
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        _build(network, target, compiler, folder, sorted(files))
        return _read(network, target, compiler, folder)


def _libraries(target: CompileTarget, compiler: str) -> Sequence[str]:
    """The first of the target's C libraries that a program can be linked with."""
    with tempfile.TemporaryDirectory(prefix="xlite-") as name:
        folder = Path(name)
        (folder / "x.c").write_text("#include <stdint.h>\n#include <string.h>\nint32_t x(void) { return 0; }\n")
        for options in target.libraries:
            command = [compiler, *target.flags, *options, "-nostartfiles", "-Wl,-e,x", "x.c", "-o", "x"]
            try:
                _run(command, folder)
            except NotMeasured:
                continue
            return options
    raise NotMeasured(f"{Path(compiler).name} has no C library here")


def _build(network: Network, target: CompileTarget, compiler: str, folder: Path, files: Sequence[str]) -> None:
    prefix = network.options.prefix
    sources = [name for name in files if name.endswith(".c") and name != "main.c"]
    kept = [f"{prefix}_{port.suffix}" for what in ("input", "output") for port in ports(network.model, what)]
    libraries = _libraries(target, compiler)
    section = network.options.section
    (folder / "program.ld").write_text(_SCRIPT % (f" {section}" if section else ""))
    link = [
        *libraries,
        *(["-T", "program.ld"] if target.small else []),
        "-nostartfiles",
        "-Wl,--gc-sections",
        f"-Wl,-e,{prefix}_run",
    ]
    link += [f"-Wl,-u,{name}" for name in kept]
    command = [compiler, *FLAGS, *target.flags, "-I.", f"-I{FOLDER}", *sources, *link, "-lm", "-o", "program"]
    if "Free Software Foundation" in _run([compiler, "--version"], folder):  # gcc, whatever it is called
        command.insert(1, "-fcallgraph-info=su")
    _run(command, folder)


def _read(network: Network, target: CompileTarget, compiler: str, folder: Path) -> Measured:
    sizes = _sections(_run([_tool(compiler, "size"), "-A", "program"], folder))
    weights = network.weight_bytes
    constants = sum(size for name, size in sizes.items() if _is_constant(name, network.options.section))
    functions = set(re.findall(r" [tTwW] (\S+)", _run([_tool(compiler, "nm"), "program"], folder)))
    graph = read_call_graph([path.read_text() for path in folder.glob("*.ci")])
    return Measured(
        compiler=_version(compiler),
        flags=" ".join([*FLAGS, *target.flags]),
        code=sum(size for name, size in sizes.items() if name.startswith((".text", ".init"))),
        tables=max(constants - weights, 0),
        weights=weights,
        data=sum(size for name, size in sizes.items() if name.startswith((".data", ".sdata"))),
        bss=sum(size for name, size in sizes.items() if name.startswith((".bss", ".sbss"))),
        stack=deepest(graph, functions, f"{network.options.prefix}_run"),
    )


def _is_constant(name: str, section: str) -> bool:
    return name.startswith((".rodata", ".srodata")) or (section != "" and name == section)


def _sections(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, size in re.findall(r"^(\.\S+)\s+(\d+)\s", text, re.MULTILINE):
        found[name] = found.get(name, 0) + int(size)
    return found


def _tool(compiler: str, name: str) -> str:
    """``arm-none-eabi-gcc`` -> ``arm-none-eabi-size``; the system's where the compiler's name has no prefix."""
    path = Path(compiler)
    own = path.with_name(re.sub(r"g?cc$", name, path.name)) if path.name.endswith("gcc") else path.with_name(name)
    found = shutil.which(str(own)) or shutil.which(name)
    if found is None:
        raise NotMeasured(f"{own.name} is not installed here")
    return found


def _version(compiler: str) -> str:
    return _run([compiler, "--version"], Path()).splitlines()[0]


def _run(command: Sequence[str], folder: Path) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotMeasured(f"{Path(command[0]).name} could not be run ({error})") from None
    if done.returncode:
        said = (done.stderr.strip() or "it said nothing").splitlines()
        reason = next((line for line in said if "error" in line.lower() or "cannot" in line), said[0])
        raise NotMeasured(f"{Path(command[0]).name} failed: {reason.strip()}")
    return done.stdout
