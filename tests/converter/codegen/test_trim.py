"""Small code for microcontrollers: what is left out is left out, and what is left gives the same."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from tests.converter.codegen.chains import random_chain
from tests.converter.codegen.programs import COMPILER, compile_program, generate_all, run_program
from tests.converter.codegen.test_generated import inputs_of
from tests.interpreter.networks import BIT, F32, SAME_3, Builder
from xlite.converter.codegen import generate
from xlite.converter.codegen.golden import run_on
from xlite.interpreter.c.build import ROOT, STRICT, include_flags
from xlite.schema.types import Conv2DOptions, OpKind

EXP_PROGRAM = """
#include <stdio.h>
#include "libm.h"
int main(void) {
  float x;
  while (fread(&x, sizeof x, 1, stdin) == 1) {
    const float y = xl_expf(x);
    fwrite(&y, sizeof y, 1, stdout);
  }
  return 0;
}
"""


def binary_network(pad_value: int = 1, mask: bool = False, padded: bool = True):
    b = Builder(1)
    x = b.op(OpKind.SIGN, (b.input((6, 6, 5)),))
    filters = b.bits((7, 3, 3, 5), 3)
    options = dict(SAME_3 if padded else {}, pad_value=pad_value)
    if mask:
        inputs = [x, filters, None, None, b.const(np.arange(7)), b.bits((7, 3, 3, 5), 3)]
        return b.model([b.op(OpKind.CONV_2D, inputs, Conv2DOptions(output_dtype=BIT, **options))])
    return b.model([b.conv(x, 7, out=BIT, **options)])


def switches(model, **options) -> set[str]:
    """What the network's trim.h leaves out."""
    text = generate(model, **options).files["xlite/trim.h"]
    own = text.partition("/* Of this network. */")[2].partition("\n\n")[0]
    return {line.split()[1] for line in own.splitlines() if line.endswith(" 0")}


def test_a_network_has_what_it_needs_and_no_more():
    assert {"XL_WITH_VOLUMES", "XL_WITH_ZERO_PADDING"} <= switches(binary_network())
    assert "XL_WITH_VOLUMES" not in switches(binary_network(mask=True))
    assert "XL_WITH_ZERO_PADDING" not in switches(binary_network(pad_value=0))
    assert "XL_WITH_ZERO_PADDING" in switches(binary_network(pad_value=0, padded=False))
    assert "xlite/volume_b.c" not in generate(binary_network()).files
    assert "xlite/volume_b.c" in generate(binary_network(mask=True)).files


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_small_code_gives_the_same_bytes(tmp_path, level):
    models = [random_chain(seed, ops=6) for seed in range(100, 116)]
    b = Builder(5)
    models.append(b.model([b.dense(b.input((37,)), 11, out=F32, bit_filter=False)]))
    check(tmp_path, models, level)


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("pad", [0, 1])
def test_what_is_left_out_is_not_missed(tmp_path, pad, mask, level):
    check(tmp_path, [binary_network(pad, mask)], level)


def check(folder, models, level):
    made = generate_all(models, target="cortex-m0plus")
    inputs = [inputs_of(model, seed) for seed, model in enumerate(models)]
    flags = ("-std=c99", level, "-ffp-contract=off", *STRICT)
    got = run_program(compile_program(folder, made, flags), made, inputs)
    for i, g in enumerate(made):
        expected = run_on(g.network.model, inputs[i], "c")
        assert [y.tobytes() for y in got[i]] == [y.tobytes() for y in expected], f"network {i}"


@pytest.mark.usefixtures("compiler")
def test_the_small_exponential_is_exact_but_for_the_last_digit(tmp_path):
    (tmp_path / "program.c").write_text(EXP_PROGRAM)
    folder, binary = ROOT / "kernels", tmp_path / "program"
    flags = ["-std=c99", "-O2", "-ffp-contract=off", "-DXL_WITH_EXPF=0", *STRICT, *include_flags()]
    files = [str(tmp_path / "program.c"), str(folder / "libm.c")]
    subprocess.run([*COMPILER, *flags, *files, "-lm", "-o", str(binary)], check=True)
    x = np.concatenate([np.linspace(-110, 95, 200_001), np.linspace(-1, 1, 50_001)]).astype(np.float32)
    x = np.concatenate([x, np.float32([0, -0.0, np.inf, -np.inf, np.nan, 88.72, 88.73, -87.4, -103.97])])
    done = subprocess.run([str(binary)], input=x.tobytes(), capture_output=True, check=True)
    got = np.frombuffer(done.stdout, np.float32)
    with np.errstate(over="ignore"):
        true = np.exp(x.astype(np.float64))
        want = true.astype(np.float32)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_array_equal(np.isinf(got), np.isinf(want))
    finite = np.isfinite(want)
    apart = np.abs(got[finite].astype(np.float64) - true[finite])
    assert (apart / np.spacing(want[finite]).astype(np.float64)).max() < 1.5
