"""The results as markdown, and between two marks of a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- mcu: begin -->", "<!-- mcu: end -->"

Results = Mapping[str, Any]


def markdown(results: Results) -> str:
    parts = []
    if results.get("inner_loops"):
        parts.append(_inner_loops(results["inner_loops"]))
    if results.get("convolutions"):
        parts.append(_convolutions(results["convolutions"]))
    if results.get("networks"):
        parts.append(_networks(results["networks"]))
    if results.get("sizes"):
        parts.append(_sizes(results["sizes"]))
    parts.append(f"{results['compiler']}; {results['emulator']}. Instructions, not cycles: see below.")
    return "\n\n".join(parts)


def _inner_loops(rows: Sequence[Mapping[str, Any]]) -> str:
    words = sorted({int(n) for row in rows for n in row["words"]})
    head = ["Inner loop, instructions a 32-bit word", *(f"filters of {n} words" for n in words)]
    return _table(head, ([row["core"], *(_decimal(row["words"].get(str(n))) for n in words)] for row in rows))


def _convolutions(rows: Sequence[Mapping[str, Any]]) -> str:
    head = ["Binary convolution, 3 x 3", "core", "instructions a word", "beside the inner loop"]
    head += ["workspace, bytes", "by look-up, a word", "its workspace, bytes"]
    body = []
    for row in rows:
        direct, tables = row["direct"], row["lookup"]
        pads = {0: "zeros", 1: "+1", -1: "-1"}[row["pad_value"]]
        title = f"{row['channels']} channels, {row['size']} x {row['size']}, {pads} padded"
        beside = f"{100 * (direct['total'] / direct['inner'] - 1):.0f} %"
        cells = [_decimal(direct["total"] / direct["words"]), beside, _integer(direct["workspace"])]
        cells += [_decimal(tables["total"] / tables["words"]), _integer(tables["workspace"])]
        body.append([title, row["core"], *cells])
    return _table(head, body, left=2)


def _networks(rows: Sequence[Mapping[str, Any]]) -> str:
    head = ["Network", "core", "built by", "10⁶ instructions", "text", "weights, constants", "arena", "stack"]
    body = []
    for row in rows:
        sizes = [_integer(row[key]) for key in ("text", "constants", "arena", "stack")]
        body.append([row["network"], row["core"], row["door"], _decimal(row["instructions"] / 1e6), *sizes])
    return _table(head, body, left=3)


def _sizes(sizes: Mapping[str, int]) -> str:
    lines = [
        ("Interpreter, text with the demo's ops, Cortex-M4 -Os", sizes["interpreter_text"]),
        ("Interpreter, text with every op, Cortex-M4 -Os", sizes["interpreter_all_text"]),
        ("Binary VGG, 32 x 32 x 3, six layers of 64 to 256 channels: arena", sizes["vgg_arena"]),
        ("The same by bands of rows", sizes["vgg_arena_bands"]),
    ]
    return _table(["Sizes", "bytes"], ([name, _integer(size)] for name, size in lines))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    marks = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, marks, *rows))


def _decimal(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def _integer(value: int) -> str:
    return f"{value:,}"


def write(path: Path, text: str) -> None:
    """Puts the text between the document's two marks. ValueError where it has none."""
    head, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no place for the table: put the lines {BEGIN} and {END} where it belongs")
    path.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}", encoding="utf-8")
