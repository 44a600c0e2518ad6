"""The package of the C library: complete, and built by each toolchain that is here."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tools.packages.__main__ import main, package_files
from xlite.interpreter.c.build import STRICT
from xlite.interpreter.kernels.c.kernels import PARAMS

pytest.importorskip("h5py")  # the example converts the demo network

# What the sketch uses of Arduino, on a computer: one turn of loop().
ARDUINO = """
#include <stdint.h>
#include <stdio.h>
#define HIGH 1
#define LOW 0
#define OUTPUT 1
#define LED_BUILTIN 13
static int blinks;
struct Port {
  void begin(long) {}
  void print(const char *text) { printf("%s", text); }
  void println(unsigned long) { printf("\\n"); }
} Serial;
static void pinMode(int, int) {}
static void digitalWrite(int, int level) { blinks += level; }
static void delay(int) {}
static unsigned long millis() { return 0; }
#include "demo.ino"
int main() {
  setup();
  loop();
  printf("%d\\n", blinks);
  return 0;
}
"""
USER = """
cmake_minimum_required(VERSION 3.13)
project(user C)
find_package(xlite 0.1 REQUIRED)
add_executable(user main.c fashion.c)
target_link_libraries(user PRIVATE xlite::xlite)
"""
TOOLCHAINS = {
    "host": ["cc"],
    "cortex-m0plus": ["arm-none-eabi-gcc", "-mcpu=cortex-m0plus", "-mthumb"],
    "cortex-m4": ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"],
    "rv32": ["riscv64-unknown-elf-gcc", "-march=rv32imac", "-mabi=ilp32", "--specs=picolibc.specs"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("packages")
    assert main(["--out", str(out)]) == 0
    return out / "xlite"


def test_every_kernel_and_the_reader_are_there():
    text = "\n".join(text for path, text in package_files().items() if path.endswith(".c"))
    for name in ("xl_model_open", "xl_model_invoke", "xl_all_ops", "xl_run"):
        assert re.search(rf"\b{name}\b", text), name
    header = package_files()["src/xlite.h"]
    assert all(name in header for name in PARAMS)
    assert not [path for path in package_files() if "x86" in path or "/host/" in path or "neon" in path]


def test_includes_name_files_of_the_package():
    files = package_files()
    for path, text in files.items():
        if path.startswith("src/"):
            for name in re.findall(r'#\s*include\s+"([^"]+)"', text):
                there = Path(path).parent / name
                assert str(Path(*_resolved(there.parts))) in files, f"{path}: {name}"


def _resolved(parts):
    found: list[str] = []
    for part in parts:
        found = found[:-1] if part == ".." else [*found, part]
    return found


def test_each_build_system_finds_its_files():
    files = package_files()
    properties = dict(line.split("=", 1) for line in files["library.properties"].splitlines())
    assert {"name", "version", "author", "maintainer", "sentence", "paragraph", "category"} <= set(properties)
    assert properties["version"].count(".") == 2
    platformio = json.loads(files["library.json"])
    assert platformio["version"] == properties["version"]
    for example in platformio["examples"]:
        assert all(f"{example['base']}/{name}" in files for name in example["files"])
    assert f'version: "{properties["version"]}"' in files["idf_component.yml"]
    assert "kconfig: zephyr/Kconfig" in files["zephyr/module.yml"]
    sources = {path for path in files if path.startswith("src/") and path.endswith(".c")}
    for path, prefix in (("CMakeLists.txt", ""), ("zephyr/CMakeLists.txt", r"\.\./")):
        assert set(re.findall(rf"^ +{prefix}(src/\S+\.c)$", files[path], re.MULTILINE)) == sources
    assert "idf_component_register" in files["CMakeLists.txt"]
    assert "Apache License" in files["LICENSE"]


def test_the_same_archive_twice(folder, tmp_path):
    main(["--out", str(tmp_path)])
    (one,), (other,) = folder.parent.glob("*.zip"), tmp_path.glob("*.zip")
    assert one.read_bytes() == other.read_bytes()
    with zipfile.ZipFile(one) as archive:
        names = archive.namelist()
    assert all(name.startswith("xlite/") for name in names)
    assert {"xlite/library.properties", "xlite/src/xlite.h", "xlite/examples/demo/demo.ino"} <= set(names)


@pytest.mark.parametrize("compiler", TOOLCHAINS.values(), ids=TOOLCHAINS)
@pytest.mark.parametrize("small", [0, 1])
def test_every_source_compiles_with_one_include_path(folder, compiler, small):
    if not shutil.which(compiler[0]):
        pytest.skip(f"{compiler[0]} is not installed here")
    sources = [str(path) for path in sorted(folder.glob("src/**/*.c"))]
    command = [*compiler, "-std=c99", "-fsyntax-only", *STRICT, f"-DXL_SMALL={small}", f"-I{folder / 'src'}"]
    subprocess.run([*command, *sources], check=True)


def test_the_sketch_says_what_it_sees(folder, tmp_path):
    if not shutil.which("g++") or not shutil.which("gcc"):
        pytest.skip("gcc and g++ are not installed here")
    demo = folder / "examples" / "demo"
    (tmp_path / "program.cpp").write_text(ARDUINO)
    library = [str(path) for path in sorted(folder.glob("src/**/*.c"))]
    flags = [
        "-O1",
        "-DARDUINO=10819",
        f"-I{folder / 'src'}",
        f"-I{demo}",
        "-ffunction-sections",
        "-fdata-sections",
    ]
    objects = []
    for i, source in enumerate([*library, str(demo / "fashion.c")]):
        objects.append(str(tmp_path / f"{i}.o"))
        subprocess.run(["gcc", "-std=gnu11", *flags, "-c", source, "-o", objects[-1]], check=True)
    program = ["g++", "-std=gnu++11", *flags, str(tmp_path / "program.cpp"), *objects, "-Wl,--gc-sections", "-lm"]
    subprocess.run([*program, "-o", str(tmp_path / "program")], check=True)
    said = subprocess.run([str(tmp_path / "program")], check=True, capture_output=True, text=True).stdout.split(
        "\n"
    )
    sketch = (demo / "demo.ino").read_text()
    label, name = re.search(r'its class is (\d+), "([^"]+)"', sketch).groups()
    assert said[0].startswith(f"{name}, in ms")
    assert said[1] == label


def test_cmake_installs_it_and_finds_it(folder, tmp_path):
    if not shutil.which("cmake") or not shutil.which("cc"):
        pytest.skip("cmake and a C compiler are not installed here")
    user = tmp_path / "user"
    user.mkdir()
    (user / "CMakeLists.txt").write_text(USER)
    for name in ("fashion.c", "fashion.h"):
        shutil.copy(folder / "examples" / "demo" / name, user / name)
    (user / "main.c").write_text('#include "fashion.h"\nint main(void) { fashion_run(); return 0; }\n')
    installed = tmp_path / "installed"
    for command in (
        ["cmake", "-S", folder, "-B", tmp_path / "b", f"-DCMAKE_INSTALL_PREFIX={installed}"],
        ["cmake", "--build", tmp_path / "b", "-j2"],
        ["cmake", "--install", tmp_path / "b"],
        ["cmake", "-S", user, "-B", tmp_path / "u", f"-DCMAKE_PREFIX_PATH={installed}"],
        ["cmake", "--build", tmp_path / "u"],
        [tmp_path / "u" / "user"],
    ):
        subprocess.run([str(part) for part in command], check=True, capture_output=True)
