"""The figures that estimates for a Pi Zero are made from are those of today's kernels: each class of op takes what
interpreter/cost_figures.py says, so that none gets slower unseen, whether it is in one of the networks or not."""

from __future__ import annotations

import pytest

from benchmarks.cost_grid import grid
from benchmarks.costs import fit, measure_emulated
from xlite.interpreter.cost_figures import FIGURES
from xlite.schema import write_model

ISA = "armv6+vfp2"
RATES = FIGURES[ISA]["rates"]
CLASSES = [(family, key) for family, rates in RATES.items() for key in rates]


@pytest.fixture(scope="module")
def rows(counted, tmp_path_factory):
    """The grid's ops by class, counted alone."""
    path = tmp_path_factory.mktemp("costs") / "grid.xlite"
    path.write_bytes(write_model(grid()))
    found = {}
    for row in measure_emulated(path, ISA):
        found.setdefault((row.family, row.key), []).append(row)
    return found


def test_every_class_of_op_has_a_figure(rows):
    assert set(rows) == set(CLASSES), f"python -m benchmarks.costs {ISA} writes them"


@pytest.mark.parametrize(("family", "key"), CLASSES)
def test_a_class_of_op_takes_what_its_figure_says(rows, family, key):
    """Figures have three digits, and what is fitted changes a little with a compiler."""
    measured = rows[family, key]
    today, figures = fit(measured)[family][key], RATES[family][key]
    assert _total(measured, today) == pytest.approx(_total(measured, figures), rel=0.03), (
        f"{today} today, {figures} in the table: python -m benchmarks.costs {ISA} writes it anew"
    )


def _total(rows, rates) -> float:
    return sum(rates[0] * row.macs + rates[1] * row.elements + rates[2] * row.calls for row in rows)
