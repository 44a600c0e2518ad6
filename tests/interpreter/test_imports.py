"""What a device loads: numpy, flatbuffers and nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.interpreter.networks import residual_network
from xlite.interpreter import backends
from xlite.interpreter.planner import plan
from xlite.schema import write_model

HEAVY = ("tensorflow", "keras", "h5py", "click", "rich", "numba", "llvmlite", "scipy", "PIL")
PROGRAM = """
import sys
import numpy as np
import xlite

interpreter = xlite.Interpreter(sys.argv[1], backend={backend!r})
scores = interpreter(np.ones((1, 12, 12, 3), np.float32))[0]
assert scores.shape == (1, 10)
print(*sorted(name for name in sys.modules if "." not in name or name.startswith("xlite.interpreter.")))
"""
# What is needed only where memory is short or for another batch, to look at a model, or for ops of one's own.
RARE = {f"xlite.interpreter.{name}" for name in ("costs", "cost_figures", "selection", "refusal", "profiler")}
RARE |= {"xlite.interpreter.planner", "xlite.interpreter.kernels.custom"}
# What modules of this package may ask for until the first result: numpy, which brings the dearest of these itself
# (ctypes, enum, numbers, pathlib, re), and what takes next to nothing. For what else is imported every start pays,
# and ``python -m tests.device.start --modules`` says how much on a Raspberry Pi Zero.
CHEAP = {"__future__", "_thread", "bisect", "collections.abc", "contextlib", "ctypes", "enum", "functools"}
CHEAP |= {"importlib", "math", "mmap", "numbers", "numpy", "operator", "os", "pathlib", "re", "stat", "struct"}
CHEAP |= {"sys", "types", "weakref"}
ASKED = """
import builtins, sys
import numpy as np

asked, load = set(), builtins.__import__
def noted(name, globals=None, locals=None, fromlist=(), level=0):
    if (globals or {}).get("__name__", "").startswith("xlite"):
        asked.add(name)
    return load(name, globals, locals, fromlist, level)
builtins.__import__ = noted
import xlite

interpreter = xlite.Interpreter(sys.argv[1], backend="c")
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ones((1, 12, 12, 3), np.float32))
interpreter.invoke()
interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
interpreter(np.ones((12, 12, 3), np.float32))
print(*sorted(asked))
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    model = residual_network()
    model.plan = plan(model)
    file = tmp_path_factory.mktemp("imports") / "model.xlite"
    file.write_bytes(write_model(model))
    return file


def modules_after_a_run(path, backend) -> set[str]:
    command = [sys.executable, "-c", PROGRAM.format(backend=backend), str(path)]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize("backend", [name for name in backends.available_backends() if name != "numba"])
def test_running_a_model_loads_nothing_heavy(path, backend):
    loaded = modules_after_a_run(path, backend)
    assert "numpy" in loaded
    assert not loaded & set(HEAVY)
    assert not loaded & RARE


@pytest.mark.skipif(not backends.available("c"), reason="without the C library the default may be numba")
def test_the_default_backend_loads_nothing_heavy(path):
    assert not modules_after_a_run(path, None) & set(HEAVY)


@pytest.mark.skipif(not backends.available("c"), reason="the C library is not built")
def test_until_the_first_result_it_asks_for_nothing_dear(path):
    done = subprocess.run([sys.executable, "-c", ASKED, str(path)], check=True, capture_output=True, text=True)
    asked = {name for name in done.stdout.split() if not name.startswith(("xlite", "numpy."))}
    assert {"numpy", "ctypes"} < asked <= CHEAP


@pytest.mark.skipif(not backends.available("c"), reason="without the C library the reference is all there is")
def test_neither_a_limit_that_is_kept_nor_prepack_loads_more(path):
    program = PROGRAM.replace("backend={backend!r}", "backend='c', memory_limit='64MiB', prepack=False")
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert not loaded & {*RARE, "xlite.interpreter.kernels.reference.conv"}


@pytest.mark.skipif(not backends.available("numba"), reason="numba not installed")
def test_numba_is_loaded_when_it_is_chosen(path):
    loaded = modules_after_a_run(path, "numba")
    assert "numba" in loaded
    assert not loaded & (set(HEAVY) - {"numba", "llvmlite", "scipy"})
