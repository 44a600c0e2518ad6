"""What is measured, as plain dictionaries: the rows of the three tables."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.mcu import figures, models
from benchmarks.mcu.figures import Figures
from tests.mcu.boards import BOARDS, LARGE_M0, Board, board
from tests.mcu.golden import demo_model
from tests.mcu.measure import convolution, inner_loop
from tests.mcu.networks import Golden
from tests.mcu.toolchain import missing
from xlite.converter.codegen import generate
from xlite.schema.types import Model

Say = Callable[[str], None]
Row = dict[str, Any]

WORDS = (18, 72, 144)  # of filters of 3 x 3 x 64, 256 and 512 elements
CONVS = ((64, 14, 1), (64, 14, 0), (128, 7, 1))  # channels, size, what is padded
SAME_CORE = ("netduinoplus2", "sifive_e")  # as another board's
NETWORK_BOARDS = (board("mps2-an386"), LARGE_M0)


def boards() -> list[Board]:
    """One of each core whose toolchain is here."""
    return [b for b in BOARDS if b.name not in SAME_CORE and not missing(b.family)]


def inner_loops(say: Say) -> list[Row]:
    """Instructions a word, by words of a filter."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for b in boards():
            say(f"inner loop: {b.core}")
            words = {str(n): inner_loop(b, n, Path(folder)) for n in WORDS if n * 132 < b.ram.size + 8192}
            found.append({"board": b.name, "core": b.core, "words": words})
    return found


def convolutions(say: Say) -> list[Row]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for b in boards():
            b = LARGE_M0 if b.core == LARGE_M0.core else b
            for channels, size, pad in CONVS:
                say(f"convolution: {b.core}, {channels} channels")
                direct = convolution(b, channels, size, pad, Path(folder))
                tables = convolution(b, channels, size, pad, Path(folder), lookup=True)
                assert tables.hash == direct.hash, f"{b.core}: look-up gives something else"
                row = {"core": b.core, "channels": channels, "size": size, "pad_value": pad}
                found.append({**row, "direct": asdict(direct), "lookup": asdict(tables)})
    return found


def networks(model: Model | None, name: str, say: Say, only: str = "") -> list[Row]:
    """``model``, or the demo in its two forms, and the same architecture in float32. only: text that what is
    measured has in its name, core or way to be built."""
    chosen = [(name, model)] if model is not None else _demos()
    twin = models.float_twin(chosen[0][1])
    if twin is not None:
        chosen.append(("the same in float32", twin))
    found: list[Row] = []
    for title, made in chosen:
        network = figures.golden(title, made)
        for b in (b for b in NETWORK_BOARDS if not missing(b.family)):
            for door, figure in _ways(network, b, interpreter=twin is not made):
                if only not in f"{title} {b.core} {door}":
                    continue
                say(f"{title}: {b.core}, {door}")
                found.append(_row(title, b, door, figure))
    return found


def _demos() -> list[tuple[str, Model]]:
    return [("demo, image of bytes", demo_model(True)), ("demo, image of floats", demo_model(False))]


def _ways(network: Golden, b: Board, interpreter: bool) -> list[tuple[str, Callable[[], Figures]]]:
    """How it is built: title and what measures it."""
    ways: list[tuple[str, Callable[[], Figures]]] = [
        (f"xlite compile, {o}", lambda o=o: figures.ahead_of_time(network, b, o)) for o in ("-Os", "-O2")
    ]
    if interpreter:
        ways += [
            ("interpreter, -Os", lambda: figures.interpreter(network, b, "-Os")),
            ("interpreter, -O2", lambda: figures.interpreter(network, b, "-O2")),
        ]
    return ways


def _row(title: str, b: Board, door: str, figure: Callable[[], Figures]) -> Row:
    made = figure()
    return {"network": title, "core": b.core, "door": door, **asdict(made), "flash": made.flash}


def sizes(say: Say) -> Row:
    """Single figures of the Cortex-M4 at -Os: code of the interpreter with the demo's ops and with all, and the
    arena of a binary VGG as generated code."""
    b = board("mps2-an386")
    if missing(b.family):
        return {}
    say("sizes")
    demo = figures.golden("demo", demo_model(False))
    vgg = models.vgg()
    return {
        "interpreter_text": figures.interpreter(demo, b, "-Os").text,
        "interpreter_all_text": figures.interpreter(demo, b, "-Os", every_op=True).text,
        "vgg_arena": generate(vgg, target="cortex-m4", row_bands=False).network.arena_bytes,
        "vgg_arena_bands": generate(vgg, target="cortex-m4").network.arena_bytes,
    }
