"""Fills the figures of docs/compile.md: python -m tools.compile_page

Each place is a line ``<!-- compile_page: NAME -->``, what was written last, and ``<!-- end -->``. It needs the
toolchains of the targets: gcc-arm-none-eabi and gcc-riscv64-unknown-elf with picolibc.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tests.converter.codegen.test_bands import vgg
from xlite.cli.app import cli
from xlite.converter.codegen import generate

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "compile.md"
DEMO = ROOT / "examples" / "fashion" / "model.h5"
PLACE = re.compile(r"(<!-- compile_page: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
DEMOS = [(target, "model") for target in ("cortex-m0plus", "cortex-m4", "cortex-m7", "rv32")]
DEMOS += [("cortex-m0plus", "logits"), ("cortex-m4", "logits")]
MEASURED = ("code", "tables", "weights", "arena", "stack")


def printed() -> str:
    """What the command says of the demo's network."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["compile", str(DEMO), "-o", f"{folder}/out", "--target", "cortex-m4"]
        said = CliRunner().invoke(cli, arguments, catch_exceptions=False).output
    lines = [line.rstrip() for line in said[: said.index("measured with")].strip().splitlines()]
    command = "$ xlite compile examples/fashion/model.h5 -o out --target cortex-m4"
    return "\n".join(["```text", command, *lines, "```\n"])


def of_demo() -> str:
    rows = [(target, scores, *_figures(str(DEMO), target=target, scores=scores)) for target, scores in DEMOS]
    return _table(("target", "`--scores`", *MEASURED), rows)


def of_vgg() -> str:
    targets = dict.fromkeys(target for target, _ in DEMOS)
    rows = [(target, *_figures(vgg(), target=target, scores="int32")) for target in targets]
    return _table(("target", *MEASURED), rows)


PARTS: dict[str, Callable[[], str]] = {"printed": printed, "demo": of_demo, "vgg": of_vgg}


def _figures(source: Any, **options: Any) -> list[str]:
    """Bytes, as the target's own toolchain gives them; with the arena that was asked for."""
    report = generate(source, measured=True, **options).report
    if report.measured is None:
        raise SystemExit(f"{options['target']}: {report.why}")
    values = {"arena": report.arena, **vars(report.measured)}
    return [f"{values[name]:,}" for name in MEASURED]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    page = PLACE.sub(lambda found: f"{found[1]}{PARTS[found[2]]()}{found[3]}", PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(page, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {', '.join(PARTS)}")


if __name__ == "__main__":
    main()
