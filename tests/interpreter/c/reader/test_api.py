"""What a firmware sees: several models, tables of few ops, errors that name what is missing, profiling."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

import xlite
from tests.interpreter.c.reader import harness
from tests.schema.models import every_op_model, small_model
from xlite.schema.writer import write_model


def scores(sign: float) -> np.ndarray:
    x = np.where(np.arange(32) % 3 == 0, -sign, sign).astype(np.float32).reshape(1, 4, 4, 2)
    return xlite.Interpreter(small_model(), backend="c", prepack=False)(x)[0]


def test_two_models_and_tables_of_few_ops(compiled, tmp_path: Path):
    small, every = tmp_path / "small.xlite", tmp_path / "every.xlite"
    small.write_bytes(write_model(small_model()))
    every.write_bytes(write_model(every_op_model()))
    program = compiled(harness.HERE / "api_program.c")
    done = subprocess.run([program, small, every], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    nothing = "the table of ops has nothing that computes it"
    custom = next(i for i, op in enumerate(every_op_model().ops) if op.kind.name == "CUSTOM")
    assert lines[:4] == [
        f"no relu: op 1 (RELU): {nothing}",
        f"no op: op 1 (CONV_2D of b, b to f32): {nothing}",
        "odd: the arena must lie at an address that is a multiple of 16",
        "file: the file must lie at an address that is a multiple of 16",
    ]
    assert lines[4].startswith(f"custom: op {custom} (Custom>Calibrate of f32")
    assert lines[4].endswith(nothing)
    got = np.array([[float.fromhex(word) for word in line.split()] for line in lines[5:17]], np.float32)
    np.testing.assert_allclose(got[:, 0], scores(1.0), rtol=1e-6)
    np.testing.assert_allclose(got[:, 1], scores(-1.0), rtol=1e-6)
    assert lines[17] == "ops 4, label b, output softmax/out, 2 axes of 1 and 12"
