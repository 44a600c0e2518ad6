"""The demo network as the commands see it, and a way to call them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest
from click.testing import CliRunner, Result

import xlite
from xlite.cli.app import cli
from xlite.schema.types import Preprocessing

FASHION = Path(__file__).resolve().parents[3] / "examples" / "fashion"
LABELS = [f"class {i}" for i in range(10)]


@pytest.fixture(scope="session")
def keras_file() -> Path:
    return FASHION / "model.h5"


@pytest.fixture(scope="session")
def packed(keras_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo network as a .xlite file, with labels and preprocessing."""
    path = tmp_path_factory.mktemp("packed") / "demo.xlite"
    xlite.convert(keras_file, path, labels=LABELS, preprocessing=Preprocessing(1 / 255))
    return path


@pytest.fixture
def call() -> Callable[..., Result]:
    """``call("run", path, ...)`` runs a command in this process. A Python error in it fails the test."""

    def run(*arguments: Any) -> Result:
        result = CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="xlite")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.fixture
def refusal(call: Callable[..., Result]) -> Callable[..., str]:
    """``refusal("run", ...)`` expects exit code 1 and one line on stderr, nothing on stdout; returns the line."""

    def run(*arguments: Any) -> str:
        result = call(*arguments)
        assert result.exit_code == 1
        assert result.stdout == ""
        lines = result.stderr.splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("xlite: ")
        return lines[0]

    return run
