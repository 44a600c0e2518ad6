"""The page of a conversion: it has every layer, is well formed, and nothing of a model becomes markup."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

import xlite
from xlite.converter.html_report import html_report
from xlite.converter.report import Part

DEMO = Path(__file__).parents[2] / "examples" / "fashion" / "model.h5"


@pytest.fixture(scope="module")
def result():
    return xlite.convert(DEMO, target="pi-zero")


def parse(page: str) -> ElementTree.Element:
    start = page.index("<html")
    return ElementTree.fromstring(page[start:].replace('<meta charset="utf-8">', ""))


def test_every_layer_and_op_has_its_mark(result):
    root = parse(html_report(result.report, result.model))
    text = " ".join(root.itertext())
    for row in result.report.layers:
        assert row.name in text
    titles = [t.text for t in root.iter("title")]
    assert len(titles) == 1 + len(result.model.ops)  # the page's own, and one bar an op
    weighted = [row for row in result.report.layers if row.bytes_before or row.bytes_after]
    bars, arena = root.findall(".//svg")
    assert len(bars.findall("rect")) == 2 * len(weighted)
    assert len(arena.findall("rect")) == len(result.model.ops)


def test_bars_are_to_scale(result):
    root = parse(html_report(result.report, result.model))
    widths = [float(r.get("width")) for r in root.findall(".//svg")[0].findall("rect")]
    weighted = [row for row in result.report.layers if row.bytes_before or row.bytes_after]
    largest = max(weighted, key=lambda row: row.bytes_before)
    place = weighted.index(largest)
    assert widths[2 * place] == max(widths)
    ratio = largest.bytes_after / largest.bytes_before
    assert widths[2 * place + 1] / widths[2 * place] == pytest.approx(ratio, abs=0.01)


def test_each_kernel_of_a_layer_has_a_row(result):
    part = Part("pointwise_kernel", "conv_2d", "f32xbit -> f32", "weights packed", 8, 32, 4, "because", "do this")
    layers = [replace(row, parts=[part, part]) for row in result.report.layers]
    root = parse(html_report(replace(result.report, layers=layers), result.model))
    rows = ["".join(row.itertext()) for row in root.find(".//table[2]").findall("tr")]
    assert len(rows) == 1 + 3 * len(layers)
    assert [("pointwise_kernel" in row, "because; do this" in row) for row in rows[2:4]] == [(True, True)] * 2


def test_names_are_escaped(result):
    bad = "<script>alert('x')</script>&"
    layers = [replace(row, name=bad, reason=bad) for row in result.report.layers]
    report = replace(result.report, layers=layers, source=bad)
    page = html_report(report, result.model)
    assert "<script" not in page
    assert bad in "".join(parse(page).itertext())


def test_what_was_rounded_and_what_could_not_be_folded_is_said():
    converted = xlite.convert(DEMO, input_dtype="uint8", quantize="int8")
    assert converted.report.quantized
    text = " ".join(parse(html_report(converted.report, converted.model)).itertext())
    for remark in converted.report.remarks():
        assert remark in text
    plain = xlite.convert(DEMO, input_dtype="uint8")
    assert plain.report.input_notes
    text = " ".join(parse(html_report(plain.report, plain.model)).itertext())
    assert plain.report.input_notes[0] in text
