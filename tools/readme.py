"""Runs the demo and pastes what it prints into README.md: python tools/readme.py"""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import sys
from pathlib import Path

from xlite.cli import ui

ROOT = Path(__file__).resolve().parent.parent
PLACE = re.compile(r"(<!-- make readme -->\n).*?(<!-- end -->)", re.DOTALL)
COLUMNS = 110  # so that the block needs no scrolling on most pages


def main() -> None:
    ui.WIDE = COLUMNS
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        sys.argv = ["demo.py"]
        runpy.run_path(str(ROOT / "examples" / "fashion" / "demo.py"), run_name="__main__")
    lines = "\n".join(line.rstrip() for line in said.getvalue().strip().splitlines())
    page = ROOT / "README.md"
    text, places = PLACE.subn(
        lambda found: f"{found[1]}```text\n{lines}\n```\n{found[2]}", page.read_text("utf-8")
    )
    if places != 1:
        raise SystemExit("README.md has no place for it: <!-- make readme --> ... <!-- end -->")
    page.write_text(text, encoding="utf-8")
    print(f"README.md: {len(lines.splitlines())} lines of what the demo prints")


if __name__ == "__main__":
    main()
