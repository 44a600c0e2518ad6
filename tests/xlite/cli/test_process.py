"""The command as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import xlite


def run(*arguments, **kwargs):
    return subprocess.run(
        [sys.executable, "-m", "xlite", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **kwargs,
    )


def test_version():
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"xlite {xlite.__version__}\n")


def test_the_script_is_the_same_command():
    script = Path(sys.executable).with_name("xlite")
    if not script.exists():
        pytest.skip("xlite is not installed beside this Python")
    done = subprocess.run([str(script), "--version"], capture_output=True, text=True, check=False)
    assert done.stdout == run("--version").stdout


def test_convert_inspect_run_in_a_folder(keras_file, tmp_path):
    model = tmp_path / "model.h5"
    model.write_bytes(keras_file.read_bytes())
    assert run("convert", "model.h5", "--labels", ",".join("abcdefghij"), cwd=tmp_path).returncode == 0
    assert "conv_2d" in run("inspect", "model.xlite", cwd=tmp_path).stdout
    images = keras_file.with_name("images.npz")
    done = run("run", "model.xlite", images, "-o", "scores.npy", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "scores.npy").stat().st_size > 1000 * 10 * 4


def test_a_mistake_is_one_line_and_no_traceback(tmp_path):
    done = run("inspect", "nowhere.xlite", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_output_that_nobody_reads_is_no_error(packed):
    command = f"{sys.executable} -m xlite inspect {packed} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == packed.name
    assert "Traceback" not in done.stderr
