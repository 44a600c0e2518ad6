"""The house keeps its shape: who may import whom, what an import costs, what the public face is."""

from __future__ import annotations

import ast
import functools
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import xlite

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("schema", "interpreter", "converter", "xlite")  # each may import itself and those before it
THIRD_PARTY = (
    "tensorflow",
    "keras",
    "h5py",
    "click",
    "rich",
    "numba",
    "PIL",
    "tensorboard",
    "numpy",
    "flatbuffers",
)

# third-party package -> where in the house it may be imported, as path prefixes
ALLOWED = {
    "tensorflow": ("xlite/training/distribution.py",),  # the rest of the training side speaks keras.ops
    "keras": (
        "xlite/binarization/",
        "xlite/callbacks",
        "xlite/constraints.py",
        "xlite/distillation.py",
        "xlite/filters.py",
        "xlite/layers",
        "xlite/metrics.py",
        "xlite/optimizers.py",
        "xlite/quantization/",
        "xlite/quantizers.py",
        "xlite/recipes/",
        "xlite/schedules.py",
        "xlite/training/",
        "xlite/verification/keras_source.py",
        "xlite/zoo/",
    ),
    "h5py": ("converter/frontend/",),
    "click": ("xlite/cli/",),
    "rich": ("xlite/cli/",),
    "numba": ("interpreter/kernels/numba/",),
    "llvmlite": ("interpreter/kernels/numba/",),
    "PIL": ("xlite/inputs.py", "xlite/training/"),
    "tensorboard": ("xlite/callbacks/diagnostics.py",),
    "numpy": ("schema/", "interpreter/", "converter/", "xlite/"),
    "flatbuffers": ("schema/",),
}
STDLIB: frozenset[str] = getattr(sys, "stdlib_module_names", frozenset())  # Python 3.10 and newer know them
HEAVY = ("tensorflow", "keras", "h5py", "click", "rich", "numba", "PIL", "tensorboard")


def sources() -> list[Path]:
    return sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[0] != "xlite":
        parts.insert(0, "xlite")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def imports(path: Path) -> list[tuple[str, int]]:
    """(absolute module, line) of every import statement, those inside functions included."""
    package = module_name(path).split(".")
    text = path.read_text(encoding="utf-8")
    return list(imports_in(text, package if path.name == "__init__.py" else package[:-1]))


def imports_in(text: str, package: list[str]) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def floor_of(module: str) -> str | None:
    """The floor that a module of ours lies on; None for somebody else's."""
    parts = module.split(".")
    if parts[0] != "xlite":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in FLOORS[:-1] else "xlite"


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_floor_has_modules() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in sources()} == set(FLOORS)


@pytest.mark.parametrize("path", sources(), ids=ids)
def test_no_floor_imports_upward(path: Path) -> None:
    floor = path.relative_to(ROOT).parts[0]
    above = FLOORS[FLOORS.index(floor) + 1 :]
    wrong = [f"line {line}: {module}" for module, line in imports(path) if floor_of(module) in above]
    assert not wrong


@pytest.mark.skipif(not STDLIB, reason="needs Python 3.10")
@pytest.mark.parametrize("path", sources(), ids=ids)
def test_other_packages_stay_in_their_rooms(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    wrong = []
    for module, line in imports(path):
        package = module.partition(".")[0]
        if package in ALLOWED:
            if not place.startswith(ALLOWED[package]):
                wrong.append(f"line {line}: {module}")
        elif package != "xlite" and package not in STDLIB:
            wrong.append(f"line {line}: {module} is no dependency of ours")
    assert not wrong


def test_the_import_walk_sees_what_it_should() -> None:
    """The two tests above cannot pass by seeing nothing."""
    text = (
        "import os\nfrom xlite.converter import graph\ndef f():\n    from .. import program\n    import keras.ops"
    )
    found = dict(imports_in(text, ["xlite", "interpreter", "kernels"]))
    assert found == {"os": 1, "xlite.converter.graph": 2, "xlite.interpreter.program": 4, "keras.ops": 5}


# -- what an import costs -----------------------------------------------------------------------------------


def modules_after(code: str) -> set[str]:
    """Top-level names of the modules that a fresh Python has loaded after ``code``."""
    script = f"{code}\nimport sys, json\nprint(json.dumps(sorted({{m.partition('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("house") / "demo.xlite"
    xlite.convert(ROOT / "examples" / "fashion" / "model.h5", path)
    return path


LIGHT = (
    "import xlite",
    "import xlite; xlite.Interpreter; xlite.Resolver; xlite.Error; xlite.__version__",
    "import xlite; xlite.Interpreter({path!r})",
    "import xlite; xlite.Interpreter({path!r}, backend='numpy').invoke()",
)


@pytest.mark.parametrize("code", LIGHT)
def test_running_a_model_imports_nothing_heavy(code: str, model_file: Path) -> None:
    assert not modules_after(code.format(path=str(model_file))) & set(HEAVY)


def test_the_c_backend_imports_nothing_heavy(model_file: Path) -> None:
    from xlite.interpreter import backends

    if not backends.available("c"):
        pytest.skip(backends.unavailable_reason("c"))
    code = f"import xlite; xlite.Interpreter({str(model_file)!r}, backend='c').invoke()"
    assert not modules_after(code) & set(HEAVY)


def test_converting_a_file_imports_neither_keras_nor_numba() -> None:
    path = ROOT / "examples" / "fashion" / "model.h5"
    loaded = modules_after(f"import xlite; xlite.convert({str(path)!r})")
    assert "h5py" in loaded
    assert not loaded & {"tensorflow", "keras", "numba", "click", "rich"}


@pytest.mark.parametrize("command", ["--version", "--help", "convert --help", "run --help"])
def test_the_command_line_itself_is_light(command: str) -> None:
    code = (
        f"import sys; sys.argv = ['xlite', *{command.split()!r}]\ntry:\n    from xlite.cli import main; main()\n"
    )
    loaded = modules_after(code + "except SystemExit as end:\n    assert end.code in (0, None)")
    assert "click" in loaded
    assert not loaded & {"tensorflow", "keras", "numba", "h5py", "rich"}


# -- the public face ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sources(), ids=ids)
def test_every_module_can_be_imported(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    if path.name == "__main__.py":
        pytest.skip("runs the command")
    if "numba" in place:
        pytest.importorskip("numba")
    importlib.import_module(module_name(path))


def test_every_public_name_resolves() -> None:
    for name in xlite.__all__:
        assert getattr(xlite, name) is not None


def test_functions_stay_functions_whatever_was_imported_before() -> None:
    """A module that bears the name of a function would take its place once it is imported."""
    code = "\n".join(
        f"import {module_name(path)}"
        for path in sources()
        if path.relative_to(ROOT).parts[0] in ("schema", "converter") and path.name != "__main__.py"
    )
    code += "\nimport xlite, xlite.converter\nassert callable(xlite.convert) and callable(xlite.converter.convert)"
    code += "\nassert callable(xlite.converter.lowering) and isinstance(xlite.ConversionResult, type)"
    modules_after(code)


def test_the_versions_agree() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "([^"]+)"$', text, re.MULTILINE)
    assert found is not None
    assert found.group(1) == xlite.__version__


def test_ci_runs_what_a_developer_runs() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["make test", "make device-test", "make mcu-test"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def tracked_files() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], capture_output=True, cwd=ROOT, check=False)
    if done.returncode:
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name]


def test_no_file_names_the_machine_it_was_written_on() -> None:
    """Paths of a developer's machine in a file are a slip: they work nowhere else."""
    slips = re.compile(rb"/(?:work|root|Users)/[A-Za-z0-9_.-]+/")
    wrong = [ids(path) for path in tracked_files() if path.is_file() and slips.search(path.read_bytes())]
    assert not wrong
