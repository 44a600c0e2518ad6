"""Who runs the rows: a column of the table each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

BINARY = "binary.xlite"


@dataclass(frozen=True)
class Engine:
    """title: the column's. runner: the worker's name for it; environment: where that runs. model: the file of the
    row that it loads. macs: whose multiply-accumulates it does, the "binary" net's or the "float" or "int8"
    twin's. environ: variables of its process."""

    key: str
    title: str
    runner: str
    environment: str
    model: str
    macs: str = "binary"
    threads: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)


def xlite(backend: str, threads: int = 1, isa: str = "") -> Engine:
    """One of xlite's backends; ``isa`` forces an instruction set of the C library."""
    key = backend + (f"-{threads}" if threads > 1 else "") + (f"-{isa}" if isa else "")
    title = "xlite " + {"c": "C"}.get(backend, backend)
    title += (f", {threads} threads" if threads > 1 else "") + (f", {isa}" if isa else "")
    environ = {"XLITE_ISA": isa} if isa else {}
    return Engine(key, title, "xlite", "own", BINARY, "binary", threads, {"backend": backend}, environ)


REFERENCE = xlite("c")  # ratios are times of others over its time
ENGINES = (
    REFERENCE,
    xlite("c", threads=2),
    xlite("numba"),
    xlite("numpy"),
    Engine("larq", "Larq CE", "larq", "larq", "larq.tflite"),
    Engine("litert-int8", "LiteRT int8", "litert", "litert", "int8.tflite", "int8"),
    Engine("litert-float", "LiteRT float", "litert", "litert", "float.tflite", "float"),
)
BY_KEY = {engine.key: engine for engine in ENGINES}


def choose(keys: list[str], isas: list[str]) -> list[Engine]:
    """The engines of these keys in the table's order, all for none; one more for each forced instruction set,
    after xlite's other columns. The first is always the one that the others are compared with. KeyError for a key
    that there is not."""
    unknown = [key for key in keys if key not in BY_KEY]
    if unknown:
        raise KeyError(unknown[0])
    found = [engine for engine in ENGINES if not keys or engine.key in keys or engine is REFERENCE]
    own = [engine for engine in found if engine.environment == "own"]
    return [*own, *(xlite("c", isa=isa) for isa in isas), *(e for e in found if e not in own)]
