"""The whole board: Debian's own kernel for the Pi Zero on qemu's raspi0, with 512 MiB of memory.

    python -m tests.device.board script.py model.xlite

Where user-mode emulation is an ARM1176 that borrows this machine's kernel, here everything is the device's: what
the kernel says of memory, who is killed where there is none left, and how unaligned accesses end. It takes a
minute. Python with numpy and xlite is the initial RAM disk, and the first process a Python script.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from tests.device import setup
from tests.device.machines import PI_ZERO
from tools.wheels.lock import locked

EMULATOR = "qemu-system-arm"
KERNEL_PACKAGE = "linux-image-rpi"
_BEGIN, _END = "guest begins", "guest ends"

# initcall_blacklist: qemu has no power domains, and the driver of them stops the kernel. PYTHONHASHSEED is for the
# first process, which would otherwise want random numbers where there are none yet.
_ARGUMENTS = (
    "console=ttyAMA0,115200 earlycon=pl011,0x20201000 panic=-1 loglevel=3 rdinit=/init "
    "initcall_blacklist=bcm2835_power_driver_init PYTHONHASHSEED=0"
)

_INIT = f"""#!/usr/bin/python3.11
import ctypes, os, resource, sys
libc = ctypes.CDLL(None)
for kind, place in (("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")):
    libc.mount(kind.encode(), place.encode(), kind.encode(), 0, None)
print("{_BEGIN}", flush=True)
child = os.fork()
if child == 0:
    os.chdir("/guest")
    environment = {{"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": "/site", "PYTHONHASHSEED": "0"}}
    arguments = open("arguments").read().split("\\n")
    os.execve("/usr/bin/python3.11", ["python3", "-X", "utf8", *arguments], environment)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print("{_END}", status, peak, flush=True)
libc.reboot(0x01234567)
"""


@dataclass(frozen=True)
class BoardRun:
    """output: what the script printed, errors among it. returncode: negative is the number of the signal that
    ended it. peak_rss: bytes, as the device's kernel counted them."""

    output: str
    returncode: int
    peak_rss: int


def run(
    script: str, files: Mapping[str, Union[bytes, Path]], arguments: tuple[str, ...] = (), timeout: float = 600
) -> BoardRun:
    """Boots the board, runs ``script`` in a folder that holds ``files``, and ends. Raises setup.Unavailable with
    the reason where this machine cannot do it, subprocess.TimeoutExpired, and RuntimeError with the console's last
    words if the board stops before the script does."""
    emulator = setup.program(EMULATOR, EMULATOR)
    kernel, tree = kernel_and_tree()
    content = {**files, "script.py": script.encode(), "arguments": "\n".join(["script.py", *arguments]).encode()}
    with tempfile.TemporaryDirectory(prefix="board-") as folder:
        disk = Path(folder, "disk")
        with gzip.open(disk, "wb", compresslevel=1) as file:
            for part in _archive(content):
                file.write(part)
        command = [emulator, "-M", "raspi0", "-kernel", str(kernel), "-dtb", str(tree), "-initrd", str(disk)]
        command += [
            "-append",
            _ARGUMENTS,
            "-display",
            "none",
            "-serial",
            "stdio",
            "-monitor",
            "none",
            "-no-reboot",
        ]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False)
    console = done.stdout.decode(errors="replace").replace("\r\n", "\n")
    _, begun, rest = console.partition(f"{_BEGIN}\n")
    output, ended, numbers = rest.rpartition(f"{_END} ")
    if not (begun and ended):
        raise RuntimeError(f"the board stopped:\n{console[-2000:]}{done.stderr.decode(errors='replace')[-500:]}")
    returncode, peak = numbers.split()[:2]
    return BoardRun(output, int(returncode), int(peak))


def kernel_and_tree() -> tuple[Path, Path]:
    """Debian's kernel for the Pi Zero, and its description of the board."""
    folder = setup.BUILD / "kernel"
    with locked(setup.BUILD / "kernel.lock"):
        if not folder.is_dir():
            scratch = setup.BUILD / "kernel-package"
            shutil.rmtree(scratch, ignore_errors=True)
            setup.unpack(PI_ZERO, [KERNEL_PACKAGE], scratch)
            part = setup.BUILD / "kernel.part"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            (kernel,) = scratch.glob("boot/vmlinuz-*")
            (tree,) = scratch.glob("usr/lib/linux-image-*/bcm2835-rpi-zero.dtb")
            shutil.copy(kernel, part / "kernel")
            shutil.copy(tree, part / "tree")
            shutil.rmtree(scratch)
            part.rename(folder)
    return folder / "kernel", folder / "tree"


def _archive(files: Mapping[str, Union[bytes, Path]]) -> Iterator[bytes]:
    """The RAM disk, a cpio archive: Debian's Python, xlite, the script and its files."""
    for place in ("proc", "sys", "dev", "tmp", "guest"):
        yield _entry(place, stat.S_IFDIR | 0o755)
    yield _entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    yield from _folder(setup.system(PI_ZERO), "")
    yield _entry("site", stat.S_IFDIR | 0o755)
    yield from _folder(setup.package(PI_ZERO), "site/")
    yield _entry("init", stat.S_IFREG | 0o755, _INIT.encode())
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.read_bytes()
        yield _entry(f"guest/{name}", stat.S_IFREG | 0o644, data)
    yield _entry("TRAILER!!!", 0)


def _folder(root: Path, prefix: str) -> Iterator[bytes]:
    for place, folders, names in os.walk(root):
        inside = os.path.relpath(place, root)
        for name in sorted([*folders, *names]):
            path = Path(place, name)
            mode = path.lstat().st_mode
            where = prefix + (name if inside == "." else f"{inside}/{name}")
            if stat.S_ISLNK(mode):
                yield _entry(where, mode, os.readlink(path).encode())
            elif stat.S_ISDIR(mode):
                yield _entry(where, mode)
            else:
                yield _entry(where, mode, path.read_bytes())


def _entry(name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> bytes:
    """One file in the "new ASCII" format: "Linux kernel documentation, initramfs buffer format"."""
    encoded = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return header + bytes(-len(header) % 4) + data + bytes(-len(data) % 4)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.device.board", description="Runs a script on raspi0.")
    parser.add_argument("script", type=Path)
    parser.add_argument("files", nargs="*", type=Path, help="files that it finds beside itself")
    options = parser.parse_args()
    done = run(options.script.read_text(encoding="utf-8"), {path.name: path for path in options.files})
    print(done.output, end="")
    print(f"returncode {done.returncode}, peak_rss {done.peak_rss / 2**20:.1f} MiB")
    sys.exit(min(abs(done.returncode), 255))


if __name__ == "__main__":
    main()
