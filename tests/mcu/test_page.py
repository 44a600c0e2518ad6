"""docs/microcontrollers.md: its programs compile and blink the right number of times, its training runs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.mcu import toolchain
from tests.mcu.boards import board
from tests.mcu.emulator import run
from tests.mcu.golden import demo_model
from xlite.converter.codegen import generate
from xlite.interpreter import Interpreter
from xlite.schema import write_model

PAGE = Path(__file__).resolve().parents[2] / "docs" / "microcontrollers.md"
BLOCK = re.compile(r"^```(python|sh|c)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BOARDS = ("microbit", "mps2-an386", "virt-rv32")
PORT = """#include "board.h"
void led(int on) { board_write(on ? "on\\n" : "off\\n"); }
void wait_ms(int milliseconds) { (void)milliseconds; }
"""


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")) if found == kind]


def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (1, 28, 28, 1)).astype(np.uint8)


def expected() -> list[str]:
    (scores,) = Interpreter(demo_model(True), backend="numpy")(picture()).reshape(1, -1)
    return ["on", "off"] * (int(np.argmax(scores)) + 1)


@pytest.mark.parametrize("name", BOARDS)
def test_generated_code_blinks(name: str, tmp_path: Path):
    made = generate(demo_model(True), tmp_path / "blink", target="cortex-m4")
    ours = [path for path in made.files if path.endswith(".c") and path != "main.c"]
    sources = [tmp_path / "blink" / path for path in ours]
    data = f"const unsigned char image[] __attribute__((aligned(4))) = {listed(picture())};\n"
    folders = [tmp_path / "blink", tmp_path / "blink" / "xlite"]
    blinks(name, tmp_path, blocks("c")[0], data, sources, folders)


@pytest.mark.parametrize("name", BOARDS)
def test_the_interpreter_blinks(name: str, tmp_path: Path):
    file = write_model(demo_model(True))
    data = f"""#include "xlite.h"
const unsigned char image[] = {listed(picture())};
const unsigned char model_file[] XL_ALIGNED = {listed(np.frombuffer(file, np.uint8))};
const unsigned model_file_bytes = sizeof model_file;
"""
    blinks(name, tmp_path, blocks("c")[1], data, [], [], interpreter=True)


def listed(values: np.ndarray) -> str:
    return "{" + ", ".join(map(str, values.reshape(-1))) + "}"


def blinks(name: str, folder: Path, code: str, data: str, sources, folders, interpreter: bool = False) -> None:
    b = board(name)
    if toolchain.missing(b.family):
        pytest.skip(toolchain.missing(b.family))
    texts = {"program.c": code, "port.c": PORT, "data.c": data}
    for file, text in texts.items():
        (folder / file).write_text(text)
    include = [f"-I{path}" for path in folders] or toolchain.include_flags()
    own = [toolchain.FIRMWARE / "board.c", toolchain.FIRMWARE / f"{b.family}.c"]
    given = [*own, *(folder / file for file in texts), *sources]
    objects = toolchain.compile_all(b, given, folder / "objects", flags=include)
    if interpreter:
        objects += toolchain.library_objects(b, toolchain.portable_sources())
    elf = toolchain.link(b, objects, folder / "program.elf")
    assert run(b, elf, count=False).lines() == expected()


@pytest.mark.keras
def test_the_network_trains_and_compiles(tmp_path: Path, monkeypatch):
    from xlite.cli.app import cli

    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    images, labels = random.random((32, 28, 28, 1), dtype=np.float32), random.integers(0, 10, 32)
    (python,), (shell,) = blocks("python"), blocks("sh")
    exec(compile(python, PAGE.name, "exec"), {"images": images, "labels": labels})
    for line in shell.splitlines():
        result = CliRunner().invoke(cli, line.split()[1:], prog_name="xlite")
        assert result.exit_code == 0, result.output
    header = (tmp_path / "blink" / "model.h").read_text()
    assert "MODEL_INPUT_SIZE 784" in header
    assert re.search(r"^uint8_t \*model_input\(void\);", header, re.MULTILINE)
