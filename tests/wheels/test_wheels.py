"""Each wheel, opened: what it says of itself is true of what it holds."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import platform
import re
import subprocess
import sys
import zipfile

import pytest

pytest.importorskip("ziglang", reason="the extra 'wheels' is not installed")
pytest.importorskip("elftools", reason="the extra 'wheels' is not installed")

from tests.wheels import building
from tools.wheels import cross, pack
from tools.wheels.__main__ import main, make
from tools.wheels.elf import read_elf
from tools.wheels.targets import ARMV6L, ARMV6L_SOFTFP, ARMV7L, WHEELS, X86_64, Library, Wheel
from xlite.interpreter.c import build
from xlite.interpreter.kernels.c import library as loader

WITH_LIBRARY = [wheel for wheel in WHEELS if wheel.libraries]
LIBRARIES = sorted({library for wheel in WHEELS for _, library in wheel.libraries}, key=lambda found: found.name)
FOLDER = "xlite/interpreter/kernels/c"
MACHINES = {"armv6l": ("ARM", 32), "armv7l": ("ARM", 32), "aarch64": ("AArch64", 64), "x86_64": ("x64", 64)}
GLIBC = {"libc.so.6", "libm.so.6", "libpthread.so.0", "ld-linux-armhf.so.3", "ld-linux-aarch64.so.1"}
# Values of Arm's build attributes, "Addenda to, and Errata in, the ABI for the Arm Architecture".
ARMV6 = {6, 7, 9}  # v6, v6KZ, v6K
VFPV2, VFPV3_D16, VFP_REGISTERS, NEONV1 = 2, 4, 1, 1


def machine_of(wheel: Wheel) -> str:
    return wheel.machine


def name_of(library: Library) -> str:
    return library.name


@pytest.fixture(scope="module")
def archives():
    return {machine: zipfile.ZipFile(path) for machine, path in building.all_wheels().items()}


def elf_of(library: Library):
    return read_elf(cross.build_library(library, building.BUILD / library.name))


def info(archive: zipfile.ZipFile, name: str) -> str:
    (found,) = [entry for entry in archive.namelist() if entry.endswith(f".dist-info/{name}")]
    return archive.read(found).decode()


# -- the archive --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wheel", WHEELS, ids=machine_of)
def test_name_and_metadata_say_the_same(archives, wheel):
    stem = re.fullmatch(r"(xlite-[\d.]+)-py3-none-([\w.]+)\.whl", building.all_wheels()[wheel.machine].name)
    assert stem is not None
    lines = info(archives[wheel.machine], "WHEEL").splitlines()
    tags = [line.partition(": ")[2] for line in lines if line.startswith("Tag: ")]
    assert tags == [f"py3-none-{platform}" for platform in stem[2].split(".")]
    assert f"Root-Is-Purelib: {'false' if wheel.libraries else 'true'}" in lines
    assert f"{stem[1]}.dist-info/METADATA" in archives[wheel.machine].namelist()


@pytest.mark.parametrize("wheel", WHEELS, ids=machine_of)
def test_record_lists_every_file_with_its_digest(archives, wheel):
    archive = archives[wheel.machine]
    assert archive.testzip() is None
    rows = {name: (digest, size) for name, digest, size in csv.reader(io.StringIO(info(archive, "RECORD")))}
    names = archive.namelist()
    assert sorted(rows) == sorted(names)
    assert len(set(names)) == len(names)
    (own,) = [name for name in names if name.endswith("/RECORD")]
    assert rows.pop(own) == ("", "")
    for name, (digest, size) in rows.items():
        content = archive.read(name)
        expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        assert (digest, size) == (f"sha256={expected}", str(len(content)))


@pytest.mark.parametrize("wheel", WHEELS, ids=machine_of)
def test_it_holds_every_module_and_source_and_its_own_libraries(archives, wheel):
    names = {name for name in archives[wheel.machine].namelist() if ".dist-info/" not in name}
    expected = {f"{FOLDER}/{name}" for name, _ in wheel.libraries}
    for package, folder in (
        ("xlite", "xlite"),
        *((f"xlite/{f}", f) for f in ("schema", "interpreter", "converter")),
    ):
        for path in (building.ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".c", ".h", ".fbs"):
                expected.add(f"{package}/{path.relative_to(building.ROOT / folder).as_posix()}")
    more = {name for name in names - expected if not name.startswith("xlite/converter/codegen/")}
    assert (expected - names, more) == (set(), set())


@pytest.mark.parametrize("wheel", WHEELS, ids=machine_of)
def test_a_device_needs_no_more_than_numpy_and_pure_python(archives, wheel):
    metadata = info(archives[wheel.machine], "METADATA")
    needs = re.findall(r"^Requires-Dist: ([\w.-]+)[^;\n]*(;.*)?$", metadata, re.MULTILINE)
    on_device = {name for name, marker in needs if "extra" not in marker and "armv6l" not in marker}
    assert on_device == {"numpy", "flatbuffers", "click", "rich"}


def test_the_same_bytes_every_time(tmp_path):
    wheel = WHEELS[0]
    (first,) = make([wheel], tmp_path / "first", tmp_path / "built")  # compiled anew
    assert first.read_bytes() == building.all_wheels()[wheel.machine].read_bytes()


def test_times_are_those_of_source_date_epoch(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    path = pack.pack({"a-1.dist-info/METADATA": b""}, {}, ("any",), tmp_path)
    assert {entry.date_time for entry in zipfile.ZipFile(path).infolist()} == {(2023, 11, 14, 22, 13, 20)}


def test_an_unknown_machine_is_a_sentence(capsys):
    with pytest.raises(SystemExit):
        main(["pdp11"])
    assert "there is no wheel for 'pdp11', there are: armv6l" in capsys.readouterr().err


def test_the_wheel_without_a_library_works(tmp_path):
    """Unpacked, in a Python that finds nothing of this checkout."""
    with zipfile.ZipFile(building.all_wheels()["any"]) as archive:
        archive.extractall(tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "sys.meta_path = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
        "import xlite; from xlite.interpreter import backends\n"
        "print(xlite.__file__); print('numpy' in backends.available_backends(), backends.available('c'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.split() == [str(tmp_path / "xlite/__init__.py"), "True", "False"]


# -- the libraries ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wheel", WITH_LIBRARY, ids=machine_of)
def test_the_libraries_are_for_the_machine(wheel):
    for _, library in wheel.libraries:
        elf = elf_of(library)
        assert (elf.machine, elf.bits) == MACHINES[wheel.machine]


@pytest.mark.parametrize("wheel", WITH_LIBRARY, ids=machine_of)
def test_the_tags_name_the_oldest_glibc_that_will_do(wheel):
    floor = max(elf_of(library).glibc for _, library in wheel.libraries)
    assert floor > (0, 0)
    path = building.all_wheels()[wheel.machine]
    found = [(int(a), int(b)) for a, b in re.findall(r"manylinux_(\d+)_(\d+)_", path.name)]
    if wheel.platforms == ("manylinux",):
        assert found == [max(floor, pack.OLDEST_GLIBC)]
        assert ("manylinux2014" in path.name) == (found == [(2, 17)])
    else:  # a tag without a version: every system with a Python that this package takes
        assert floor <= pack.OLDEST_GLIBC


def test_a_library_that_needs_a_newer_glibc_has_another_tag(tmp_path):
    newer = Library("newer", "x86_64-linux-gnu.2.34", "x86_64")
    source = tmp_path / "newer.c"
    source.write_text("#include <pthread.h>\nint f(pthread_t t) { return pthread_join(t, 0); }\n")
    path = tmp_path / "newer.so"
    cross.use_cache()
    subprocess.run([*cross.compiler(newer), "-shared", "-O2", str(source), "-o", str(path)], check=True)
    assert read_elf(path).glibc == (2, 34)
    assert pack.platforms(Wheel("x86_64", (("x", newer),)), [path]) == ("manylinux_2_34_x86_64",)


@pytest.mark.parametrize("library", LIBRARIES, ids=name_of)
def test_it_is_linked_to_glibc_alone(library):
    assert set(elf_of(library).needed) - {"ld-linux-x86-64.so.2"} <= GLIBC


@pytest.mark.parametrize("library", LIBRARIES, ids=name_of)
def test_it_exports_what_the_header_declares(library, tmp_path):
    source = tmp_path / "header.c"
    source.write_text('#include "xlite.h"\n')
    command = [*cross.compiler(library), "-DXL_SHARED", f"-I{build.INCLUDE}", "-E", "-P", str(source)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pattern = r'visibility\("default"\)\)\)\s+[^;{]*?\b(xl_\w+)\s*[(\[;]'  # functions, and the table of each op
    declared = set(re.findall(pattern, text))
    assert len(declared) > 100
    assert elf_of(library).exports == declared


@pytest.mark.parametrize("library", [ARMV6L, ARMV6L_SOFTFP], ids=name_of)
def test_attributes_of_the_library_for_armv6(library):
    found = elf_of(library).attributes
    assert found["TAG_CPU_ARCH"] in ARMV6
    assert found["TAG_FP_ARCH"] == VFPV2
    assert "TAG_ADVANCED_SIMD_ARCH" not in found
    assert found.get("TAG_THUMB_ISA_USE", 0) < 2
    assert found.get("TAG_ABI_VFP_ARGS") == (VFP_REGISTERS if library is ARMV6L else None)


def test_attributes_of_the_library_for_armv7():
    found = elf_of(ARMV7L).attributes
    assert found["TAG_CPU_ARCH"] == 10
    assert found["TAG_ABI_VFP_ARGS"] == VFP_REGISTERS
    assert found["TAG_ADVANCED_SIMD_ARCH"] == NEONV1  # in the files for it: test_instructions.py


def test_the_loader_finds_the_libraries_where_the_wheel_puts_them():
    assert pack.LIBRARY_FOLDER == FOLDER
    assert loader.__name__.rpartition(".")[0].replace(".", "/") == FOLDER
    assert {name for wheel in WHEELS for name, _ in wheel.libraries} == {"_xlite.so", loader.ARMV7_LIBRARY_NAME}
    if sys.platform == "linux":
        assert loader.LIBRARY_NAME == "_xlite.so"


@pytest.mark.skipif(
    (sys.platform, platform.machine(), platform.libc_ver()[0]) != ("linux", "x86_64", "glibc"),
    reason="this machine is not x86-64 with glibc",
)
def test_the_library_for_this_machine_is_loaded_here():
    """The others' turn comes in tests/device."""
    loaded = loader.Library(cross.build_library(X86_64, building.BUILD / X86_64.name))
    assert loaded.address("xl_run")
