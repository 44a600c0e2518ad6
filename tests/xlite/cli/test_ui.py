from __future__ import annotations

import io
import json
import os
import sys

import pytest

from xlite.cli import ui


def test_bars_are_as_long_as_their_share():
    assert [len(ui.bar(value, 64, width=64)) for value in range(65)] == list(range(65))
    assert ui.bar(1, 10**9)
    assert ui.bar(5, 0) == ui.bar(0, 5) == ""


@pytest.mark.parametrize(
    ("value", "text"), [(0.00123, "0.001"), (1.23456, "1.235"), (12.345, "12.3"), (1234.5, "1,234")]
)
def test_milliseconds_keep_the_digits_that_count(value, text):
    assert ui.milliseconds(value) == text


def test_sizes_are_exact_and_readable():
    assert ui.size(12) == "12 B"
    assert ui.size(57016) == "57,016 B (55.7 KiB)"


def test_an_op_of_many_layers_is_named_by_the_first_and_the_last():
    assert ui.layers("") == ""
    assert ui.layers("a+b+c+d") == "a+b+c+d"
    assert ui.layers("a+b+c+d+e") == "a+…+e (5 layers)"


def test_json_has_no_infinities_or_nan(capsys):
    ui.print_json({"a": [1.5, float("inf")], "b": (float("nan"), None, "c")})
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        "a": [1.5, "inf"],
        "b": ["nan", None, "c"],
    }


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn_while_tracking(monkeypatch, seconds_a_step: float, stream: io.StringIO) -> str:
    clock = iter(i * seconds_a_step for i in range(1000))
    monkeypatch.setattr(ui.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sys, "stderr", stream)
    assert list(ui.track(range(5), "counting")) == [0, 1, 2, 3, 4]
    return stream.getvalue()


def test_progress_appears_only_after_a_second_and_on_a_terminal(monkeypatch):
    assert "counting" in drawn_while_tracking(monkeypatch, 0.6, Terminal())
    assert drawn_while_tracking(monkeypatch, 0.1, Terminal()) == ""
    assert drawn_while_tracking(monkeypatch, 0.6, io.StringIO()) == ""


def test_what_was_said_while_waiting_is_shown_only_if_it_fails(capfd):
    with ui.waiting("loading"):
        os.write(2, b"chatter")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"

    def fails() -> None:
        with ui.waiting("loading"):
            os.write(2, b"the reason")
            raise ValueError

    with pytest.raises(ValueError):
        fails()
    assert capfd.readouterr().err == "the reason"


@pytest.mark.parametrize(
    ("columns", "shown"),
    [(200, ["name", "class", "note"]), (40, ["name", "class", "note"]), (39, ["name", "note"]), (5, ["name"])],
)
def test_a_narrow_terminal_gets_fewer_columns(monkeypatch, columns, shown):
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = [["a" * 10, "b" * 10, "c" * 11]]  # with three cells of air each: 40
    drawn = ui.table("", ("name", "class", "note"), rows, optional=("class", "note"))
    assert [column.header for column in drawn.columns] == shown


def test_a_file_or_a_pipe_gets_every_column(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setenv("COLUMNS", "20")
    drawn = ui.table("", ("name", "class"), [["a" * 60, "b" * 60]], optional=("class",))
    assert len(drawn.columns) == 2
    assert ui.console().width == ui.WIDE
