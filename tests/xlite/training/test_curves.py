"""The log of a run and the picture of it."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")

import xlite
from xlite.training import curves, runlog

pytestmark = pytest.mark.keras


def test_a_log_with_a_half_written_line_is_cut_back(tmp_path):
    path = tmp_path / "run.jsonl"
    for event, facts in (("start", {"recipe": "x"}), *(("epoch", {"epoch": i}) for i in range(3)), ("end", {})):
        runlog.write_line(path, event, facts)
    with open(path, "a") as file:
        file.write('{"event": "epo')
    runlog.cut_back(path, 2)
    assert [entry["epoch"] for entry in runlog.read_run(path).epochs] == [0, 1]
    assert runlog.read_run(path).end == {}
    runlog.cut_back(path, 0)
    assert path.read_text() == ""
    path.write_text("no log")
    with pytest.raises(xlite.Error, match=r"run\.jsonl"):
        runlog.read_run(path)


def test_curves_show_both_lines(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    epochs = [{"epoch": i, "loss": 2 / (i + 1), "val_loss": 1.5, "accuracy": i / 9} for i in range(9)]
    path = tmp_path / "curves.png"
    assert curves.draw(epochs, "a run", path) is None
    with Image.open(path) as picture:
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20)}
    assert {(31, 119, 180), (214, 96, 24)} <= colours
    assert "no epoch" in curves.draw([], "nothing", path)
