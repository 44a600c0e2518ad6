"""Networks of one layer, for what a kernel is asked before it runs: made in a moment, and small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.interpreter.networks import BIT, F32, I32, U8, Builder, Inputs
from tests.interpreter.random_networks import random_network
from xlite.interpreter.planner import plan
from xlite.schema import write_model
from xlite.schema.contracts import ContractError
from xlite.schema.types import Conv2DOptions, Model, OpKind

_SIZES = ((1, 32, 8), (5, 20, 40), (7, 64, 64), (14, 48, 96), (28, 32, 7), (30, 3, 24))  # pixels a side, in, out


def _bits(size: int, in_c: int, out_c: int, **options: int) -> Model:
    b = Builder()
    out = (BIT, I32, F32)[out_c % 3]
    return b.model([b.conv(b.input((size, size, in_c), BIT), out_c, out=out, **options)])


def _floats(size: int, in_c: int, out_c: int, **options: int) -> Model:
    b = Builder()
    return b.model([b.conv(b.input((size, size, in_c)), out_c, bit_filter=False, **options)])


def _integers(size: int, in_c: int, out_c: int, window: int = 3, **options: int) -> Model:
    b = Builder()
    x, groups = b.input((size, size, in_c), U8), options.get("groups", 1)
    weights = b.bytes(out_c, window, window, in_c // groups)
    inputs: Inputs = (x, weights, b.floats(out_c), b.floats(out_c), None)
    return b.model([b.op(OpKind.CONV_2D, inputs, Conv2DOptions(output_dtype=F32, **options))])


def _models() -> Iterator[Model]:
    around = {"pad_top": 1, "pad_bottom": 1, "pad_left": 1, "pad_right": 1}
    variants: tuple[dict[str, int], ...] = (
        around,
        {**around, "pad_value": -1},
        {**around, "stride_h": 2, "stride_w": 2},
        {**around, "dilation_h": 2, "dilation_w": 2},
        {**around, "groups": 2},
    )
    for size in _SIZES:
        for options in variants:
            for make in (_bits, _floats, _integers):
                try:
                    yield make(*size, **options)
                except ContractError:
                    continue  # a window that is larger than the image, or groups that do not divide
    for size in ((16, 3, 64), (224, 3, 64), (64, 1, 20)):
        yield _integers(*size, window=7, stride_h=2, stride_w=2, **{side: 3 * pad for side, pad in around.items()})
    yield from map(random_network, range(6))


def write_layers(folder: Path) -> list[Path]:
    """Each as a .xlite file with a plan."""
    paths = []
    for i, model in enumerate(_models()):
        model.plan = plan(model)
        paths.append(folder / f"layer{i}.xlite")
        paths[-1].write_bytes(write_model(model))
    return paths
