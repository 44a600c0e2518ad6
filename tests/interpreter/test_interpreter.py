"""The interpreter as a caller meets it."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.interpreter.networks import BIT, F32, I32, SAME_3, Builder, residual_network
from tests.interpreter.random_networks import random_network
from xlite.interpreter import Interpreter, Kernel, Resolver, backends, calling
from xlite.interpreter.backends import kernels_of
from xlite.interpreter.details import overwritten
from xlite.interpreter.planner import plan
from xlite.schema import write_model
from xlite.schema.errors import Error, FileError, InputError, MemoryLimitError, VerifyError
from xlite.schema.types import Metadata, OpKind, Preprocessing, ReshapeOptions


def image(batch: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(batch, 12, 12, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def network():
    return residual_network()


@pytest.fixture
def interpreter(network):
    return Interpreter(network, backend="numpy")


def two_inputs():
    b = Builder()
    left, right = b.input((4,), name="left"), b.input((4,), name="right")
    total = b.op(OpKind.ADD, (left, right), name="total")
    return b.model([total, b.batch_norm(total)])


# -- sources -------------------------------------------------------------------------------------------------


def test_path_bytes_file_and_model_are_the_same(tmp_path, network):
    network.plan = plan(network)
    data = write_model(network)
    path = tmp_path / "model.xlite"
    path.write_bytes(data)
    expected = Interpreter(network, backend="numpy")(image())
    for source in (path, str(path), data, bytearray(data), io.BytesIO(data)):
        with Interpreter(source, backend="numpy") as interpreter:
            for a, b in zip(interpreter(image()), expected):
                np.testing.assert_array_equal(a, b)
            assert interpreter.plan == network.plan, "a file's own plan is used"


def test_file_errors_name_the_file(tmp_path):
    with pytest.raises(FileError, match=r"nowhere\.xlite"):
        Interpreter(tmp_path / "nowhere.xlite")


def test_model_in_memory_is_verified(network):
    broken = random_network(1)
    broken.ops.reverse()
    with pytest.raises(VerifyError, match="before it is written"):
        Interpreter(broken)


# -- the names of tf.lite ------------------------------------------------------------------------------------


def test_tf_lite_calls(interpreter):
    interpreter.allocate_tensors()
    (given,), (scores, total) = interpreter.get_input_details(), interpreter.get_output_details()
    assert given["name"] == "image"
    assert given["dtype"] is np.float32
    assert given["shape"].tolist() == [1, 12, 12, 3]
    assert given["shape_signature"].tolist() == [-1, 12, 12, 3]
    assert given["quantization"] == (0.0, 0)
    interpreter.set_tensor(given["index"], image())
    interpreter.invoke()
    direct = interpreter(image())
    np.testing.assert_array_equal(interpreter.get_tensor(scores["index"]), direct[0])
    np.testing.assert_array_equal(interpreter.get_tensor(total["index"]), direct[1])


def test_details_have_the_keys_of_tf_lite(interpreter):
    keys = {"name", "index", "shape", "shape_signature", "dtype", "quantization"}
    keys |= {"quantization_parameters", "sparsity_parameters"}
    for row in interpreter.get_tensor_details():
        assert keys <= set(row)
        assert set(row["quantization_parameters"]) == {"scales", "zero_points", "quantized_dimension"}
    assert [row["index"] for row in interpreter.get_tensor_details()] == list(
        range(len(interpreter.model.tensors))
    )


def test_invoke_keeps_its_inputs(interpreter):
    interpreter.set_tensor(0, image())
    interpreter.invoke()
    first = interpreter.get_tensor(interpreter.model.outputs[0])
    interpreter.invoke()
    np.testing.assert_array_equal(interpreter.get_tensor(interpreter.model.outputs[0]), first)
    np.testing.assert_array_equal(interpreter.get_tensor(0), image())


def test_tensor_gives_the_memory_itself(interpreter):
    interpreter.tensor(0)()[...] = image()
    interpreter.invoke()
    np.testing.assert_array_equal(interpreter.tensor(interpreter.model.outputs[0])(), interpreter(image())[0])


def test_resize_changes_the_batch(interpreter):
    interpreter.resize_tensor_input(0, (4, 12, 12, 3))
    interpreter.allocate_tensors()
    assert interpreter.batch == 4
    assert interpreter.get_output_details()[0]["shape"].tolist() == [4, 10]
    interpreter.set_tensor(0, image(4))
    interpreter.invoke()
    scores = interpreter.get_tensor(interpreter.model.outputs[0])
    np.testing.assert_array_equal(scores, interpreter(image(4))[0])
    assert interpreter(image())[0].shape == (1, 10), "and back"


@pytest.mark.parametrize("shape", [(2, 13, 12, 3), (2, 12, 12), (0, 12, 12, 3), (-1, 12, 12, 3), ()])
def test_resize_refuses_other_axes(interpreter, shape):
    with pytest.raises(InputError, match="'image'"):
        interpreter.resize_tensor_input(0, shape)
    assert interpreter.batch == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros((2, 12, 12, 3), np.float32), "resize_tensor_input"),
        (np.zeros((12, 12, 3), np.float32), "has shape"),
        (np.zeros((1, 12, 12, 3), np.float64), r"astype\('float32'\)"),
        (np.zeros((1, 12, 12, 3), np.uint8), "takes float32"),
    ],
)
def test_set_tensor_is_strict(interpreter, value, words):
    with pytest.raises(InputError, match=f"'image'.*{words}"):
        interpreter.set_tensor(0, value)


def test_set_tensor_takes_inputs_only(interpreter):
    with pytest.raises(InputError, match="is no input"):
        interpreter.set_tensor(interpreter.model.outputs[0], np.zeros((1, 10), np.float32))


@pytest.mark.parametrize("index", [-1, 10**6, 0.5, "image", True, None])
def test_unknown_tensor_index(interpreter, index):
    with pytest.raises(InputError, match="there is no tensor"):
        interpreter.get_tensor(index)


def test_reading_before_running_is_refused(interpreter):
    with pytest.raises(InputError, match=r"invoke\(\)"):
        interpreter.get_tensor(interpreter.model.outputs[0])


def test_intermediates_are_right_or_refused(network):
    """What get_tensor gives after a run is what the tensor held, never another tensor's bytes."""
    planned = Interpreter(network, backend="numpy")
    apart = Interpreter(network, backend="numpy", preserve_all_tensors=True)
    planned(image())
    apart(image())
    lost = overwritten(network, planned.plan, [t.type for t in network.tensors])
    assert len(lost) > 5
    for t in range(len(network.tensors)):
        if t in lost:
            with pytest.raises(InputError, match="preserve_all_tensors=True"):
                planned.get_tensor(t)
        else:
            np.testing.assert_array_equal(planned.get_tensor(t), apart.get_tensor(t))


def test_bits_and_integers_come_out_as_numbers():
    b = Builder()
    x = b.input((5, 5, 40), BIT, name="bits")
    packed = b.conv(x, 33, out=BIT, **SAME_3)
    counted = b.conv(packed, 7, out=I32, pad_value=-1, **SAME_3)
    model = b.model([packed, counted])
    interpreter = Interpreter(model, backend="numpy")
    (given,) = interpreter.get_input_details()
    assert given["dtype"] is np.int8
    assert given["type"] == "bit"
    signs = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), size=(1, 5, 5, 40))
    interpreter.set_tensor(0, signs)
    np.testing.assert_array_equal(interpreter.get_tensor(0), signs)
    interpreter.invoke()
    assert interpreter.get_tensor(packed).dtype == np.int8
    assert set(np.unique(interpreter.get_tensor(packed))) <= {-1, 1}
    assert interpreter.get_tensor(counted).dtype == np.int32
    filters = interpreter.get_tensor(model.ops[0].inputs[1])
    assert filters.shape == (33, 3, 3, 40)
    np.testing.assert_array_equal(interpreter(signs.astype(np.float64) * 3)[0], interpreter.get_tensor(packed))
    with pytest.raises(InputError, match=r"'bits'.*\+1 and -1"):
        interpreter.set_tensor(0, np.zeros((1, 5, 5, 40), np.int8))


# -- the short form ------------------------------------------------------------------------------------------


def test_call_adds_the_batch_axis(interpreter):
    for single, batch in zip(interpreter(image()[0]), interpreter(image())):
        np.testing.assert_array_equal(single, batch)


@pytest.mark.parametrize("batch", [1, 2, 5, 9, 10, 11, 23])
def test_a_large_batch_runs_in_pieces(network, batch, monkeypatch):
    interpreter = Interpreter(network, backend="numpy")
    monkeypatch.setattr(calling, "_PIECE_BYTES", 5 * interpreter.plan.arena_bytes)
    results = interpreter(image(batch))
    assert interpreter.batch == min(batch, 5)
    whole = Interpreter(network, backend="numpy", preserve_all_tensors=True)
    for a, b in zip(results, whole(image(batch))):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert whole.batch == batch
    if batch > 5:
        with pytest.raises(InputError, match="in pieces of 5"):
            interpreter.get_tensor(network.outputs[0])
    interpreter.resize_tensor_input(0, (batch, 12, 12, 3))
    again = interpreter(image(batch))
    assert interpreter.batch == batch
    np.testing.assert_allclose(interpreter.get_tensor(network.outputs[0]), again[0])


@pytest.mark.parametrize("spare", [0.0, 0.5, 2.5, 3.5])
def test_any_batch_runs_in_any_memory_that_one_sample_fits(network, spare):
    """With room for so many samples more."""
    one = Interpreter(network, backend="numpy")
    limit = one.account.total + int(spare * one.plan.arena_bytes)
    whole = Interpreter(network, backend="numpy")
    for batch in (4, 2, 3, 7, 1, 4):
        limited = Interpreter(network, backend="numpy", memory_limit=limit)
        for _ in range(2):
            for a, b in zip(limited(image(batch)), whole(image(batch))):
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        assert limited.account.total <= limit
        assert limited.batch == 1 if spare < 1 else limited.batch > 1 or batch == 1


def test_all_tensors_of_a_batch_want_the_memory_for_it(network):
    limit = Interpreter(network, backend="numpy", preserve_all_tensors=True).account.total
    limited = Interpreter(network, backend="numpy", preserve_all_tensors=True, memory_limit=limit)
    limited(image(1))
    with pytest.raises(MemoryLimitError):
        limited(image(2))


@pytest.mark.parametrize("shape", ["abc", None, (2.0, 12, 12, 3), (None, 12, 12, 3)])
def test_a_shape_is_of_whole_numbers(interpreter, shape):
    with pytest.raises(InputError, match="shape of whole numbers"):
        interpreter.resize_tensor_input(0, shape)


def test_pieces_cover_the_batch():
    for batch in range(1, 40):
        for size in range(1, batch + 1):
            spans = calling.pieces(batch, size)
            assert {stop - start for start, stop in spans} == {size}
            assert spans[0][0] == 0
            assert spans[-1][1] == batch
            assert len(spans) == -(-batch // size)
            assert all(a[1] >= b[0] for a, b in zip(spans, spans[1:]))


def test_call_with_one_output_gives_an_array():
    b = Builder()
    model = b.model([b.dense(b.input((6,)), 3, bit_filter=False)])
    result = Interpreter(model, backend="numpy")([0, 1, 2, 3, 4, 5])
    assert isinstance(result, np.ndarray)
    assert result.shape == (1, 3)


def test_call_by_position_and_by_name():
    interpreter = Interpreter(two_inputs(), backend="numpy")
    left, right = np.ones((2, 4), np.float32), np.full((2, 4), 2, np.float32)
    by_position = interpreter(left, right)
    assert isinstance(by_position, list)
    by_name = interpreter({"right": right, "left": left})
    assert list(by_name) == ["total/0", "op1/0"]
    np.testing.assert_array_equal(by_name["total/0"], by_position[0])
    np.testing.assert_array_equal(by_position[0], left + right)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ((np.ones((1, 4)),), "takes 2 inputs"),
        (({"left": np.ones((1, 4))},), "needs input 'right'"),
        (({"left": 1, "right": 1, "up": 1},), "no input 'up'"),
        ((np.ones((1, 4)), np.ones((2, 4))), "same batch"),
        ((np.ones((1, 4)), np.ones((1, 5))), r"'right' has shape \(batch, 4\)"),
        ((np.ones((0, 4)), np.ones((0, 4))), "empty batch"),
        ((np.ones((1, 4)), np.ones((1, 4)) * 1j), "'right' takes float32"),
        ((np.ones((1, 4)), [["a", "b", "c", "d"]]), "'right' takes float32"),
    ],
)
def test_call_names_what_is_wrong(inputs, words):
    with pytest.raises(InputError, match=words):
        Interpreter(two_inputs(), backend="numpy")(*inputs)


def test_uint8_goes_through_the_preprocessing():
    b = Builder()
    model = b.model([b.batch_norm(b.input((4,)))], Metadata(preprocessing=Preprocessing(1 / 128, -1.0)))
    interpreter = Interpreter(model, backend="numpy")
    raw = np.array([[0, 64, 128, 255]], np.uint8)
    scaled = raw.astype(np.float32) * np.float32(1 / 128) - np.float32(1)
    np.testing.assert_array_equal(interpreter(raw), interpreter(scaled))
    assert not np.array_equal(interpreter(raw), interpreter(raw.astype(np.int32))), "only uint8 is raw"


def test_integer_inputs_convert_only_without_loss():
    b = Builder()
    model = b.model([b.op(OpKind.RESHAPE, (b.input((2, 3), I32, name="counts"),), ReshapeOptions((6,)))])
    interpreter = Interpreter(model, backend="numpy")
    assert interpreter(np.arange(6, dtype=np.int64).reshape(1, 2, 3)).tolist() == [[0, 1, 2, 3, 4, 5]]
    with pytest.raises(InputError, match="'counts'"):
        interpreter(np.full((1, 2, 3), 2**40))
    with pytest.raises(InputError, match="'counts'"):
        interpreter(np.ones((1, 2, 3), np.float32))


# -- life ----------------------------------------------------------------------------------------------------


def test_closed_interpreter_says_so(network):
    with Interpreter(network, backend="numpy") as interpreter:
        interpreter(image())
    for use in (
        interpreter.invoke,
        interpreter.kernels,
        lambda: interpreter(image()),
        interpreter.get_input_details,
    ):
        with pytest.raises(InputError, match="closed"):
            use()
    interpreter.close()  # twice does no harm


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="this system does not list its mappings")
@pytest.mark.parametrize("name", backends.available_backends())
def test_close_lets_go_of_the_file(tmp_path, network, name):
    network.plan = plan(network)
    path = tmp_path / "model.xlite"
    path.write_bytes(write_model(network))
    interpreter = Interpreter(path, backend=name)
    interpreter(image())
    assert str(path) in Path("/proc/self/maps").read_text()
    interpreter.close()
    assert str(path) not in Path("/proc/self/maps").read_text()


def test_an_interpreter_that_runs_in_another_thread_refuses_to(network):
    """A kernel waits in the middle of a run."""
    inside, go_on = threading.Event(), threading.Event()
    plain = kernels_of("numpy")[OpKind.SIGN][0]

    def prepare(spec, buffers):
        step = plain.prepare(spec, buffers)

        def slow():
            inside.set()
            assert go_on.wait(20)
            step()

        return slow

    resolver = Resolver("numpy")
    resolver.register(Kernel("waiting", "mine", OpKind.SIGN, prepare))
    interpreter = Interpreter(network, resolver=resolver)
    found = []
    runner = threading.Thread(target=lambda: found.append(interpreter(image())))
    runner.start()
    assert inside.wait(20)
    for run in (interpreter.invoke, lambda: interpreter(image())):
        with pytest.raises(Error, match="in another thread now"):
            run()
    go_on.set()
    runner.join()
    for a, b in zip(found[0], interpreter(image())):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, None])
def test_num_threads_is_checked(network, threads):
    with pytest.raises(Error, match="num_threads"):
        Interpreter(network, num_threads=threads)


@pytest.mark.parametrize("name", backends.available_backends())
def test_interpreters_in_threads_are_independent(network, name):
    inputs = [image(1 + i % 3, seed=i) for i in range(4)]
    expected = [Interpreter(network, backend=name)(x) for x in inputs]
    results: list[list] = [[] for _ in inputs]

    def work(i: int) -> None:
        interpreter = Interpreter(network, backend=name)
        results[i] = [interpreter(inputs[i]) for _ in range(10)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for runs, wanted in zip(results, expected):
        assert len(runs) == 10
        for run in runs:
            for a, b in zip(run, wanted):
                np.testing.assert_array_equal(a, b)


def test_profile_times_every_op(interpreter):
    rows = interpreter.profile(repeats=3, warmup=1)
    assert [row.name for row in rows] == [op.name for op in interpreter.model.ops]
    assert [row.kind for row in rows] == [op.kind.name.lower() for op in interpreter.model.ops]
    assert all(row.median_ms >= 0 and row.spread_ms >= 0 and row.backend == "numpy" for row in rows)
    assert sum(row.median_ms for row in rows) > 0
    with pytest.raises(Error, match="repeats"):
        interpreter.profile(repeats=0)


def test_models_with_an_input_as_output():
    b = Builder()
    x = b.input((3,), F32)
    model = b.model([x, b.batch_norm(x)])
    result = Interpreter(model, backend="numpy")(np.ones((2, 3)))
    np.testing.assert_array_equal(result[0], np.ones((2, 3)))


def test_repr_says_where_ops_run(interpreter):
    assert "22 on numpy" in repr(interpreter)


def test_names_from_a_file_cannot_disturb_a_terminal():
    b = Builder()
    model = b.model([b.batch_norm(b.input((3,), name="\x1b[2J" + "x" * 100))])
    interpreter = Interpreter(model, backend="numpy")
    with pytest.raises(InputError) as caught:
        interpreter(np.ones((1, 4)))
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 150


def test_inputs_of_the_same_name_go_by_position():
    b = Builder()
    model = b.model([b.op(OpKind.ADD, (b.input((2,), name="x"), b.input((2,), name="x")))])
    interpreter = Interpreter(model, backend="numpy")
    assert interpreter([1, 2], [3, 4]).tolist() == [[4, 6]]
    with pytest.raises(InputError, match="same name"):
        interpreter({"x": [1, 2]})
