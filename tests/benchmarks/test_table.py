"""The table of a run, as text; the results on disk."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from benchmarks import peak, results, screen, table

PEAKS = {
    "slow": {"kind": "binary", "isa": "a", "registers": 100.0, "l1": 90.0},
    "fast": {"kind": "binary", "isa": "b", "registers": 200.0, "l1": 250.0},
    "fma": {"kind": "float", "isa": "b", "registers": 50.0, "l1": 40.0},
    "dot": {"kind": "int8", "isa": "b", "registers": 100.0, "l1": 40.0},
}


def figure(median: float) -> dict:
    return {"median": median, "low": 0.9 * median, "high": 1.2 * median, "count": 5}


def engine(title: str, ms: float, ratio: float, macs: str = "binary", **more: object) -> dict:
    entry = {"title": title, "threads": 1, "macs": macs, "ms": figure(ms), "ratio": figure(ratio), "runs": 9}
    return {**entry, "versions": {"lib": "1.0"}, "detail": {}, "outputs": {}, **more}


@pytest.fixture
def found() -> results.Results:
    out = {"samples": 4, "exact": 3, "argmax": 4, "correlation": 0.99}
    row = {
        "title": "Net",
        "kind": "layer",
        "depth": 2,
        "source": "Larq",
        "macs": {"binary": {"bitxbit": 400_000_000, "f32xf32": 20_000_000}, "float": {"f32xf32": 420_000_000}},
        "peaks": PEAKS,
        "settings": {"rounds": 5},
        "load": 0.5,
        "engines": {
            "c": {
                **engine("xlite C", 2.5, 1.0),
                "detail": {"isa": "avx9"},
                "ratio": dict.fromkeys(("median", "low", "high"), 1.0),
            },
            "larq": engine("Larq CE", 25.0, 10.0, detail={"mode": "indirect"}, outputs=out),
            "float": engine("LiteRT float", 8.4, 3.4, "float"),
            "int8": {"title": "LiteRT int8", "missing": "no wheel | here"},
        },
    }
    machine = {"processor": "P", "flags": ["avx2"], "cores": 2, "system": "S", "python": "3"}
    return {"format": results.FORMAT, "machine": machine, "rows": {"layer-net": row}}


def test_the_bound_is_the_time_at_the_best_rates():
    assert peak.best(PEAKS) == {"binary": ("fast", 250.0), "float": ("fma", 50.0), "int8": ("dot", 100.0)}
    macs = {"bitxbit": 500_000_000, "f32xf32": 10_000_000, "i8xi8": 100_000_000, "f32xbit": 5_000_000}
    assert peak.bound_ms(macs, PEAKS) == pytest.approx(2.0 + 0.2 + 1.0 + 0.1)


def test_cells(found):
    main = table.main_table(found)
    assert main.head[3:] == ["xlite C, ms", "Larq CE, ms", "LiteRT float, ms", "LiteRT int8, ms"]
    (row,) = main.rows
    assert row[:3] == [("Net",), ("200 bitxbit", "10.0 f32xf32"), ("1.00",)]
    assert row[3:] == [
        ("2.50", "40 %"),  # 1 ms of 2.5; it is what the others are compared with
        ("25.0", "4 %", "10.0x (9.00–12.0)"),
        ("8.40", "50 %", "3.40x (3.06–4.08)"),  # 210 million at 50 G
        (table.NOTHING,),
    ]


def test_two_threads_have_twice_the_bound(found):
    found["rows"]["layer-net"]["engines"]["c"]["threads"] = 2
    assert table.main_table(found).rows[0][3][1] == "20 %"


def test_without_a_bound_there_are_times(found):
    found["rows"]["layer-net"]["peaks"] = {}
    row = table.main_table(found).rows[0]
    assert row[2:4] == [(table.NOTHING,), ("2.50",)]
    assert not table.peak_table(found).rows


def test_nothing_is_missing_in_silence(found):
    notes = "\n".join(table.notes(found))
    assert "LiteRT int8 is –: no wheel | here" in notes
    assert "Larq CE in its mode indirect, outputs 3/4 exact, 4 with the same class" in notes
    assert "lib 1.0" in notes
    assert "xlite runs its avx9 kernels" in notes


def test_a_row_without_a_column_of_another_row_is_shown(found):
    found["rows"]["other"] = {**found["rows"]["layer-net"], "engines": {"numba": engine("numba", 1, 1)}}
    main = table.main_table(found)
    assert [len(row) for row in main.rows] == [len(main.head)] * 2
    assert main.rows[0][-1] == main.rows[1][3] == (table.NOTHING,)


def test_screen_and_markdown_show_the_same(found):
    stream = io.StringIO()
    screen.show(found, Console(file=stream, width=200))
    shown, text = stream.getvalue(), table.markdown(found)
    for words in ("10.0x (9.00–12.0)", "fast, the bound", "LiteRT float, ms"):
        assert words in shown
        assert words in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    head = lines[0].count("|")
    assert [line.count("|") for line in lines[:3]] == [head] * 3


@given(st.floats(1e-4, 1e6))
def test_numbers_keep_three_digits(value):
    text = table.number(value).replace(",", "")
    assert float(text) == pytest.approx(value, rel=0.006, abs=5.1e-5)
    assert "e" not in text
    assert len(re.sub(r"^0\.0*", "", text).replace(".", "")) <= max(3, len(str(round(value))))


# -- files ----------------------------------------------------------------------------------------------------


def test_markdown_goes_between_the_marks_again_and_again(tmp_path):
    path = tmp_path / "doc.md"
    path.write_text(f"# Title\n\n{table.BEGIN}\nold\n{table.END}\n\nrest\n")
    table.write_markdown(path, "new\n")
    table.write_markdown(path, "newer\n")
    assert path.read_text() == f"# Title\n\n{table.BEGIN}\n\nnewer\n\n{table.END}\n\nrest\n"


def test_a_document_without_marks_is_left_alone(tmp_path):
    path = tmp_path / "doc.md"
    path.write_text("# Title\n")
    with pytest.raises(ValueError, match="has no place"):
        table.write_markdown(path, "new")
    assert path.read_text() == "# Title\n"


def test_results_come_back(tmp_path, found):
    path = tmp_path / "folder" / "results.json"
    assert results.load(path)["rows"] == {}
    results.save(path, found)
    assert results.load(path) == found
    assert [p.name for p in path.parent.iterdir()] == ["results.json"]


def test_results_of_another_format_are_not_mixed_in(tmp_path, found):
    path = tmp_path / "results.json"
    results.save(path, {**found, "format": results.FORMAT + 1})
    assert results.load(path)["rows"] == {}


def test_circumstances_differ_where_figures_would():
    base = ({"cpu": "a"}, {"rounds": 3}, ["c", "numba"])
    assert results.circumstances(*base) == results.circumstances({"cpu": "a"}, {"rounds": 3}, ["numba", "c"])
    for other in (({"cpu": "b"}, *base[1:]), (base[0], {"rounds": 4}, base[2]), (*base[:2], ["c"])):
        assert results.circumstances(*other) != results.circumstances(*base)
