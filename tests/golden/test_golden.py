"""TensorFlow's recorded outputs against every backend. Needs neither TensorFlow nor Keras."""

from __future__ import annotations

import numpy as np
import pytest

import xlite
from tests.golden import stored
from xlite.interpreter.backends import available_backends
from xlite.schema import OpKind


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """Case name -> .xlite bytes; each case is converted once for all backends."""
    folder = tmp_path_factory.mktemp("golden")
    cache: dict[str, bytes] = {}

    def convert(name: str) -> bytes:
        if name not in cache:
            path = folder / "model.h5"
            path.write_bytes(stored.load(name)["h5"].tobytes())
            cache[name] = xlite.convert(path, strict=not stored.stays_float(name), **stored.options(name)).data
        return cache[name]

    return convert


@pytest.mark.parametrize("backend", available_backends())
@pytest.mark.parametrize("name", stored.names())
def test_equals_tensorflow(name, backend, converted):
    arrays = stored.load(name)
    interpreter = xlite.Interpreter(converted(name), backend=backend)
    outputs = interpreter(*stored.numbered(arrays, "x"))
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    flips = stored.compare([np.asarray(y) for y in outputs], arrays)
    assert flips <= 1  # of thousands of bits; the recorded cases meet none or one


@pytest.mark.parametrize("name", [name for name in stored.names() if name.startswith(stored.BYTES)])
def test_bytes_are_summed_as_integers(name, converted):
    kinds = [op.kind for op in xlite.Interpreter(converted(name)).model.ops]
    assert (OpKind.DEQUANTIZE in kinds) is name.endswith("float_filter")


def test_every_case_is_stored():
    assert len(stored.names()) > 150
