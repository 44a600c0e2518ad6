"""Pastes the figures of README.md out of the pages of docs, which commands make: python tools/readme_figures.py"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = re.compile(r"(<!-- python tools/readme_figures.py -->\n).*?(<!-- end -->)", re.DOTALL)

Row = dict[str, str]


def rows(page: str) -> Iterator[Row]:
    """Every row of every table of docs/PAGE: the column's title -> what the cell says."""
    titles: list[str] = []
    for line in (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            titles = []
        elif not titles:
            titles = cells
        elif not set(cells[0]) <= set("-: ") or not cells[0]:
            yield dict(zip(titles, cells))


def row(page: str, **wanted: str) -> Row:
    """The first row whose columns begin with what is wanted; _ in a name stands for the column without title."""
    named = {"" if title == "_" else title.replace("_", " "): start for title, start in wanted.items()}
    for found in rows(page):
        if all(found.get(title, "").startswith(start) for title, start in named.items()):
            return found
    raise SystemExit(f"docs/{page} has no row {named}")


def trained(recipe: str, what: str) -> list[str]:
    ours, twin = (
        row("training.md", recipe=f"`{recipe}`"),
        row("training.md", recipe=f"`{recipe.split('_')[0]}_float`"),
    )
    accuracy, of_twin = (found["test accuracy"].split(" (")[0] for found in (ours, twin))
    return [
        what,
        f"{accuracy} in {ours['packed bytes']} bytes",
        f"in floats: {of_twin} in {twin['packed bytes']} bytes",
        f"`xlite train {recipe}`, [training](docs/training.md)",
    ]


def on_a_pi(network: str, what: str) -> list[str]:
    ours = row("device-bench.md", _=f"{network}, binary, int8 stem")
    twin = row("device-bench.md", _=f"{network}, float")
    return [
        f"{what}, int8 stem, on a Raspberry Pi Zero (emulated)",
        f"{ours['instructions']} million instructions",
        f"in floats {ours['twin / network']} times as many: {twin['instructions']} million",
        "`make device-bench`, [Pi Zero](docs/pi-zero.md)",
    ]


def on_a_microcontroller() -> list[str]:
    found = [
        row("microcontrollers.md", Network=name, core="Cortex-M4F", built_by="xlite compile, -Os")
        for name in ("demo, image of bytes", "the same in float32")
    ]
    ours, twin = (
        f"{r['10⁶ instructions']} million instructions, {r['text']} bytes of code, "
        f"{r['weights, constants']} of weights, {r['arena']} of RAM"
        for r in found
    )
    command = "`make mcu-bench`, [microcontrollers](docs/microcontrollers.md)"
    return ["the demo's network, images of bytes, on a Cortex-M4F (emulated)", ours, f"in floats: {twin}", command]


def on_a_computer() -> list[str]:
    found = row("performance.md", _="BiRealNet")
    times = {title.removesuffix(", ms"): cell.split("<br>") for title, cell in found.items()}
    peers = [
        f"{times[name][2].split(' ')[0]} {said}"
        for name, said in (
            ("Larq CE", "Larq Compute Engine"),
            ("LiteRT int8", "LiteRT in int8"),
            ("LiteRT float", "LiteRT in floats"),
        )
    ]
    return [
        "Bi-Real Net 18 at 224x224, one thread with AVX2",
        f"{times['xlite C'][0]} ms",
        f"as long: {', '.join(peers)}",
        "`make bench`, [performance](docs/performance.md)",
    ]


def figures() -> str:
    lines = [
        ["what", "xlite", "beside it", "by"],
        ["---"] * 4,
        trained("fashion_distilled", "Fashion-MNIST, the demo's network"),
        trained("cifar10_binary", "CIFAR-10, stored as JPEG"),
        on_a_pi("demo", "the demo's network"),
        on_a_pi("birealnet18-224", "Bi-Real Net 18 at 224x224"),
        on_a_microcontroller(),
        on_a_computer(),
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def main() -> None:
    page = ROOT / "README.md"
    text, places = PLACE.subn(lambda found: found[1] + figures() + found[2], page.read_text("utf-8"))
    if places != 1:
        raise SystemExit("README.md has no place for it: <!-- python tools/readme_figures.py --> ... <!-- end -->")
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
