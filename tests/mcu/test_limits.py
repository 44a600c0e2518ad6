"""What small cores must have room for: stack, painted on the board and by the compiler's own figures, and code."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.mcu import figures
from tests.mcu import toolchain
from tests.mcu.boards import LARGE_M0, Board, board
from tests.mcu.emulator import run
from tests.mcu.golden import Golden, assert_same, demo_model, random_networks
from tests.mcu.networks import ahead_of_time, build, interpreted, planned, results
from xlite.converter.codegen.stack import read_call_graph
from xlite.inspection import inspect
from xlite.interpreter import Resolver
from xlite.interpreter.kernels.c.library import ISA_ENVIRONMENT, PORTABLE
from xlite.interpreter.targets import TARGETS

FRAME = 704  # bytes, at most
STACK = 1024
TEXT = {"mps2-an386": (8192, 24576), LARGE_M0.name: (12800, 28672)}  # generated code, and the interpreter
SMALL = "-DXL_SMALL=1"


def needs(b: Board) -> None:
    if toolchain.missing(b.family):
        pytest.skip(toolchain.missing(b.family))


def told(network: Golden, target: str) -> int:
    """The RAM that ``xlite inspect --target`` prints."""
    model = planned(network)
    return inspect(model, 0, Resolver(), TARGETS[target]).target.needed_bytes


@pytest.mark.parametrize("name", ["microbit", "mps2-an386", "virt-rv32"])
def test_no_frame_is_large(name: str, tmp_path: Path):
    b = board(name)
    needs(b)
    flags = [*toolchain.include_flags(), SMALL, "-fcallgraph-info=su"]
    toolchain.compile_all(b, toolchain.portable_sources(), tmp_path, "-Os", flags)
    sizes = read_call_graph(path.read_text() for path in tmp_path.glob("*.ci")).sizes
    assert len(sizes) > 400
    assert {name: size for name, size in sizes.items() if size > FRAME} == {}


@pytest.mark.parametrize("door", [ahead_of_time, interpreted])
def test_every_op_runs_in_a_kibibyte(door, tmp_path: Path, monkeypatch):
    monkeypatch.setenv(ISA_ENVIRONMENT, PORTABLE)
    b = board("mps2-an386")
    needs(b)
    networks = random_networks()
    elf = build(b, door(networks, b), tmp_path, "-Os", [SMALL])
    for network, result in zip(networks, results(run(b, elf, count=False), networks)):
        assert_same(network, result.outputs)
        assert 0 < result.stack < STACK, network.name
        if door is interpreted:
            assert result.arena == told(network, "cortex-m4"), network.name


@pytest.mark.parametrize("integers", [False, True], ids=["floats", "bytes"])
@pytest.mark.parametrize("name", TEXT)
def test_the_demo_network_in_both_doors(name: str, integers: bool):
    b = board(name)
    needs(b)
    network = figures.golden("demo", demo_model(integers))
    compiled, read = figures.ahead_of_time(network, b, "-Os"), figures.interpreter(network, b, "-Os")
    for made, text in zip((compiled, read), TEXT[name]):
        assert 0 < made.text < text
        assert 0 < made.stack < STACK
    assert compiled.ram == 0, "generated code has RAM beside its arena"
