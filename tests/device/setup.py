"""Everything that the emulated computers need, from nothing, under build/device: each step once.

Debian's packages are fetched by apt with a state of its own and unpacked by dpkg-deb, so that no root is needed
and nothing on this machine changes, but for the emulator: without it, and as root, it is installed with apt.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.device.machines import Machine
from tools.wheels import cross
from tools.wheels.lock import locked

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BUILD = ROOT / "build" / "device"
SUITE = "bookworm"  # Python 3.11, numpy 1.24, flatbuffers 2.0
PACKAGES = ("python3-minimal", "libpython3-stdlib", "python3-numpy", "python3-flatbuffers")
PYTHON = "usr/bin/python3.11"
KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MIRROR = "http://deb.debian.org/debian"
_UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian")


class Unavailable(Exception):
    """This machine cannot emulate the other. The message is the reason, in one line."""


def emulator(machine: Machine) -> str:
    """Path of qemu for programs of ``machine``. Raises Unavailable."""
    return program(machine.emulator, "qemu-user")


def program(name: str, package_name: str) -> str:
    """Path of one of qemu's programs; installs Debian's package of it if it is not there and this is root. Raises
    Unavailable with what to do."""
    if not sys.platform.startswith("linux"):
        raise Unavailable("computers are emulated on Linux alone")
    found = shutil.which(name)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _say(f"installing {package_name} with apt-get")
        _apt_install(package_name)
        found = shutil.which(name)
    if found is None:
        raise Unavailable(f"{name} is not there: apt-get install {package_name}, or run this as root")
    return found


def system(machine: Machine) -> Path:
    """Debian's Python with numpy for ``machine``, unpacked. Raises Unavailable where it cannot be had."""
    with locked(BUILD / f"root-{machine.debian}.lock"):
        return _system(machine, emulator(machine))


def _system(machine: Machine, emulated: str) -> Path:
    root = BUILD / f"root-{machine.debian}"
    if not root.is_dir():
        part = root.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        _say(f"fetching Debian's {machine.debian} packages: {', '.join(PACKAGES)}")
        unpack(machine, PACKAGES, part)
        for name in ("blas", "lapack"):  # what the packages' own scripts would do
            link = part / "usr/lib" / machine.libraries / f"lib{name}.so.3"
            if not link.exists():
                link.symlink_to(f"{name}/lib{name}.so.3")
        for name in _UNUSED:
            shutil.rmtree(part / name, ignore_errors=True)
        _say("compiling its Python files, as its packages' scripts do")
        library = part / "usr/lib"
        compile_files(emulated, machine, part, [library / "python3.11", library / "python3/dist-packages"])
        part.rename(root)
    return root


def unpack(machine: Machine, packages: Sequence[str], folder: Path) -> None:
    """The packages of Debian's for ``machine`` and all that they depend on, into ``folder``."""
    for tool in ("apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            raise Unavailable(f"{tool} is not there, with which Debian's {machine.debian} packages are fetched")
    if not KEYS.is_file():
        raise Unavailable(f"{KEYS} is not there, which signs Debian's packages: install debian-archive-keyring")
    state = folder.with_suffix(".apt")
    shutil.rmtree(state, ignore_errors=True)
    for name in ("lists/partial", "cache/archives/partial", "preferences.d", "apt.conf.d"):
        (state / name).mkdir(parents=True)
    (state / "status").touch()
    source = f"deb [arch={machine.debian} signed-by={KEYS}] {_mirror()} {SUITE} main\n"
    (state / "sources.list").write_text(source)
    settings = {
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferencesparts": state / "preferences.d",
        "APT::Architecture": machine.debian,
        "APT::Architectures": machine.debian,
        "APT::Install-Recommends": 0,
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Debug::NoLocking": 1,
    }
    apt = ["apt-get", "-qq", *(word for key, value in settings.items() for word in ("-o", f"{key}={value}"))]
    _fetch([*apt, "update"])
    _fetch([*apt, "install", "-y", "--download-only", *packages])
    folder.mkdir(parents=True)
    for package in sorted((state / "cache/archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
    shutil.rmtree(state)


def compile_files(emulated: str, machine: Machine, root: Path, folders: Sequence[Path]) -> None:
    """Writes the .pyc files of ``folders`` with the machine's own Python, whatever this one's version is."""
    python = [emulated, "-cpu", machine.cpu, "-L", str(root), str(root / PYTHON)]
    script = "import compileall, sys; [compileall.compile_dir(name, quiet=2) for name in sys.argv[1:]]"
    subprocess.run([*python, "-I", "-c", script, *map(str, folders)], check=True)


@cache
def package(machine: Machine) -> Path:
    """The folder that xlite's wheel for ``machine`` is unpacked to, of the sources as they are."""
    if not cross.available():
        raise Unavailable("the cross compiler is not installed: pip install 'xlite[wheels]'")
    root = system(machine)
    with locked(BUILD / f"site-{machine.name}.lock"):
        return _package(machine, root)


def _package(machine: Machine, root: Path) -> Path:
    from tools.wheels.__main__ import make  # needs what is checked for above

    (wheel,) = make([machine.wheel], BUILD / f"wheel-{machine.name}")
    site, content = BUILD / f"site-{machine.name}", wheel.read_bytes()
    stamp = site / "wheel"
    if stamp.is_file() and stamp.read_bytes() == content:
        return site
    shutil.rmtree(site, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    compile_files(emulator(machine), machine, root, [site])
    stamp.write_bytes(content)
    return site


@cache
def counter(emulated: str) -> Path:
    """The plugin with which qemu, at the path ``emulated``, counts instructions: compiled, and tried. Raises
    Unavailable where one or the other fails."""
    source, made = HERE / "count.c", BUILD / "count.so"
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if compiler is None:
        raise Unavailable("there is no C compiler for the plugin that counts instructions")
    with locked(BUILD / "count.lock"):
        if not made.is_file() or made.stat().st_mtime < source.stat().st_mtime:
            command = [compiler, "-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", str(source)]
            subprocess.run([*command, "-o", str(made)], check=True)
    with tempfile.TemporaryDirectory() as folder:  # the plugin opens its file before qemu finds no program
        counts = Path(folder, "counts")
        command = [emulated, "-plugin", f"{made},out={counts}", str(Path(folder, "none"))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not counts.is_file():
            said = (done.stderr.strip() or f"it ends with {done.returncode}").splitlines()[0]
            raise Unavailable(f"instructions are counted with qemu 4.2 to 8.2, built with plugins; here: {said}")
    return made


def _mirror() -> str:
    """The mirror that this machine's apt uses, if it is one of Debian's."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)", "Created-By: Packages"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    found = [line.split()[0] for line in done.stdout.splitlines() if line.endswith(" Debian Debian")]
    return found[0] if found else MIRROR


def _fetch(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("E:")] or [done.stderr.strip()]
        raise Unavailable(f"Debian's packages cannot be fetched: {said[0]}")


def _apt_install(package_name: str) -> None:
    wait = ("-o", "DPkg::Lock::Timeout=300")
    _fetch(["apt-get", "-qq", *wait, "update"])
    _fetch(["apt-get", "-qq", *wait, "install", "-y", "--no-install-recommends", package_name])


def _say(text: str) -> None:
    print(f"device: {text}", file=sys.stderr, flush=True)
