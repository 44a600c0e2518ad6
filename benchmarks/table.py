"""The results as one table: on the screen, and as markdown between two marks of a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peak import best, bound_ms

BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"
NOTHING = "–"

Cell = tuple[str, ...]  # its lines


@dataclass(frozen=True)
class Table:
    head: list[str]
    rows: list[list[Cell]]


def main_table(results: Mapping[str, Any]) -> Table:
    """A row a layer or network. An engine's cell: milliseconds, the share of the bound that it reaches, and how
    much longer than the first engine it takes, with the quartiles over the rounds."""
    rows = list(results["rows"].values())
    titles = {key: entry["title"] for row in rows for key, entry in row["engines"].items()}
    head = ["", "10⁶ MAC", "bound, ms", *(f"{title}, ms" for title in titles.values())]
    return Table(head, [_row(row, list(titles)) for row in rows])


def _row(row: Mapping[str, Any], keys: list[str]) -> list[Cell]:
    macs = row["macs"].get("binary", {})
    parts = tuple(f"{number(count / row['depth'] / 1e6)} {name}" for name, count in macs.items())
    bounds = _bounds(row)
    bound = (number(bounds["binary"]),) if "binary" in bounds else (NOTHING,)
    return [(row["title"],), parts, bound, *(_cell(row["engines"].get(key), bounds) for key in keys)]


def _bounds(row: Mapping[str, Any]) -> dict[str, float]:
    """Milliseconds that each model's multiply-accumulates take at the machine's peak on one thread."""
    if not row["peaks"]:
        return {}
    return {name: bound_ms(macs, row["peaks"]) / row["depth"] for name, macs in row["macs"].items() if macs}


def _cell(entry: Mapping[str, Any] | None, bounds: Mapping[str, float]) -> Cell:
    if entry is None or "missing" in entry:
        return (NOTHING,)
    lines = [number(entry["ms"]["median"])]
    if entry["macs"] in bounds:
        lines.append(f"{100 * bounds[entry['macs']] / entry['threads'] / entry['ms']['median']:.0f} %")
    ratio = entry["ratio"]
    if ratio is not None and (ratio["low"], ratio["high"]) != (1, 1):
        low, median, high = (times(ratio[key]) for key in ("low", "median", "high"))
        lines.append(f"{median}x ({low}–{high})")
    return tuple(lines)


def peak_table(results: Mapping[str, Any]) -> Table:
    """The machine's rates, as the last row found them; the best of a kind is the bound."""
    peaks: dict[str, Any] = next(
        (row["peaks"] for row in reversed(list(results["rows"].values())) if row["peaks"]), {}
    )
    winners = {name for name, _ in best(peaks).values()}
    rows: list[list[Cell]] = [
        [
            (name + (", the bound" if name in winners else ""),),
            (peak["kind"],),
            (number(peak["registers"]),),
            (number(peak["l1"]),),
        ]
        for name, peak in peaks.items()
    ]
    return Table(["10⁹ MAC a second, one thread", "operands", "from registers", "from L1"], rows)


def notes(results: Mapping[str, Any]) -> Iterator[str]:
    """What the table leaves out, a line each: the machine, versions, modes, outputs, and why a cell is empty."""
    machine = results["machine"]
    isa = _isa(results)
    yield (
        f"{machine['processor']}, {machine['cores']} cores ({', '.join(machine['flags'])}), {machine['system']}, "
        f"Python {machine['python']}" + (f"; xlite runs its {isa} kernels" if isa else "")
    )
    versions = {
        k: v
        for row in results["rows"].values()
        for e in row["engines"].values()
        for k, v in e.get("versions", {}).items()
    }
    if versions:
        yield "Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    yield from _settings(results)
    for row in results["rows"].values():
        yield from _row_notes(row)


def _isa(results: Mapping[str, Any]) -> str:
    """The instruction set that the first engine ran with, as it says itself."""
    found = {
        entry["detail"]["isa"]
        for row in results["rows"].values()
        for key, entry in row["engines"].items()
        if key == "c" and entry.get("detail", {}).get("isa")
    }
    return " and ".join(sorted(found))


def _settings(results: Mapping[str, Any]) -> Iterator[str]:
    rounds = sorted({row["settings"]["rounds"] for row in results["rows"].values()})
    loads = [row["load"] for row in results["rows"].values() if "load" in row]
    if rounds:
        text = f"{' or '.join(map(str, rounds))} rounds a row, each engine in turn"
        yield text + (f"; load of the machine up to {max(loads):.1f} before a row" if loads else "")


def _row_notes(row: Mapping[str, Any]) -> Iterator[str]:
    title = row["title"] + (f" (chain of {row['depth']})" if row["kind"] == "layer" else "")
    said: dict[str, list[str]] = {}
    for entry in row["engines"].values():
        if "missing" in entry:
            said.setdefault(f"is {NOTHING}: {entry['missing']}", []).append(entry["title"])
            continue
        mode = entry["detail"].get("mode")
        found = [f"in its mode {mode}"] if mode else []
        others = {name: n for name, n in entry["detail"].get("ops", {}).items() if name != "c"}
        if entry["title"].startswith("xlite C") and others:
            found.append("with " + ", ".join(f"{n} ops on {name}" for name, n in others.items()))
        if out := entry["outputs"]:
            found.append(f"outputs {out['exact']}/{out['samples']} exact, {out['argmax']} with the same class")
        if found:
            said.setdefault(", ".join(found), []).append(entry["title"])
    if said:
        yield f"{title}: " + "; ".join(f"{', '.join(titles)} {text}" for text, titles in said.items())


# -- as text ------------------------------------------------------------------------------------------------------


def number(value: float) -> str:
    """Three digits that count, never a power of ten."""
    if value == 0:
        return "0"
    digits = 0
    while digits < 6 and abs(value) * 10**digits < 99.95:
        digits += 1
    return f"{value:,.{min(digits, 4)}f}" if digits else f"{value:,.0f}"


def times(value: float) -> str:
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 9.95 else f"{value:.2f}"


def markdown(results: Mapping[str, Any]) -> str:
    parts = [markdown_table(main_table(results)), markdown_table(peak_table(results))]
    return "\n\n".join([*parts, "\n".join(f"- {note}" for note in notes(results))]) + "\n"


def markdown_table(table: Table) -> str:
    lines = [table.head, ["---", *["---:"] * (len(table.head) - 1)]]
    lines += [["<br>".join(cell).replace("|", "\\|") for cell in row] for row in table.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_markdown(path: Path, text: str, begin_mark: str = BEGIN, end_mark: str = END) -> None:
    """Puts the text between the document's two marks. ValueError where it has none; a document that is not there
    is made of the text alone."""
    if not path.exists():
        path.write_text(f"{begin_mark}\n\n{text}\n{end_mark}\n", encoding="utf-8")
        return
    document = path.read_text(encoding="utf-8")
    head, begin, rest = document.partition(begin_mark)
    _, end, tail = rest.partition(end_mark)
    if not begin or not end:
        raise ValueError(
            f"{path} has no place for the table: put the lines {begin_mark} and {end_mark} where it belongs"
        )
    path.write_text(f"{head}{begin_mark}\n\n{text}\n{end_mark}{tail}", encoding="utf-8")
