"""The program that measures the bound, the lists of rows and columns, the environments, the command line."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from click.testing import CliRunner

from benchmarks import engines, environment, rows
from benchmarks.__main__ import in_order, main
from benchmarks.peak import KINDS, SOURCE, NoPeak, Peak, best

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]


@pytest.mark.parametrize("compiler", COMPILERS)
def test_it_compiles_without_a_warning(compiler, tmp_path):
    command = [
        compiler,
        "-std=gnu11",
        "-O2",
        "-Wall",
        "-Wextra",
        "-Werror",
        str(SOURCE),
        "-o",
        str(tmp_path / "p"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.returncode, done.stderr


@pytest.mark.skipif(not COMPILERS, reason="no C compiler")
def test_every_rate_is_measured(tmp_path):
    with Peak(tmp_path) as peak:
        first, second = peak.measure(), peak.measure()
    assert first.keys() == second.keys()
    assert {p["kind"] for p in first.values()} <= set(KINDS)
    assert all(p["registers"] > 0 and p["l1"] > 0 for p in first.values())
    assert best(first)["binary"][1] > 0


@pytest.mark.skipif(not COMPILERS, reason="no C compiler")
def test_no_rate_is_an_artefact_of_the_compiler(tmp_path):
    """A loop that was optimised away would be many times faster than arithmetic can be: no processor does more
    than 8 of the widest steps of 512 a nanosecond."""
    with Peak(tmp_path) as peak:
        rates = peak.measure()
    assert all(max(p["registers"], p["l1"]) < 8 * 512 for p in rates.values())


def test_without_a_compiler_the_reason_is_told(tmp_path, monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoPeak, match="no C compiler"):
        Peak(tmp_path)


# -- lists ----------------------------------------------------------------------------------------------------


def test_keys_are_unique_and_found():
    everything = (*rows.LAYERS, *rows.NETWORKS)
    assert len({row.key for row in everything}) == len(everything)
    assert all(rows.find(row.key) is row for row in everything)
    assert in_order({row.key: row for row in reversed(everything)}) == {row.key: row for row in everything}


def test_chains_are_as_long_as_their_weights_allow():
    for row in rows.LAYERS:
        assert 1 <= row.depth <= rows.LONGEST
        assert row.depth * 36 * row.channels**2 <= rows.WEIGHT_BYTES
        ends = row.height * row.width * row.channels * (rows.HEAD + rows.TAIL)
        assert ends < 0.011 * row.depth * row.macs


def test_the_builders_exist():
    from xlite import zoo

    assert {row.builder for row in rows.NETWORKS} <= set(zoo.BUILDERS)


def test_columns():
    assert engines.choose([], []) == list(engines.ENGINES)
    chosen = [engine.key for engine in engines.choose(["larq"], ["avx2"])]
    assert chosen == ["c", "c-avx2", "larq"]
    assert engines.choose([], ["avx2"])[4].environ == {"XLITE_ISA": "avx2"}
    with pytest.raises(KeyError):
        engines.choose(["fastest"], [])
    assert {e.environment for e in engines.ENGINES} == {"own", *environment.ENVIRONMENTS}


def test_an_environment_that_no_python_here_can_run_is_a_reason(monkeypatch, tmp_path):
    wanted = environment.Environment("future", ("nothing",), "pass", pythons=((9, 9),))
    monkeypatch.setitem(environment.ENVIRONMENTS, "future", wanted)
    monkeypatch.setattr(environment, "FOLDER", tmp_path)
    assert "9.9" in environment.make("future")


@pytest.mark.skipif(os.name == "nt", reason="paths")
def test_packages_that_there_are_not_are_a_reason(monkeypatch, tmp_path):
    wanted = environment.Environment("absent", (str(tmp_path / "no-such-package"),), "pass")
    monkeypatch.setitem(environment.ENVIRONMENTS, "absent", wanted)
    monkeypatch.setattr(environment, "FOLDER", tmp_path)
    assert "cannot be installed" in environment.make("absent")
    assert environment.make("own") == ""


# -- the command line -----------------------------------------------------------------------------------------


def call(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, list(arguments))
    return done.exit_code, done.output


def test_rows_are_listed_and_chosen():
    assert call("--list")[1].split() == [row.key for row in (*rows.LAYERS, *rows.NETWORKS)]
    assert call("--list", "--layers")[1].split() == [row.key for row in rows.LAYERS]
    assert call("--list", "--networks", "--only", "*quicknet*")[1].count("quicknet") == 3


@pytest.mark.parametrize("arguments", [("--only", "nothing"), ("--engine", "fastest"), ("--repeat", "0")])
def test_what_there_is_not_is_refused(arguments):
    code, output = call(*arguments)
    assert code == 2
    assert "Error" in output


def test_nothing_to_show_is_said(tmp_path):
    code, output = call("--show", "--json", str(tmp_path / "none.json"))
    assert code == 1
    assert "no results" in output
