"""Row bands: the same bytes as without, in less memory."""

from __future__ import annotations

import numpy as np
import pytest

from tests.converter.codegen.chains import random_chain
from tests.converter.codegen.programs import compile_program, generate_all, run_program
from tests.converter.codegen.test_generated import inputs_of
from tests.interpreter.networks import SAME_3, Builder
from xlite.converter.codegen import generate
from xlite.converter.codegen.arena import lay_out
from xlite.converter.codegen.bands import Bands, make_bands, rows_of
from xlite.converter.codegen.calls import make_calls
from xlite.converter.codegen.fusing import fuse, step_of
from xlite.converter.codegen.golden import run_on
from xlite.converter.codegen.literals import FunctionNames
from xlite.converter.codegen.network import Network
from xlite.schema.types import (
    Conv2DOptions,
    DType,
    Model,
    OpKind,
    Pool2DOptions,
    ReshapeOptions,
    Tensor,
    TensorType,
)


def banded(network: Network) -> int:
    """How many ops run by bands."""
    return sum(len(step.calls) for step in network.steps if isinstance(step.work, Bands))


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("arena", ["static", "caller"])
def test_bands_give_the_same_bytes_in_less_memory(tmp_path, arena):
    models = [random_chain(seed) for seed in range(30)]
    plain = generate_all(models, row_bands=False)
    made = generate_all(models, arena=arena)
    used = [i for i, g in enumerate(made) if banded(g.network)]
    assert len(used) >= 15
    for i, (g, p) in enumerate(zip(made, plain)):
        assert not banded(p.network)
        smaller = g.report.arena < p.report.arena
        assert smaller == (i in used)
    inputs = [inputs_of(model, seed) for seed, model in enumerate(models)]
    got = run_program(compile_program(tmp_path, made), made, inputs)
    for i, g in enumerate(made):
        expected = run_on(g.network.model, inputs[i], "c")
        assert [y.tobytes() for y in got[i]] == [y.tobytes() for y in expected], f"chain {i}"


@pytest.mark.usefixtures("compiler")
def test_outputs_over_their_own_inputs_give_the_same_bytes(tmp_path):
    models = [model for model in map(random_chain, range(200, 290)) if shares(model)]
    assert len(models) > 8
    integers = [
        one_layer(dtype, bits) for dtype in (DType.UINT8, DType.INT8, DType.FLOAT32) for bits in (True, False)
    ]
    assert all(map(shares, integers))
    models += integers
    made = generate_all(models, row_bands=False)
    inputs = [inputs_of(model, seed) for seed, model in enumerate(models)]
    got = run_program(compile_program(tmp_path, made), made, inputs)
    for i, g in enumerate(made):
        expected = run_on(g.network.model, inputs[i], "c")
        assert [y.tobytes() for y in got[i]] == [y.tobytes() for y in expected], f"chain {i}"


def one_layer(dtype: DType, bit_filter: bool) -> Model:
    """Bytes or floats, by bits or int8: more strips than rows."""
    b = Builder(4)
    x, filters = b.input((9, 3, 32), dtype), np.random.default_rng(4).integers(-9, 9, (33, 3, 3, 32), np.int8)
    kernel = b.bits((33, 3, 3, 32), 3) if bit_filter else b._tensor(i8_constant(filters))
    out = DType.FLOAT32 if dtype is DType.FLOAT32 else DType.BIT
    inputs = b._filtered(x, kernel, 33, out)
    return b.model([b.op(OpKind.CONV_2D, inputs, Conv2DOptions(output_dtype=out, **SAME_3))])


def i8_constant(values: np.ndarray) -> Tensor:
    return Tensor("filters", TensorType(values.shape, DType.INT8), values)


def shares(model: Model) -> bool:
    """Whether the arena is smaller by an output over its input."""
    calls = make_calls(model, FunctionNames(), {})
    apart = lay_out(model, [step_of(call) for call in calls])
    return fuse(model, calls, False)[1].arena_bytes < apart.arena_bytes


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("height", [1, 2, 5])
def test_no_row_is_computed_twice_and_buffers_hold_what_they_must(seed, height):
    """Plays the parts as the C does, with row numbers in place of rows."""
    model = random_chain(seed)
    calls = make_calls(model, FunctionNames(), {})
    rows = [rows_of(model, call) for call in calls]
    start = next((i for i in range(len(calls)) if all(rows[i : i + 3])), None)
    if start is None or start + 3 > len(calls):
        pytest.skip("no chain of three in this one")
    bands = make_bands(calls[start : start + 3], rows[start : start + 3], height)
    buffers: list[list[int]] = [[] for _ in bands.buffers]
    done = [0, 0, 0]
    for parts in bands.parts:
        for stage, part in enumerate(parts):
            if part.rows:
                check_part(bands, buffers, done, stage, part)
    assert done[-1] == bands.rows[-1].y_rows


def check_part(bands, buffers, done, stage, part):
    op, target = bands.rows[stage], bands.into[stage]
    source = bands.into[stage - 1] if stage else None
    shares = stage > 0 and source == target
    for y in range(done[stage], done[stage] + part.rows):
        seen = [y * op.stride - op.pad + i * op.dilation for i in range(op.window)]
        ours = [(y - done[stage]) * op.stride - part.pad + i * op.dilation for i in range(op.window)]
        for true, local in zip(seen, ours):
            if not 0 <= true < op.x_rows:
                assert not 0 <= local < part.x_rows
            elif stage and source is not None and not shares:
                assert buffers[source][local] == true
    if target is not None and not shares:
        del buffers[target][part.at :]
        buffers[target] += range(done[stage], done[stage] + part.rows)
        assert len(buffers[target]) <= bands.buffers[target].rows
    if stage and not shares and source is not None:
        assert len(buffers[source]) == part.drop + part.keep
        del buffers[source][: part.drop]
    done[stage] += part.rows


def vgg() -> Model:
    """Six binary layers of 64 to 256 channels over a 32x32x3 image of bytes."""
    b = Builder(3)
    x = b.input((32, 32, 3), DType.UINT8)
    for i, filters in enumerate((64, 64, 128, 128, 256, 256)):
        x = b.conv(x, filters, out=DType.BIT, pad_value=0 if i == 0 else 1, **SAME_3)
        if i % 2:
            x = b.op(OpKind.MAX_POOL_2D, (x, None), Pool2DOptions(2, 2, 2, 2))
    x = b.op(OpKind.RESHAPE, (x,), ReshapeOptions((4 * 4 * 256,)))
    return b.model([b.dense(x, 10)])


@pytest.mark.usefixtures("compiler")
def test_a_vgg_of_32_by_32_runs_in_8_kib(tmp_path):
    model = vgg()
    made = [generate(model, prefix="n0", row_bands=False), generate(model, prefix="n1", target="cortex-m0plus")]
    assert made[0].report.arena < 16 * 1024
    assert made[1].report.arena < 8 * 1024
    inputs = [inputs_of(model, 1)] * 2
    one, other = run_program(compile_program(tmp_path, made), made, inputs)
    (expected,) = run_on(model, inputs[0], "c")
    assert one[0].tobytes() == other[0].tobytes() == expected.tobytes()
