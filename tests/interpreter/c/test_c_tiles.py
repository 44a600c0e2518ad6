"""Register tiles of every instruction set against the portable kernels, here or under an emulator; that threads
change nothing; and how many instructions the inner loops have."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.interpreter.c.grid import BIT, DTYPES, EXACT, F32, draw, filtered, kernels_for, make_case
from tests.interpreter.c.test_c_build import COMPILERS, address_sanitizer
from tests.interpreter.cases import run_kernel
from xlite.interpreter.c import build
from xlite.interpreter.kernels import c as backend
from xlite.interpreter.kernels.base import Buffers
from xlite.interpreter.kernels.c.library import ISA_ENVIRONMENT, PORTABLE, load
from xlite.interpreter.program import aligned_bytes
from xlite.schema.bits import pack_signs
from xlite.schema.errors import BackendError
from xlite.schema.types import Conv2DOptions, OpKind

HERE = Path(__file__).parent
PROGRAM = HERE / "tiles_program.c"
AVX512 = [f"-I{HERE / 'emulated' / 'avx512'}", "-DXL_NO_TARGETS", "-Wno-psabi"]
X86 = platform.machine() in ("x86_64", "AMD64")
AARCH64, ARM = "aarch64-linux-gnu-gcc", "arm-linux-gnueabihf-gcc"
CORTEX_A7 = ["-mcpu=cortex-a7", "-mfpu=neon-vfpv4"]
pytestmark = [
    pytest.mark.skipif(not COMPILERS, reason="there is neither gcc nor clang here"),
    pytest.mark.skipif(EXACT in os.environ, reason="this is the inner run"),
]


def compile_program(
    folder: Path, isa: str, command: list[str], flags: list[str] = (), only: str = "*", source: Path = PROGRAM
) -> Path:
    """A program with what it needs of the library, and the instruction sets' files that match ``only``."""
    needed = {"activation", "bits", "conv2d_b", "store", "volume_b", "xor_popcount"}
    needed |= {"tiled_conv2d_b", "tiled_conv2d_f32"}
    sources = build.sources()
    chosen = [p for p in sources if p.stem in needed or p.stem.startswith("tile_")]
    chosen += [p for p in sources if p.parent.name == "arch" and p.match(only)]
    program = folder / "tiles"
    made = [*command, *build.FLAGS, *flags, *build.include_flags(), f"-DXL_TEST_ISA=xl_{isa}", str(source)]
    subprocess.run([*made, *map(str, chosen), "-lm", "-o", str(program)], check=True)
    return program


def need(*tools: str) -> None:
    for tool in tools:
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed here")


def runs(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not X86, reason="for x86-64")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_avx512_emulated(tmp_path, compiler):
    program = compile_program(tmp_path, "avx512", [compiler], ["-O1", *AVX512], "*avx512*.c")
    assert runs([str(program)]) == "avx512: 600 equal\n"


@pytest.mark.skipif("avx2" not in (load().isas() if backend.available() else ()), reason="no AVX2 here")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_avx2(tmp_path, compiler):
    assert runs([str(compile_program(tmp_path, "avx2", [compiler], only="*avx2*.c"))]) == "avx2: 600 equal\n"


@pytest.mark.parametrize("isa", ["avx2", "avx512"])
def test_sanitizers_find_nothing_in_tiles(tmp_path, isa):
    if not X86 or address_sanitizer() is None or (isa == "avx2" and isa not in load().isas()):
        pytest.skip("gcc has no AddressSanitizer here, or the machine has no AVX2")
    checks = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    flags = [*checks, *(AVX512 if isa == "avx512" else [])]
    program = compile_program(tmp_path, isa, ["gcc"], flags, f"*{isa}*.c")
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run([str(program)], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == f"{isa}: 600 equal\n", done.stdout + done.stderr[-3000:]


@pytest.mark.parametrize("isa", ["avx2", "avx512"])
def test_clang_finds_nothing_undefined_in_tiles(tmp_path, isa):
    """Not even NULL + 0, which gcc's sanitizer lets pass. A trap needs no library of clang's."""
    if not X86 or "clang" not in COMPILERS or (isa == "avx2" and isa not in load().isas()):
        pytest.skip("there is no clang here, or the machine has no AVX2")
    flags = ["-O1", "-fsanitize=undefined", "-fsanitize-trap=all", *(AVX512 if isa == "avx512" else [])]
    assert runs([str(compile_program(tmp_path, isa, ["clang"], flags, f"*{isa}*.c"))]) == f"{isa}: 600 equal\n"


def test_neon_of_64_bits(tmp_path):
    need(AARCH64, "qemu-aarch64")
    program = compile_program(tmp_path, "neon", [AARCH64, "-static", "-O2"], only="*neon*.c")
    assert runs(["qemu-aarch64", "-cpu", "cortex-a53", str(program)]) == "neon: 600 equal\n"


def test_neon_of_32_bits(tmp_path):
    need(ARM, "qemu-arm")
    program = compile_program(tmp_path, "neon", [ARM, "-static", "-O2", *CORTEX_A7], only="*neon*.c")
    assert runs(["qemu-arm", "-cpu", "cortex-a7", str(program)]) == "neon: 600 equal\n"


def run_webassembly(program: Path, folder: Path) -> str:
    """What the program prints."""
    wasmtime = pytest.importorskip("wasmtime", reason="wasmtime is not installed here")
    engine, printed = wasmtime.Engine(), folder / "printed"
    linker, store, settings = wasmtime.Linker(engine), wasmtime.Store(engine), wasmtime.WasiConfig()
    settings.stdout_file = str(printed)
    store.set_wasi(settings)
    linker.define_wasi()
    instance = linker.instantiate(store, wasmtime.Module.from_file(engine, str(program)))
    with contextlib.suppress(wasmtime.ExitTrap):  # how a program ends, well or not
        instance.exports(store)["_start"](store)
    return printed.read_text()


def test_webassembly(tmp_path):
    pytest.importorskip("ziglang", reason="ziglang, which compiles to WebAssembly, is not installed here")
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi", "-mcpu=generic+simd128"]
    program = compile_program(tmp_path, "wasm_simd128", command, only="*simd128*.c")
    assert run_webassembly(program, tmp_path) == "wasm_simd128: 600 equal\n"


def inner_loop(command: list[str], objdump: str, function: str, folder: Path) -> list[str]:
    """The instructions of the innermost loop of ``function`` that counts most bits."""
    made = folder / "neon.o"
    source = build.ROOT / "arch" / "arm_neon.c"
    subprocess.run(
        [*command, *build.FLAGS, *build.include_flags(), "-c", str(source), "-o", str(made)], check=True
    )
    dump = runs([objdump, "-d", "--no-show-raw-insn", str(made)])
    body = re.search(rf"<{function}>:\n(.*?)\n\n", dump + "\n\n", re.DOTALL).group(1)
    lines = [(int(a, 16), text) for a, text in re.findall(r"^\s*([0-9a-f]+):\s+(.*)$", body, re.MULTILINE)]
    jumps = [(at, re.match(r"b\.?(?:ne|ge)\S*\s+([0-9a-f]+)", text)) for at, text in lines]
    loops = [range(int(jump.group(1), 16), at + 1) for at, jump in jumps if jump and int(jump.group(1), 16) < at]
    inner = [loop for loop in loops if not any(a is not loop and a.start in loop for a in loops)]
    bodies = [[text for at, text in lines if at in loop] for loop in inner]
    return max(bodies, key=counted)


def counted(loop: list[str]) -> int:
    """Words of 32 binary products in a loop: a register of 128 bits has four."""
    return 4 * sum(bool(re.match(r"v?cnt", text)) for text in loop)


ZIG = [sys.executable, "-m", "ziglang", "cc", "-target", "arm-linux-gnueabihf.2.17", "-mcpu=generic+v7a+neon"]


@pytest.mark.parametrize(
    ("command", "objdump", "function", "words"),
    [
        ([AARCH64], AARCH64.replace("gcc", "objdump"), "(?:add_whole_chunk|add_line)", 80),
        ([ARM, *CORTEX_A7], ARM.replace("gcc", "objdump"), "add_two_pixels", 4 * 32),
        (ZIG, ARM.replace("gcc", "objdump"), "add_two_pixels", 4 * 32),
    ],
    ids=["a64", "a32", "a32-zig"],
)
def test_neon_instructions_a_word(tmp_path, command, objdump, function, words):
    """words: of 32 binary products, in one turn of the loop: one unit of 64 bits' tiles, four of 32 bits'."""
    need(command[0], objdump)
    if command == ZIG:
        pytest.importorskip("ziglang", reason="ziglang, which makes the wheels, is not installed here")
    loop = inner_loop(command, objdump, function, tmp_path)
    assert counted(loop) == words
    assert len(loop) / words <= 0.9


# -- threads -------------------------------------------------------------------------------------------------


def prepared(case, kernel, threads: int):
    """A step on memory of its own, and its output."""
    spec = dataclasses.replace(case.spec, threads=threads)
    stored = [
        None if v is None else pack_signs(v, t.packed_axes) if t.dtype is BIT else v
        for v, t in zip(case.values, case.types)
    ]
    output = np.zeros(case.output.storage_shape, case.output.dtype.numpy)
    shared = backend.Threads(threads) if threads > 1 else None
    workspace = aligned_bytes(kernel.workspace(spec))
    return kernel.prepare(spec, Buffers(tuple(stored), (output,), workspace, shared)), output


def tiled(case):
    return [kernel for kernel in kernels_for(case.spec) if "_tiled_" in kernel.name]


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_any_number_of_threads_gives_the_same(threads):
    kinds = (OpKind.CONV_2D, OpKind.DENSE)
    cases = [c for kind in kinds for d in DTYPES for seed in (3, 4) for c in filtered(kind, 33, 3, d, seed)]
    compared = 0
    for case in cases:
        for kernel in tiled(case):
            step, output = prepared(case, kernel, threads)
            one, expected = prepared(case, kernel, 1)
            one()
            for _ in range(5):
                output[...] = 0
                step()
                np.testing.assert_array_equal(output, expected)
            compared += 1
    assert compared > 10 or not load().isas()


def test_interpreters_in_threads_of_python_do_not_disturb_each_other():
    rng = np.random.default_rng(0)
    x, weights = draw(rng, (1, 14, 14, 64), BIT), draw(rng, (64, 3, 3, 64), BIT)
    options = Conv2DOptions(pad_top=1, pad_bottom=1, pad_left=1, pad_right=1)
    case = make_case(OpKind.CONV_2D, (x, weights, None, None, None), (BIT, BIT), options, ((1, 3),))
    kernel = kernels_for(case.spec)[0]
    steps = [prepared(case, kernel, 2) for _ in range(4)]
    expected = run_kernel(kernel, case)
    wrong = []

    def work(step, output):
        for _ in range(200):
            output[...] = 0
            step()
            if not np.array_equal(output, expected):
                wrong.append(1)

    workers = [threading.Thread(target=work, args=pair) for pair in steps]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert case.output.dtype is F32
    assert not wrong


# -- choosing ------------------------------------------------------------------------------------------------


def test_the_instruction_set_can_be_forced(monkeypatch):
    (case,) = list(filtered(OpKind.CONV_2D, 64, 3, (BIT, BIT, BIT), 5))[:1]
    for isa in load().isas():
        monkeypatch.setenv(ISA_ENVIRONMENT, isa)
        assert backend.isa()[0] == isa
    monkeypatch.setenv(ISA_ENVIRONMENT, PORTABLE)
    assert backend.isa() == (PORTABLE, None)
    assert tiled(case) == []


def test_an_instruction_set_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv(ISA_ENVIRONMENT, "mmx")
    with pytest.raises(BackendError, match=r"'mmx', which this machine or library does not have: .*portable"):
        backend.isa()
