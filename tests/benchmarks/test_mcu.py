"""The table of microcontrollers: its networks, and how results become text."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.mcu import models, table
from tests.mcu.golden import demo_model
from xlite.interpreter import Interpreter
from xlite.schema import write_model
from xlite.schema.types import DType, OpKind

CONV = {"inner": 100, "total": 110, "words": 10, "workspace": 144, "hash": 1}
FIGURES = {"instructions": 2_500_000, "text": 7000, "constants": 60000, "arena": 2384, "stack": 900, "ram": 0}
RESULTS = {
    "compiler": "a compiler 1.0",
    "emulator": "an emulator 2.0",
    "inner_loops": [{"board": "b", "core": "Cortex-M9", "words": {"18": 9.876, "72": 8.0}}],
    "convolutions": [
        {"core": "Cortex-M9", "channels": 64, "size": 14, "pad_value": 0, "direct": CONV, "lookup": CONV}
    ],
    "networks": [{"network": "demo", "core": "Cortex-M9", "door": "xlite compile, -Os", **FIGURES}],
}


@pytest.mark.parametrize("make", [models.vgg, lambda: demo_model(True)], ids=["vgg", "demo"])
def test_the_twin_has_the_same_layers_in_floats(make):
    model = make()
    twin = models.float_twin(model)
    kinds = [op.kind for op in model.ops if op.kind in (OpKind.CONV_2D, OpKind.DENSE, OpKind.MAX_POOL_2D)]
    assert [op.kind for op in twin.ops if op.kind in kinds] == kinds
    assert all(tensor.type.dtype is DType.FLOAT32 for tensor in twin.tensors)
    for op, other in zip((o for o in model.ops if o.kind in kinds), (o for o in twin.ops if o.kind in kinds)):
        assert model.tensors[op.outputs[0]].type.shape == twin.tensors[other.outputs[0]].type.shape
    image = np.zeros(twin.tensors[twin.inputs[0]].type.shape, np.float32)
    assert np.isfinite(Interpreter(write_model(twin), backend="numpy")(image)).all()


def test_networks_with_ops_that_it_does_not_know_have_no_twin():
    from tests.interpreter.networks import residual_network

    assert models.float_twin(residual_network()) is None


def test_every_figure_is_in_the_table():
    text = table.markdown(RESULTS)
    assert "| Cortex-M9 | 9.88 | 8.00 |" in text
    assert "| 64 channels, 14 x 14, zeros padded | Cortex-M9 | 11.00 | 10 % | 144 | 11.00 | 144 |" in text
    assert "| demo | Cortex-M9 | xlite compile, -Os | 2.50 | 7,000 | 60,000 | 2,384 | 900 |" in text
    assert "a compiler 1.0; an emulator 2.0" in text


def test_the_table_is_put_between_the_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    table.write(page, "new")
    assert page.read_text() == f"before\n{table.BEGIN}\n\nnew\n\n{table.END}\nafter\n"
    page.write_text("no marks")
    with pytest.raises(ValueError, match=r"page\.md has no place"):
        table.write(page, "new")
