"""Register tiles of floats: around the sizes of tiles, blocks and chunks; wherever a pixel lies; on any number of
threads; of every instruction set, here or under an emulator."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.interpreter.c.grid import BIT, EXACT, F32, draw, make_case
from tests.interpreter.c.test_c_build import COMPILERS, address_sanitizer
from tests.interpreter.c.test_c_kernels import check
from tests.interpreter.c.test_c_tiles import (
    AARCH64,
    ARM,
    AVX512,
    CORTEX_A7,
    HERE,
    X86,
    compile_program,
    need,
    prepared,
    run_webassembly,
    runs,
    tiled,
)
from xlite.interpreter.kernels import c as backend
from xlite.interpreter.kernels.c.library import load
from xlite.schema.types import Activation, ActivationKind, Conv2DOptions, DenseOptions, OpKind

PROGRAM = HERE / "tiles_f32_program.c"
ISAS = load().isas() if backend.available() else {}
outer = pytest.mark.skipif(not COMPILERS or EXACT in os.environ, reason="no compiler, or this is the inner run")
needs_tiles = pytest.mark.skipif(not ISAS, reason="this machine has no register tiles")
SAME = {"pad_top": 1, "pad_bottom": 1, "pad_left": 1, "pad_right": 1}
FILTERS = pytest.mark.parametrize("filters", [F32, BIT], ids=["f32", "bit"])


def convolution(rng, shape, outputs, kernel, filters, **options):
    """With scale, bias and ReLU. shape: of x."""
    values = [draw(rng, shape, F32), draw(rng, (outputs, *kernel, shape[-1] // options.get("groups", 1)), filters)]
    values += [draw(rng, (outputs,), F32), draw(rng, (outputs,), F32), None]
    packing = ((1, 3),) if filters is BIT else ()
    given = Conv2DOptions(activation=Activation(ActivationKind.RELU), **options)
    return make_case(OpKind.CONV_2D, values, (F32, filters), given, packing)


def same_on_threads(case) -> None:
    """Bit for bit, and close to the oracle."""
    check(case)
    (kernel,) = tiled(case)
    one, expected = prepared(case, kernel, 1)
    one()
    for threads in (2, 3):
        step, output = prepared(case, kernel, threads)
        step()
        np.testing.assert_array_equal(output, expected)


@needs_tiles
@FILTERS
@pytest.mark.parametrize("pixels", [1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 47, 48, 49, 95, 97])
def test_pixels_around_tiles_and_groups(pixels, filters):
    rng = np.random.default_rng(pixels)
    same_on_threads(convolution(rng, (1, 1, pixels, 20), 16, (1, 1), filters))
    same_on_threads(convolution(rng, (1, 3, pixels, 5), 17, (3, 3), filters, **SAME))


@needs_tiles
@FILTERS
@pytest.mark.parametrize("channels", [4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65])
def test_channels_around_blocks(channels, filters):
    rng = np.random.default_rng(channels)
    same_on_threads(convolution(rng, (2, 5, 5, 12), channels, (3, 2), filters, **SAME))
    same_on_threads(convolution(rng, (1, 5, 5, 12), 3 * channels, (1, 1), filters, groups=3))


@needs_tiles
@FILTERS
@pytest.mark.parametrize("outputs", [4, 8, 9, 16, 17])
@pytest.mark.parametrize("channels", [1, 4, 8, 50, 130])
def test_groups_with_few_channels(channels, outputs, filters):
    """Narrow tiles and wide ones; inside and at the border; lines of a window with gaps."""
    rng = np.random.default_rng(channels)
    for options in ({}, {"stride_h": 2, "stride_w": 2}, {"dilation_w": 2}, {"dilation_h": 2, "dilation_w": 3}):
        shape = (2, 7, 13, 2 * channels)
        case = convolution(rng, shape, 2 * outputs, (3, 3), filters, groups=2, **SAME, **options)
        same_on_threads(case)


@needs_tiles
@FILTERS
@pytest.mark.parametrize("channels", [1, 21, 41, 42, 43, 63, 64, 65, 127, 128, 129, 255, 256, 257])
def test_windows_around_chunks(channels, filters):
    rng = np.random.default_rng(channels)
    same_on_threads(convolution(rng, (1, 4, 9, channels), 20, (1, 1), filters))
    same_on_threads(convolution(rng, (1, 4, 9, channels), 20, (3, 3), filters, **SAME))
    same_on_threads(convolution(rng, (1, 7, 9, channels), 20, (3, 2), filters, dilation_h=2, dilation_w=2, **SAME))


@needs_tiles
@FILTERS
@pytest.mark.parametrize("rows", [1, 2, 6, 50])
def test_dense(rows, filters):
    rng = np.random.default_rng(rows)
    values = (draw(rng, (rows, 333), F32), draw(rng, (70, 333), filters), None, draw(rng, (70,), F32), None)
    same_on_threads(make_case(OpKind.DENSE, values, (F32, filters), DenseOptions()))


@needs_tiles
@FILTERS
@pytest.mark.parametrize("groups", [1, 3])
def test_a_pixel_does_not_depend_on_where_it_lies(filters, groups):
    """Images of equal pixels, in which a window that lies inside is read where it is or copied, in tiles of every
    size: the outputs that see no padding are equal."""
    rng = np.random.default_rng(0)
    pixel, kernel = draw(rng, (1, 1, 1, 51), F32), draw(rng, (21, 3, 3, 51 // groups), filters)
    packing = ((1, 3),) if filters is BIT else ()
    expected = None
    for width in range(3, 24):
        values = (np.tile(pixel, (2, 5, width, 1)), kernel, None, None, None)
        case = make_case(OpKind.CONV_2D, values, (F32, filters), Conv2DOptions(groups=groups, **SAME), packing)
        step, output = prepared(case, tiled(case)[0], 1)
        step()
        inside = output[:, 1:-1, 1:-1].reshape(-1, 21)
        expected = inside[0].copy() if expected is None else expected
        np.testing.assert_array_equal(inside, np.broadcast_to(expected, inside.shape))


@needs_tiles
def test_long_sums_keep_their_digits():
    """A plain sum is off by more than 1e-4 here: of equal products it is rounded the same way again and again."""
    x, weights = np.full((1, 20_000), 0.1, np.float32), np.ones((4, 20_000), np.float32)
    case = make_case(OpKind.DENSE, (x, weights, None, None, None), (F32, F32), DenseOptions())
    plain = np.add.accumulate(x, axis=1, dtype=np.float32)[:, -1:]
    step, output = prepared(case, tiled(case)[0], 1)
    step()
    assert (abs(plain - 2000) > 0.2).all()
    assert (abs(output - 2000) < 0.02).all()


@outer
@pytest.mark.skipif(not X86, reason="for x86-64")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_avx512_emulated(tmp_path, compiler):
    program = compile_program(tmp_path, "avx512", [compiler], ["-O1", *AVX512], "*avx512*.c", PROGRAM)
    assert runs([str(program)]) == "avx512: 300 equal\n"


@outer
@pytest.mark.skipif("avx2" not in ISAS, reason="no AVX2 here")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_avx2(tmp_path, compiler):
    program = compile_program(tmp_path, "avx2", [compiler], only="*avx2*.c", source=PROGRAM)
    assert runs([str(program)]) == "avx2: 300 equal\n"


@outer
@pytest.mark.skipif(
    "avx2" not in ISAS or address_sanitizer() is None, reason="no AVX2 or no AddressSanitizer here"
)
def test_sanitizers_find_nothing(tmp_path):
    checks = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    program = compile_program(tmp_path, "avx2", ["gcc"], checks, "*avx2*.c", PROGRAM)
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run([str(program)], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "avx2: 300 equal\n", done.stdout + done.stderr[-3000:]


@outer
def test_neon_of_64_bits(tmp_path):
    need(AARCH64, "qemu-aarch64")
    program = compile_program(tmp_path, "neon", [AARCH64, "-static", "-O2"], only="*neon*.c", source=PROGRAM)
    assert runs(["qemu-aarch64", "-cpu", "cortex-a53", str(program)]) == "neon: 300 equal\n"


@outer
def test_neon_of_32_bits(tmp_path):
    need(ARM, "qemu-arm")
    command = [ARM, "-static", "-O2", *CORTEX_A7]
    program = compile_program(tmp_path, "neon", command, only="*neon*.c", source=PROGRAM)
    assert runs(["qemu-arm", "-cpu", "cortex-a7", str(program)]) == "neon: 300 equal\n"


@outer
def test_webassembly(tmp_path):
    pytest.importorskip("ziglang", reason="ziglang, which compiles to WebAssembly, is not installed here")
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi", "-mcpu=generic+simd128"]
    program = compile_program(tmp_path, "wasm_simd128", command, only="*simd128*.c", source=PROGRAM)
    assert run_webassembly(program, tmp_path) == "wasm_simd128: 300 equal\n"
