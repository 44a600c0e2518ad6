"""The command as a process of its own."""

from __future__ import annotations

import os
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


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
@pytest.mark.parametrize("arguments", [["inspect"], ["inspect", "--json"], ["--help"], ["verify"]], ids=" ".join)
def test_output_for_which_there_is_no_room_is_one_line(packed, keras_file, arguments):
    if arguments == ["verify"]:  # ends by itself with 1, and too few bytes to be written before
        data = keras_file.with_name("images.npz"), "--expected", keras_file.with_name("golden.npz")
        arguments = [*arguments, packed, "--samples", 1, "--tolerance", 0, "--backend", "numpy", "--data", *data]
    elif arguments[0] == "inspect":
        arguments = [*arguments, packed]
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "xlite", *map(str, arguments)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "xlite: the output cannot be written: no space left on device\n"


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX closes the stream")
@pytest.mark.parametrize(("stream", "code"), [(1, 0), (2, 1)])
def test_a_stream_that_is_closed_is_no_error(packed, stream, code):
    file = packed if stream == 1 else "nowhere.xlite"
    done = subprocess.run(
        f"{sys.executable} -m xlite inspect {file} {stream}>&-",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
