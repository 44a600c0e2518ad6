"""Generated C is compared with the portable kernels of the compiled library: both must be of these sources."""

from __future__ import annotations

import pytest

from tests.converter.codegen.programs import COMPILER
from xlite.interpreter import backends
from xlite.interpreter.kernels.c.library import ISA_ENVIRONMENT, PORTABLE


@pytest.fixture(autouse=True)
def _portable(monkeypatch):
    if not backends.available("c"):
        pytest.skip(backends.unavailable_reason("c"))
    monkeypatch.setenv(ISA_ENVIRONMENT, PORTABLE)


@pytest.fixture
def compiler():
    if COMPILER is None:
        pytest.skip("there is no C compiler here")
    return COMPILER
