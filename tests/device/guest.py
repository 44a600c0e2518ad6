"""Runs Python scripts on an emulated computer with xlite installed, and measures them.

    from tests.device import guest
    run = guest.run("import xlite; ...", {"demo.xlite": path}, count=True)

    python -m tests.device.guest script.py demo.xlite --count        the same from the command line

The first call on a machine sets it up (see setup.py), which takes a minute; later ones rebuild the library and the
wheel where the sources changed. Instruction counts do not depend on what else this machine does: from run to run a
whole Python differs by some 1 in 100,000, since addresses and random numbers do, and computing alone by nothing.
Emulation knows nothing of caches and stalls, so there are no times.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Union

from tests.device import setup
from tests.device.groups import memory_group
from tests.device.machines import MACHINES, PI_ZERO, Machine
from tests.device.resident import Resident, Sampler

# Guests can ``from device import mark``; mark(3) notes how many instructions were executed until there.
_DEVICE = """import os

def mark(number):
    try:
        os.close(0x786C0000 + number)
    except OSError:
        return
"""


@dataclass(frozen=True)
class Run:
    """What a script did.

    returncode: negative is the number of the signal that ended it. peak_rss: the most bytes of memory that were
    seen in use by the guest, file mappings included, and emulator_rss: those of qemu itself; None for machines of
    64 bits, whose memory cannot be told from qemu's. instructions: None unless they were counted; marks:
    instructions until each mark(number). limit_peak: bytes that the control group saw at most, qemu's included.
    """

    stdout: str
    stderr: str
    returncode: int
    peak_rss: Optional[int] = None
    emulator_rss: Optional[int] = None
    instructions: Optional[int] = None
    marks: Mapping[int, int] = field(default_factory=dict)
    limit_peak: Optional[int] = None

    def check(self) -> Run:
        """Itself; raises AssertionError with what it said if it failed."""
        if self.returncode:
            raise AssertionError(f"the guest ended with {self.returncode}:\n{self.stdout}{self.stderr}")
        return self


def run(
    script: str,
    files: Optional[Mapping[str, Union[bytes, Path]]] = None,
    *,
    machine: Machine = PI_ZERO,
    cpu: Optional[str] = None,
    count: bool = False,
    limit: Optional[int] = None,
    arguments: Sequence[str] = (),
    environment: Optional[Mapping[str, str]] = None,
    timeout: float = 600,
) -> Run:
    """Runs ``script`` in a folder that holds ``files``, by name.

    cpu: another processor than the machine's own, as qemu calls it. count: count instructions, which takes about
    twice as long. limit: bytes of a memory control group that the whole run is put into; qemu's own memory, some
    40 MiB, counts as well, and so do the files' pages. timeout: seconds, after which it is killed.
    Raises setup.Unavailable with the reason where this machine cannot do it, subprocess.TimeoutExpired.
    """
    root, site = setup.system(machine), setup.package(machine)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="guest-")))
        _place({"script.py": script.encode(), "device.py": _DEVICE.encode(), **(files or {})}, folder)
        command = [setup.emulator(machine), "-cpu", cpu or machine.cpu, "-L", str(root)]
        counts = folder / "count"
        if count:
            command += ["-plugin", f"{setup.counter(command[0])},out={counts}"]
        group = stack.enter_context(memory_group(limit)) if limit is not None else None
        inner = [*command, str(root / setup.PYTHON), "-X", "utf8", "script.py", *arguments]
        process = subprocess.Popen(
            group.wrap(inner) if group else inner,
            cwd=folder,
            env={**_ENVIRONMENT, "PYTHONPATH": str(site), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        resident: Optional[Resident] = None
        with Sampler(process.pid) as sampler:
            try:
                stdout, stderr = process.communicate(timeout=timeout)
            finally:
                process.kill()
        resident = sampler.peak if machine.bits == 32 else None
        total, marks = _read_counts(counts) if count else (None, {})
        return Run(
            stdout,
            stderr,
            process.returncode,
            resident.guest if resident else None,
            resident.emulator if resident else None,
            total,
            marks,
            group.peak() if group else None,
        )


# Hash seeds and the terminal are none of the script's business: two runs are to be the same.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}


def _place(files: Mapping[str, Union[bytes, Path]], folder: Path) -> None:
    """Copies; their pages are written and forgotten, so that who reads them is who pays for them."""
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            shutil.copyfile(content, target)
        with open(target, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _read_counts(path: Path) -> tuple[Optional[int], dict[int, int]]:
    """The total, None if the guest was killed before its end, and the marks."""
    total, marks = None, {}
    for line in path.read_text().splitlines():
        what, *numbers = line.split()
        if what == "mark":
            marks[int(numbers[0])] = int(numbers[1])
        else:
            total = int(numbers[0])
    return total, marks


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.device.guest", description="Runs a script emulated.")
    parser.add_argument("script", type=Path)
    parser.add_argument("files", nargs="*", type=Path, help="files that it finds beside itself")
    parser.add_argument("--machine", default=PI_ZERO.name, choices=[machine.name for machine in MACHINES])
    parser.add_argument("--cpu", help="another processor, as qemu calls it")
    parser.add_argument("--count", action="store_true", help="count instructions")
    parser.add_argument("--limit", type=int, metavar="MIB", help="memory, qemu's own 40 MiB included")
    options = parser.parse_args()
    machine = next(machine for machine in MACHINES if machine.name == options.machine)
    done = run(
        options.script.read_text(encoding="utf-8"),
        {path.name: path for path in options.files},
        machine=machine,
        cpu=options.cpu,
        count=options.count,
        limit=options.limit << 20 if options.limit else None,
    )
    print(done.stdout, end="")
    print(done.stderr, end="")
    print(f"returncode {done.returncode}")
    for name in ("peak_rss", "emulator_rss", "limit_peak"):
        value = getattr(done, name)
        if value is not None:
            print(f"{name} {value / 2**20:.1f} MiB")
    for number, value in done.marks.items():
        print(f"mark {number}: {value:,} instructions")
    if done.instructions is not None:
        print(f"{done.instructions:,} instructions")


if __name__ == "__main__":
    main()
