"""The README's code does what it says: every block runs, in order, in an empty folder."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tools import readme_figures

ROOT = readme_figures.ROOT
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)\)")


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]


@pytest.mark.keras
def test_every_block_runs(tmp_path, monkeypatch):
    from xlite.cli.app import cli

    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    namespace = {
        "images": random.random((32, 28, 28, 1), dtype=np.float32),
        "labels": random.integers(0, 10, 32),
    }
    kinds = []
    for kind, text in BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8")):
        kinds.append(kind)
        if kind == "python":
            exec(compile(text, "README.md", "exec"), namespace)
            continue
        for line in text.splitlines():
            program, *arguments = line.split()
            assert program == "xlite"
            result = CliRunner().invoke(cli, arguments, prog_name="xlite")
            assert result.exit_code == 0, result.output
    assert kinds == ["python", "python", "sh", "python", "sh"]
    assert namespace["scores"].shape == (32, 10)
    assert (tmp_path / "plain.keras").exists()


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_begins_with_the_two_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.index("make demo") < text.index("make test") < 2000


def test_the_readmes_figures_are_those_of_the_pages():
    assert readme_figures.figures() in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["convert", "summary", "inspect", "run", "benchmark", "verify", "train"])
def test_every_option_of_a_command_is_in_its_help_and_known_to_the_docs(command):
    """docs/cli.md names no option that does not exist."""
    from xlite.cli.app import COMMANDS, cli

    assert set(COMMANDS) >= {command}
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {command}\n")[1].split("\n## ")[0]
    known = CliRunner().invoke(cli, [command, "--help"], prog_name="xlite").output
    named = set(re.findall(r"(--[a-z][a-z-]+)", section))
    assert named
    assert {option for option in named if option not in known} == set()


def test_the_demos_output_is_of_the_model_that_is_there(tmp_path, monkeypatch):
    """The part of `make demo` that is the same on every machine, line by line; `make readme` pastes it anew."""
    from xlite.cli import ui
    from xlite.cli.app import cli

    monkeypatch.setattr(ui, "WIDE", 110)
    model = ROOT / "examples" / "fashion" / "model.h5"
    with np.load(model.with_name("images.npz")) as images:
        labels = ",".join(str(name) for name in images["class_names"])
    arguments = [
        "convert",
        str(model),
        "-o",
        str(tmp_path / "m.xlite"),
        "--labels",
        labels,
        "--scale",
        str(1 / 255),
    ]
    result = CliRunner().invoke(cli, arguments, prog_name="xlite")
    assert result.exit_code == 0
    wanted = [line.rstrip() for line in result.stdout.splitlines() if line.strip() and "written:" not in line]
    pasted = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.strip()]
    start = pasted.index("```text") + 1
    assert pasted[start : start + len(wanted)] == wanted
