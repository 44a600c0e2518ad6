"""Pastes what commands print into docs/pi-zero.md: python -m tools.pi_zero_page [NAME...]

Each place is a line ``<!-- pi_zero_page: NAME -->``, what was pasted last, and ``<!-- end -->``; without a name
all are filled. What ``make device-bench`` measured is pasted where its page lies in build/device-bench; else the
place keeps what it has.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Optional
from unittest import mock

from click.testing import CliRunner

from benchmarks.device.page import MEMORY, START, sections
from tests.interpreter.large_network import write_large_network
from xlite import Error
from xlite.cli import ui
from xlite.cli.app import cli
from xlite.converter.targeting import KernelsThere
from xlite.interpreter import TARGETS
from xlite.interpreter.memory import make_limit
from xlite.interpreter.program import Settings, compile_program
from xlite.schema import load_model

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "pi-zero.md"
MEASURED = ROOT / "build" / "device-bench" / "page.md"
PLACE = re.compile(r"(<!-- pi_zero_page: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
COLUMNS = 100  # so that no block needs scrolling


def inspected(model: Path) -> str:
    """``xlite inspect --target pi-zero``, as far as it is about the device."""
    with mock.patch.object(ui, "WIDE", COLUMNS):
        done = CliRunner().invoke(cli, ["inspect", str(model), "--target", "pi-zero"], catch_exceptions=False)
    text = done.output[done.output.index("On pi-zero") :]
    return _block("$ xlite inspect model.xlite --target pi-zero", text[: text.index("\nOps")])


def refused(model: Path) -> str:
    """What a limit that is too small for the model says on a Pi Zero: with the kernels that it has."""
    settings = Settings(make_limit("25MiB", None))
    try:
        compile_program(load_model(model), 1, KernelsThere(TARGETS["pi-zero"]), settings)
    except Error as error:
        return _block('>>> xlite.Interpreter("model.xlite", memory_limit="25MiB")', f"MemoryLimitError: {error}")
    raise SystemExit("the model fits into 25 MiB now: choose another limit for the page")


def measured(_: Path) -> Optional[str]:
    """What make device-bench counted of layers and networks, a level lower than on its own page."""
    found = {name: text for name, text in _sections().items() if name not in (MEMORY, START)}
    return "\n".join(f"### {name}\n\n{text}" for name, text in found.items()) or None


def remembered(_: Path) -> Optional[str]:
    return _sections().get(MEMORY)


def started(_: Path) -> Optional[str]:
    return _sections().get(START)


def _sections() -> dict[str, str]:
    return sections(MEASURED.read_text(encoding="utf-8")) if MEASURED.is_file() else {}


PARTS: dict[str, Callable[[Path], Optional[str]]] = {
    "inspect": inspected,
    "refused": refused,
    "memory": remembered,
    "device-bench": measured,
    "start": started,
}


def paste(page: str, model: Path, names: Collection[str] = ()) -> str:
    """The page with every place, or those of the names, filled anew."""

    def fill(found: re.Match[str]) -> str:
        text = PARTS[found[2]](model) if found[2] in names or not names else None
        return found[0] if text is None else f"{found[1]}{text}{found[3]}"

    return PLACE.sub(fill, page)


def _block(command: str, text: str) -> str:
    lines = [command, *(line.rstrip() for line in text.strip().splitlines())]
    return "```text\n" + "\n".join(lines) + "\n```\n"


def main() -> None:
    names = sys.argv[1:]
    if set(names) - set(PARTS):
        sys.exit(f"usage: python -m tools.pi_zero_page [{' | '.join(PARTS)}]")
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        model = write_large_network(Path(folder) / "model.xlite")
        PAGE.write_text(paste(PAGE.read_text(encoding="utf-8"), model, names), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {', '.join(names or PARTS)}")


if __name__ == "__main__":
    main()
