"""Costs are found from runs, and the table that is written is one that is read."""

from __future__ import annotations

import importlib.util
import json

import pytest

from benchmarks.cost_grid import grid
from benchmarks.costs import Row, fit, read_rows, write_table
from xlite.interpreter import Interpreter, costs
from xlite.schema import verify


def test_fit_finds_the_costs_that_made_the_runs():
    rows = [
        Row("c", "conv_2d bitxbit", m, e, 0.25 * m + 90 * e) for m, e in ((10**6, 10), (10**5, 900), (5000, 5))
    ]
    rows += [Row("c", "sign f32", 0, e, 9.0 * e + 500) for e in (100, 10_000)]
    assert fit(rows) == {"c": {"conv_2d bitxbit": (0.25, 90.0, 0.0), "sign f32": (0.0, 9.0, 500.0)}}


def test_no_cost_is_below_nothing():
    rows = [Row("c", "x f32", 0, 10, 100.0), Row("c", "x f32", 0, 20, 100.0), Row("c", "x f32", 0, 40, 90.0)]
    (rate,) = fit(rows)["c"].values()
    assert min(rate) >= 0
    rows = [Row("c", "x f32", 0, 10, 1.0), Row("c", "x f32", 0, 1000, 500.0)]  # a line through them starts below 0
    assert fit(rows)["c"]["x f32"][2] == 0


def test_one_run_alone_gives_a_cost():
    assert fit([Row("c", "x f32", 0, 100, 700.0)]) == {"c": {"x f32": (0.0, 7.0, 0.0)}}


def test_the_table_is_a_module_with_the_figures(tmp_path):
    rates = {"c": {"sign f32": (0.0, 9.0, 500.0)}}
    figures = {"armv9": {"unit": "instructions", "source": "a test", "rates": rates}}
    write_table(figures, tmp_path / "table.py")
    spec = importlib.util.spec_from_file_location("table", tmp_path / "table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert figures == module.FIGURES


def test_rows_that_somebody_else_measured_are_read(tmp_path):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([{"family": "c", "key": "sign f32", "macs": 0, "elements": 4, "cost": 40}]))
    assert read_rows(path) == [Row("c", "sign f32", 0, 4, 40)]


@pytest.fixture(scope="module")
def works():
    model = grid()
    verify(model)
    return [costs.work(spec) for spec in Interpreter(model, backend="numpy")._open().specs]


def test_every_class_of_the_grid_has_two_sizes(works):
    sizes = {}
    for work in works:
        sizes.setdefault(work.key, set()).add((work.macs, work.elements))
    assert all(len(found) >= 2 for found in sizes.values())
