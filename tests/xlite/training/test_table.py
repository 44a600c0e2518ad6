"""The table of runs: what it makes of logs, and that the one in the page is made of those in the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("keras")

from xlite.schema.errors import FileError
from xlite.training import runlog, table

pytestmark = pytest.mark.keras
ROOT = Path(__file__).resolve().parents[3]


def write(folder, recipe, seed, accuracy=None, **start):
    """The log of a run, one that goes on still where there is no accuracy."""
    path = folder / f"{recipe}-{seed}-{len(list(folder.iterdir()))}.jsonl"
    facts = {"recipe": recipe, "seed": seed, "epochs": 3, "data": "D", "data_sha256": "0", "train_images": 60000}
    runlog.write_line(path, "start", {**facts, "test_images": 10000, **start})
    runlog.write_line(path, "epoch", {"epoch": 0, "seconds": 30 * seed})
    if accuracy is not None:
        end = {"test_accuracy": accuracy, "seconds": 90 * seed, "packed_bytes": 59_004}
        runlog.write_line(path, "end", {**end, "deployed_parameters": 12345})


def lines(text):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:3] == "| `"]


def test_seeds_come_together_with_their_mean_and_ends_and_the_float_twin_beside_them(tmp_path):
    for seed, accuracy in ((3, 0.912), (1, 0.91), (2, 0.917)):
        write(tmp_path, "fashion", seed, accuracy)
    write(tmp_path, "fashion", 4)  # not finished
    write(tmp_path, "fashion_float", 1, 0.93)
    write(tmp_path, "fashion_float", 1, 0.5, epochs=1)  # neither of these is a twin of the others
    write(tmp_path, "fashion_float", 1, 0.6, data_sha256="1")
    write(tmp_path, "mine", 1, 0.7, train_images=200)
    assert lines(table.of_folder(tmp_path)) == [
        ["`fashion`", "D, 60,000 + 10,000 images", "3", "1, 2, 3", "91.30 % (91.00 to 91.70)", "93.00 %", "-",
         "12,345", "59,004", "3.0"],
        ["`fashion_float`", "D, 60,000 + 10,000 images", "1", "1", "50.00 %", "-", "-", "12,345", "59,004", "1.5"],
        ["`fashion_float`", "D, 60,000 + 10,000 images", "3", "1", "93.00 %", "-", "-", "12,345", "59,004", "1.5"],
        ["`fashion_float`", "D, 60,000 + 10,000 images", "3", "1", "60.00 %", "-", "-", "12,345", "59,004", "1.5"],
        ["`mine`", "D, 200 + 10,000 images", "3", "1", "70.00 %", "-", "-", "12,345", "59,004", "1.5"],
    ]  # fmt: skip


def test_what_a_run_began_with_stands_beside_what_came_of_it(tmp_path):
    write(tmp_path, "cifar10_float", 1, 0.85)
    write(tmp_path, "cifar10_distilled", 1, 0.81, start_accuracy=0.85, untrained_accuracy=0.1)
    (row,) = [row for row in lines(table.of_folder(tmp_path)) if row[0] == "`cifar10_distilled`"]
    assert row[4:7] == ["81.00 %", "85.00 %", "85.00 %, 10.00 %"]


def test_it_goes_into_a_page(tmp_path):
    (tmp_path / "runs").mkdir()
    write(tmp_path / "runs", "fashion", 1, 0.9)
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- python -m xlite.training.table -->\nold\n<!-- end -->\nafter\n")
    table.main([str(page)])
    text = page.read_text()
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("<!-- end -->\nafter\n")
    assert table.of_folder(tmp_path / "runs") in text
    page.write_text("no place")
    with pytest.raises(FileError, match="no place"):
        table.update(page)


def test_without_runs_it_says_so_and_of_what_is_no_log_too(tmp_path, capsys):
    table.main([str(tmp_path)])
    assert capsys.readouterr().out == table.NO_RUNS
    assert table.of_folder(tmp_path / "nothing") == table.NO_RUNS
    write(tmp_path, "fashion", 1)
    assert table.of_folder(tmp_path) == table.NO_RUNS
    (tmp_path / "text.jsonl").write_text("no log\n")
    with pytest.raises(SystemExit, match=r"xlite: .*text\.jsonl: is no log of a training run"):
        table.main([str(tmp_path)])
    with pytest.raises(SystemExit, match=r"page\.md: cannot be read"):
        table.main([str(tmp_path / "page.md")])
    with pytest.raises(SystemExit, match="prints it"):
        table.main(["--help"])


def test_the_page_holds_what_the_command_prints():
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    (place,) = table.PLACE.finditer(page)
    printed = subprocess.run(
        [sys.executable, "-m", "xlite.training.table"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert place[0] == place[1] + printed + place[2]
