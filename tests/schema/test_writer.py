"""Writing a model and reading it back; what the bytes look like."""

from __future__ import annotations

import flatbuffers
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tests.schema.models import BIT, F32, Builder, assert_same, every_op_model, models, small_model
from xlite.schema import FileError, Model, OpKind, Tensor, TensorType, VerifyError, read_model, verify, write_model
from xlite.schema.generated import xlite_generated as fb


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(models())
def test_what_is_written_is_read(model: Model) -> None:
    verify(model)
    data = write_model(model)
    again = read_model(data)
    verify(again)
    assert_same(model, again)
    assert write_model(again) == data


@pytest.mark.parametrize("make", [small_model, every_op_model])
def test_the_same_model_gives_the_same_bytes(make) -> None:
    assert write_model(make()) == write_model(make())
    assert_same(make(), read_model(write_model(make())))


def test_constants_are_aligned_and_shared() -> None:
    b = Builder()
    x = b.input(1, 3)
    same = np.arange(3, dtype="<f4")
    scale, offset = (b.tensor(name, TensorType((3,), F32), same.copy()) for name in ("scale", "offset"))
    x = b.op(OpKind.BATCH_NORM, [x, scale, offset], name="norm")
    for _ in range(5):
        x = b.op(OpKind.BATCH_NORM, [x, b.floats(3), b.floats(3)])
    data = write_model(b.model([x]))
    root = fb.Model.GetRootAs(data)
    assert root.BuffersLength() == 11
    assert root.Tensors(scale).Buffer() == root.Tensors(offset).Buffer()
    for index in range(root.BuffersLength()):
        table = root.Buffers(index)._tab
        assert table.Vector(table.Offset(4)) % 16 == 0
    for tensor in read_model(data).tensors:
        if tensor.is_constant:
            assert tensor.data.ctypes.data % 16 == 0
            assert not tensor.data.flags.writeable


@pytest.mark.parametrize("count", range(1, 40))
def test_alignment_holds_for_every_length_of_what_lies_around(count: int) -> None:
    b = Builder()
    x = b.input(1, count)
    for extra in range(3):
        b.tensors.append(Tensor("n" * extra, TensorType((count + extra,), F32), np.ones(count + extra, "<f4")))
        b.bits(extra + 1, count)
    data = write_model(b.model([x]))
    assert len(data) % 16 == 0
    root = fb.Model.GetRootAs(data)
    for index in range(root.BuffersLength()):
        table = root.Buffers(index)._tab
        assert table.Vector(table.Offset(4)) % 16 == 0


def test_the_generated_code_reads_what_the_writer_wrote() -> None:
    model = every_op_model()
    data = write_model(model)
    assert fb.Model.ModelBufferHasIdentifier(data, 0)
    root = fb.Model.GetRootAs(data)
    assert [root.Ops(i).Kind() for i in range(root.OpsLength())] == [op.kind for op in model.ops]
    assert [root.Tensors(i).Name().decode() for i in range(root.TensorsLength())] == [
        t.name for t in model.tensors
    ]
    assert tuple(root.Plan().OffsetsAsNumpy()) == model.plan.offsets
    assert root.Metadata().Labels(3).decode() == "上衣"


def test_a_constant_that_does_not_fit_its_type_is_named() -> None:
    model = small_model()
    index = next(i for i, t in enumerate(model.tensors) if t.is_constant and t.type.dtype is not BIT)
    model.tensors[index].data = np.zeros(3, np.float64)
    with pytest.raises(FileError, match=rf"tensor {index} 'scale' is f32\[3\].*float64"):
        write_model(model)


def test_text_that_is_no_text_is_refused() -> None:
    model = small_model()
    model.metadata.labels[0] = "\ud800"
    with pytest.raises(FileError, match="lone surrogate"):
        write_model(model)


def test_a_model_beyond_what_a_flatbuffer_holds_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(flatbuffers.Builder, "MAX_BUFFER_SIZE", 4096)
    with pytest.raises(FileError, match=r"the model is too large, a \.xlite file holds less than 2 GiB"):
        write_model(every_op_model())


def test_nan_and_infinity_are_constants_like_others() -> None:
    b = Builder()
    odd = np.array([np.nan, np.inf, -np.inf, -0.0], "<f4")
    y = b.op(OpKind.BATCH_NORM, [b.input(1, 4), b.tensor("odd", TensorType((4,), F32), odd), b.floats(4)])
    model = read_model(write_model(b.model([y])))
    verify(model)
    assert model.tensors[1].data.tobytes() == odd.tobytes()


def test_an_identity_without_ops_is_a_model() -> None:
    b = Builder()
    x = b.input(1, 4)
    verify(read_model(write_model(b.model([x]))))
    with pytest.raises(VerifyError):
        verify(b.model([]))
