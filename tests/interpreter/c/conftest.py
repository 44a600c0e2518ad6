"""The library that is tested is that of the sources: it is built where one of them is newer."""

from __future__ import annotations

import os

import numpy as np
import pytest

from tests.interpreter import cases
from tests.interpreter.c.grid import EXACT
from xlite.interpreter.c import build
from xlite.interpreter.kernels import c as backend
from xlite.interpreter.kernels.c.library import ENVIRONMENT


def pytest_configure(config):
    """Before any test module asks whether the backend is available."""
    if (
        ENVIRONMENT not in os.environ
        and not build.is_current(build.LIBRARY_FOLDER / build.LIBRARY_NAME)
        and build.find_compiler()
    ):
        build.build(build.LIBRARY_FOLDER)


@pytest.fixture(autouse=True)
def _available():
    if not backend.available():
        pytest.skip(backend.unavailable_reason())


@pytest.fixture(autouse=True)
def _exact_memory(monkeypatch):
    if EXACT in os.environ:
        monkeypatch.setattr(cases, "_guarded", _garbage)


def _garbage(type_, blocks):
    """Memory of its own, no byte longer than the tensor."""
    return np.full(type_.nbytes, 0xA5, np.uint8).view(type_.dtype.numpy).reshape(type_.storage_shape)
