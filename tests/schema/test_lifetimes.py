"""Lifetimes against their definition."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from tests.schema.models import F32, Builder, models
from xlite.schema import CustomOptions, Model, OpKind, TensorType, lifetimes


def test_inputs_and_outputs_live_to_the_end_and_constants_not_at_all() -> None:
    b = Builder()
    x, unused, scale = b.input(1, 4), b.input(1, 4), b.floats(4)
    a = b.op(OpKind.BATCH_NORM, [x, scale, scale])
    c = b.op(OpKind.SOFTMAX, [a])
    dead = b.op(OpKind.SOFTMAX, [a])
    d = b.op(OpKind.ADD, [c, a])
    e = b.op(OpKind.SOFTMAX, [d])
    spans = dict(zip((x, unused, scale, a, c, dead, d, e), lifetimes(b.model([c, e]))))
    assert spans[x] == (-1, 5)
    assert spans[unused] == (-1, 5)
    assert spans[scale] is None
    assert spans[a] == (0, 3)
    assert spans[c] == (1, 5)
    assert spans[dead] == (2, 2)
    assert spans[d] == (3, 4)
    assert spans[e] == (4, 5)


def test_an_absent_input_is_not_the_last_tensor() -> None:
    b = Builder()
    x = b.op(OpKind.SOFTMAX, [b.input(1, 2, 2, 1)])
    y = b.op(OpKind.CUSTOM, [x], CustomOptions("Any"), out=TensorType((1, 2, 2, 1), F32))
    from_pool = b.tensor("pool", TensorType((1, 2, 2, 1), F32))
    model = b.model([y])
    model.ops[1].inputs = (x, -1)
    assert lifetimes(model)[from_pool] is None


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(models())
def test_lifetimes_are_their_definition(model: Model) -> None:
    end = len(model.ops)
    for index, span in enumerate(lifetimes(model)):
        reads = [n for n, op in enumerate(model.ops) if index in op.inputs]
        writes = [n for n, op in enumerate(model.ops) if index in op.outputs]
        if model.tensors[index].is_constant:
            assert span is None
        elif index in model.inputs:
            assert span == (-1, end)
        else:
            assert len(writes) == 1
            last = end if index in model.outputs else max([*reads, *writes])
            assert span == (writes[0], last)
