"""The demo model, truncated and damaged: every byte string ends in a clear error or a valid run.

The run happens in this process: a crash in C would end the test run, which is what would be noticed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import xlite
from xlite.interpreter.backends import available_backends
from xlite.schema import load_model

DEMO = Path(__file__).parents[2] / "examples" / "fashion" / "model.h5"
MUTATIONS = {"c": 4000, "numba": 1500, "numpy": 600}  # by what one run costs
MEMORY_LIMIT = "64MiB"  # a damaged extent must not make it allocate more


@pytest.fixture(scope="module")
def demo() -> bytes:
    return xlite.convert(DEMO).data


def is_sentence(error: xlite.Error) -> bool:
    text = str(error)
    return 10 < len(text) < 3000 and "Traceback" not in text


def test_truncated_at_any_byte(demo):
    view = memoryview(demo)
    for length in range(len(demo)):
        with pytest.raises(xlite.Error) as caught:
            load_model(view[:length])
        assert is_sentence(caught.value)


@pytest.mark.parametrize("backend", available_backends())
def test_one_byte_changed(demo, backend):
    """Three in four changes hit the tables at random, the others anywhere: most bytes of the file are weights, and
    with other weights the model is as valid as before."""
    rng = np.random.default_rng(20)
    x = rng.uniform(0, 1, (1, 28, 28, 1)).astype(np.float32)
    structure = structural_bytes(demo)
    refused: list[xlite.Error] = []
    ran = 0
    for i in range(MUTATIONS[backend]):
        position = int(rng.choice(structure)) if i % 4 else int(rng.integers(len(demo)))
        damaged = bytearray(demo)
        damaged[position] = (damaged[position] + int(rng.integers(1, 256))) % 256
        try:
            result = xlite.Interpreter(bytes(damaged), backend=backend, memory_limit=MEMORY_LIMIT)(x)
        except xlite.Error as error:
            refused.append(error)
        else:
            assert isinstance(result, np.ndarray)
            ran += 1
    assert all(is_sentence(error) for error in refused)
    assert len(refused) > MUTATIONS[backend] // 10
    assert ran > MUTATIONS[backend] // 20


def structural_bytes(data: bytes) -> np.ndarray:
    """Positions that lie in no constant's data."""
    model = load_model(data)
    inside = np.zeros(len(data), bool)
    whole = np.frombuffer(data, np.uint8)
    for tensor in model.tensors:
        if tensor.data is not None:
            start = tensor.data.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
            assert 0 <= start < len(data), "constants are read in place"
            inside[start : start + tensor.data.nbytes] = True
    return np.flatnonzero(~inside)
