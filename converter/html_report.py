"""The conversion report as one self-contained page: the table, bytes per layer as bars, the arena over time.

No script, no font, no picture from elsewhere: the page can be mailed. Everything that comes from a model (names,
messages) is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from xlite.converter.report import FLOAT, INT8, PACKED, WEIGHTS, LayerRow, Part, Report
from xlite.interpreter.memory import format_size
from xlite.interpreter.planner import OpMemory, timeline
from xlite.schema.types import Model

COLOURS = {PACKED: "#2a7f62", INT8: "#3a7ca5", WEIGHTS: "#8fb339", FLOAT: "#c8553d"}
OTHER = "#9aa5b1"
WIDTH, BAR, GAP, LABEL = 960, 16, 6, 240  # of the pictures, in pixels

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; margin: 2rem auto; max-width: 62rem; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100%; font-size: 0.85rem }
th, td { text-align: left; padding: 0.25rem 0.6rem; border-bottom: 1px solid #e4e7eb; vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.tag { color: #fff; border-radius: 0.3rem; padding: 0 0.4rem; white-space: nowrap }
svg { width: 100%; height: auto } text { font: 12px system-ui, sans-serif; fill: #1f2933 }
"""


def html_report(report: Report, model: Model) -> str:
    """The page. ``model`` is the converted one, for the arena's timeline."""
    title = escape(f"{report.source} as .xlite")
    parts = [
        f"<h1>{title}</h1>",
        _totals(report),
        "<h2>Layers</h2>",
        _table(report.layers),
        "<h2>Bytes of weights, by layer</h2>",
        _bars([row for row in report.layers if row.bytes_before or row.bytes_after]),
    ]
    if model.plan is not None and model.ops:
        parts += ["<h2>Arena, op by op</h2>", _timeline(timeline(model, model.plan), report.arena_bytes)]
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _totals(report: Report) -> str:
    macs = ", ".join(f"{count:,} {escape(kind)}" for kind, count in report.macs.items()) or "none"
    ratio = report.float_bytes / report.file_bytes if report.file_bytes else 0.0
    rows = [
        ("weights as float32", f"{report.float_bytes:,} B ({format_size(report.float_bytes)})"),
        (".xlite file", f"{report.file_bytes:,} B ({format_size(report.file_bytes)}), {ratio:.1f} times smaller"),
        ("information in it", f"{report.information_bytes:,} B ({format_size(report.information_bytes)})"),
        ("multiply-accumulates", macs),
        ("arena", f"{report.arena_bytes:,} B (lower bound {report.arena_lower_bound:,} B)"),
    ]
    rows += [("note", escape(note)) for note in report.remarks()]
    if report.target is not None:
        fits = "fits" if report.target["fits"] else "does not fit"
        rows.append(
            (f"target {escape(report.target['name'])}", f"{fits}: {report.target['needed_bytes']:,} B needed")
        )
    return "<table>" + "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows) + "</table>"


def _table(layers: Sequence[LayerRow]) -> str:
    """A row a layer, and under it one for each kernel where there are several."""
    head = "".join(
        f'<th class="{kind}">{name}</th>'
        for name, kind in (
            ("layer", ""),
            ("class", ""),
            ("op", ""),
            ("input x weights", ""),
            ("status", ""),
            ("parameters", "n"),
            ("before", "n"),
            ("after", "n"),
            ("why, and what would help", ""),
        )
    )
    rows = [_layer_row(row) + "".join(map(_part_row, row.parts)) for row in layers]
    return f"<table><tr>{head}</tr>" + "".join(rows) + "</table>"


def _layer_row(row: LayerRow) -> str:
    return _table_row(row, [row.name, row.class_name, ", ".join(row.ops), row.precision])


def _part_row(part: Part) -> str:
    return _table_row(part, [f"\u2013 {part.name}", "", part.op, part.precision])


def _table_row(row: LayerRow | Part, texts: Sequence[str]) -> str:
    why = "; ".join(text for text in (row.reason, row.mend) if text)
    tag = f'<span class="tag" style="background:{_colour(row)}">{escape(row.status)}</span>'
    cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
    numbers = "".join(
        f'<td class="n">{value:,}</td>' for value in (row.parameters, row.bytes_before, row.bytes_after)
    )
    return f"<tr>{cells}<td>{tag}</td>{numbers}<td>{escape(why)}</td></tr>"


def _colour(row: LayerRow | Part) -> str:
    return COLOURS.get(row.status, OTHER)


def _bars(rows: Sequence[LayerRow]) -> str:
    """One bar a layer: pale as float32, solid as packed."""
    if not rows:
        return "<p>No layer has weights.</p>"
    most = max(max(row.bytes_before, row.bytes_after) for row in rows)
    room = WIDTH - LABEL - 130
    marks = []
    for i, row in enumerate(rows):
        y = i * (BAR + GAP)
        before, after = (
            max(1.0, room * size / most) if size else 0.0 for size in (row.bytes_before, row.bytes_after)
        )
        colour = _colour(row)
        marks.append(
            f'<text x="{LABEL - 8}" y="{y + 13}" text-anchor="end">{escape(_short(row.name))}</text>'
            f'<rect x="{LABEL}" y="{y}" width="{before:.1f}" height="{BAR}" fill="{colour}" opacity="0.25"/>'
            f'<rect x="{LABEL}" y="{y}" width="{after:.1f}" height="{BAR}" fill="{colour}"/>'
            f'<text x="{LABEL + max(before, after) + 6:.1f}" y="{y + 13}">'
            f"{format_size(row.bytes_before)} &#8594; {format_size(row.bytes_after)}</text>"
        )
    return _svg(len(rows) * (BAR + GAP), marks, "Bytes of weights before and after, one bar a layer")


def _timeline(rows: Sequence[OpMemory], arena: int) -> str:
    """Bytes alive during each op, as a stair; the dashed line is the arena."""
    height, left, right = 220, 70, WIDTH - 10
    top = max(arena, max(row.live_bytes for row in rows), 1)
    step = (right - left) / len(rows)
    marks = []
    for i, row in enumerate(rows):
        tall = (height - 20) * row.live_bytes / top
        marks.append(
            f'<rect x="{left + i * step:.1f}" y="{height - tall:.1f}" width="{max(step - 1, 0.5):.1f}" '
            f'height="{tall:.1f}" fill="#3e6990"><title>{escape(row.name)}: {row.live_bytes:,} B</title></rect>'
        )
    line = height - (height - 20) * arena / top
    marks.append(
        f'<line x1="{left}" x2="{right}" y1="{line:.1f}" y2="{line:.1f}" stroke="#c8553d" stroke-dasharray="5 4"/>'
        f'<text x="{left - 6}" y="{line + 4:.1f}" text-anchor="end">{format_size(arena)}</text>'
        f'<text x="{left - 6}" y="{height}" text-anchor="end">0</text>'
    )
    return _svg(height + 4, marks, "Bytes of the arena in use during each op, in running order")


def _svg(height: int, marks: Sequence[str], label: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">{"".join(marks)}</svg>'


def _short(name: str, limit: int = 34) -> str:
    return name if len(name) <= limit else f"{name[: limit // 2 - 1]}...{name[-(limit // 2 - 2) :]}"
