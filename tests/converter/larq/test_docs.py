"""docs/from-larq.md: its code runs and registers what it says, and it names every Larq layer and quantizer."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.converter.evaluate import evaluate
from tests.converter.larq.building import function, kernel_in, lambda_layer, lowered, quant_conv
from tests.converter.larq.test_quantizers import CLASSES
from xlite.converter.lowering import code, quantizers

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "from-larq.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _own_registers(monkeypatch):
    monkeypatch.setattr(code, "_REPLACEMENTS", list(code._REPLACEMENTS))
    for name in ("_KERNEL", "_INPUT"):
        monkeypatch.setattr(quantizers, name, dict(getattr(quantizers, name)))


def test_the_code_registers_what_it_says():
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    exec(compile(block, "from-larq.md", "exec"), {})
    kernel = np.float32([-1.5, 0.0, 2.0, -0.0]).reshape(1, 1, 1, 4)
    layer = quant_conv(kernel, input_quantizer=function("my_sign"), kernel_quantizer=function("half_sign"))
    graph = lowered(layer, lambda_layer("block_twice"), shape=(1, 1, 1))
    np.testing.assert_array_equal(kernel_in(graph).reshape(-1), [-0.5, 0.5, 0.5, 0.5])
    assert set(graph.layers[1].marked) == {"input_quantizer", "kernel_quantizer"}
    (got,) = evaluate(graph, np.float32([-3]).reshape(1, 1, 1, 1))
    np.testing.assert_array_equal(got.reshape(-1), [1, -1, -1, -1])


def test_every_quantizer_is_on_the_page():
    missing = [name for name, cls in CLASSES.items() if f"`{name}`" not in PAGE and f"`{cls}(" not in PAGE]
    assert missing == []
