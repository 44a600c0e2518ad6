"""The C library's code for ARMv6 by itself: programs for an ARM1176, run under qemu, and the size of its loops.

Where the extra ``wheels`` is installed, the compiler is that of the wheels and loops are those of the library that
is shipped; else it is Debian's gcc for armel. Without either, or without qemu, a test is skipped.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmarks.device import emulator
from tests.device import setup
from tests.device.machines import PI_ZERO
from tools.wheels import cross
from tools.wheels.targets import ARMV6L_SOFTFP, Library
from xlite.interpreter.c import build

VFP = ARMV6L_SOFTFP
SOFT = Library("armv6-soft", VFP.triple, "arm1176jz_s")  # the same core without a floating-point unit
GCC, OBJDUMP = "arm-linux-gnueabi-gcc", "arm-linux-gnueabi-objdump"
_GCC_FLAGS = {
    VFP: ["-mcpu=arm1176jzf-s", "-marm", "-mfpu=vfp", "-mfloat-abi=softfp"],
    SOFT: ["-mcpu=arm1176jz-s", "-marm", "-mfloat-abi=soft"],
}


def compiled(program: Path, sources: Iterable[Path], core: Library, folder: Path, *flags: str) -> list[str]:
    """A command that runs ``program`` and ``sources`` on the core, compiled into ``folder``. Skips the test where
    that cannot be."""
    if cross.available():
        cross.use_cache()
        compiler = cross.compiler(core)
    elif shutil.which(GCC):
        compiler = [GCC, *_GCC_FLAGS[core], "-static"]
    else:
        pytest.skip(f"neither ziglang, of the extra 'wheels', nor {GCC} is installed here")
    try:
        run = emulator.machine() if cross.available() else [setup.emulator(PI_ZERO), "-cpu", PI_ZERO.cpu]
    except setup.Unavailable as reason:
        pytest.skip(str(reason))
    made = Path(tempfile.mkdtemp(dir=folder), program.stem)
    command = [*compiler, *build.FLAGS, *flags, *build.include_flags(), str(program), *map(str, sources), "-lm"]
    subprocess.run([*command, "-o", str(made)], check=True)
    return [*run, str(made)]


def loop_sizes(source: str, function: str) -> list[int]:
    """How many instructions each innermost loop of a function in ``arch/<source>`` has."""
    if all(map(importlib.util.find_spec, ("ziglang", "capstone", "unicorn", "elftools"))):
        jumps = _jumps_of_the_wheel()[function]
    elif shutil.which(GCC) and shutil.which(OBJDUMP):
        jumps = _jumps_of_gcc(source)[function]
    else:
        pytest.skip(f"neither the extra 'wheels' nor {OBJDUMP} is installed here")
    back = [(to, at) for at, to in jumps if to < at]
    inner = [a for a in back if not any(b != a and a[0] <= b[0] and b[1] <= a[1] for b in back)]
    return [(end - begin) // 4 + 1 for begin, end in inner]


# By function: where it jumps from and to, if the condition is that of a loop.
_Jumps = dict[str, list[tuple[int, int]]]
_CONDITIONS = ("bne", "bgt")


@functools.cache
def _jumps_of_the_wheel() -> _Jumps:
    import capstone
    from elftools.elf.elffile import ELFFile

    from tests.wheels import building, instructions

    path = building.library_with_symbols(VFP)
    reader = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_ARM)
    words = dict(instructions.words(path))
    with open(path, "rb") as file:
        symbols = list(ELFFile(file).get_section_by_name(".symtab").iter_symbols())
    found: _Jumps = {}
    for symbol in (symbol for symbol in symbols if symbol["st_info"]["type"] == "STT_FUNC"):
        start = symbol["st_value"]
        places = [at for at in range(start, start + symbol["st_size"], 4) if at in words]
        texts = [text for at in places for text in reader.disasm_lite(words[at], at)]
        found[symbol.name] = [(at, int(to[1:], 16)) for at, _, what, to in texts if what in _CONDITIONS]
    return found


@functools.cache
def _jumps_of_gcc(source: str) -> _Jumps:
    with tempfile.TemporaryDirectory() as folder:
        made = str(Path(folder, "made.o"))
        command = [GCC, *build.FLAGS, *_GCC_FLAGS[VFP], *build.include_flags(), "-c"]
        subprocess.run([*command, str(build.ROOT / "arch" / source), "-o", made], check=True)
        dump = [OBJDUMP, "-d", "--no-show-raw-insn", made]
        text = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
    jump = re.compile(rf"^\s*([0-9a-f]+):\s+(?:{'|'.join(_CONDITIONS)})\s+([0-9a-f]+)", re.MULTILINE)
    parts = re.split(r"^[0-9a-f]+ <(\w+)>:$", text, flags=re.MULTILINE)[1:]
    return {
        name: [(int(at, 16), int(to, 16)) for at, to in jump.findall(body)]
        for name, body in zip(parts[::2], parts[1::2])
    }
