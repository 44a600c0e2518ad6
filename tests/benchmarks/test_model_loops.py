"""The loops that are cut out of the library, and what a model says of them."""

from __future__ import annotations

import shutil

import pytest
from click.testing import CliRunner

from benchmarks import model_loops
from benchmarks.model_loops import LOOPS, NoModel, bound_loop, find_model, inner_loop, main, rows_of

BY_NAME = {loop.name: loop for loop in LOOPS}


def have(loop) -> None:
    for tool in loop.tools:
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed here")


def number(loop: list[str], name: str) -> int:
    return sum(line.startswith(name) for line in loop)


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.name)
def test_each_loop_is_found_whole(loop, tmp_path):
    """An instruction that counts for every vector of products of the iteration; a jump back at the end."""
    have(loop)
    found = inner_loop(loop, tmp_path)
    per_count = 1024 if loop.name == "AVX-512" else 128  # bits a count, or pairs of them
    assert number(found, loop.counts) * per_count == loop.products
    assert found[-1].endswith("inner_loop")


def test_the_loop_for_avx512_has_five_operations_a_pair_and_no_more(tmp_path):
    loop = BY_NAME["AVX-512"]
    have(loop)
    found = inner_loop(loop, tmp_path)
    sums = 12
    assert [number(found, name) for name in ("vpternlog", "vpopcntd", "vpadd")] == [3 * sums, sums, sums]
    assert number(found, "vpbroadcastd") == 2 * sums / 2  # one serves both halves of the channels
    assert not [line for line in found if "%rsp" in line or "%rbp" in line], "sums are kept in memory"


def test_bare_operations_have_registers_of_their_own():
    for loop in LOOPS:
        text = bound_loop(loop)
        assert len(text) == len(set(text)) == len(loop.bound) * 6


@pytest.mark.parametrize("name", ["AVX-512", "NEON, 64 bits"])
def test_loops_are_near_their_bound(name):
    have(BY_NAME[name])
    try:
        model = find_model()
    except NoModel as error:
        pytest.skip(str(error))
    rows = rows_of(model, BY_NAME[name])
    assert rows
    for row in rows:
        assert row.bound > 0
        assert row.share > (0.55 if row.core == "cortex-a53" else 0.65), row


def test_without_the_model_the_mend_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    done = CliRunner().invoke(main, [])
    assert done.exit_code == 1
    assert "apt install llvm" in done.output


def test_without_a_compiler_the_loop_is_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr(model_loops, "find_model", lambda: "llvm-mca")
    monkeypatch.setattr(model_loops, "_version", lambda command: 0)
    monkeypatch.setenv("PATH", "")
    document = tmp_path / "page.md"
    document.write_text(f"a\n{model_loops.BEGIN}\nold\n{model_loops.END}\nz\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["--markdown", str(document)])
    assert done.exit_code == 0, done.output
    text = document.read_text(encoding="utf-8")
    assert "is not installed here" in text
    assert text.startswith("a\n")
    assert text.endswith("z\n")
    assert "old" not in text
