"""What is said of a model that does not fit, and that every mend that is named holds what it says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import xlite
from tests.interpreter.networks import BIT, Builder, residual_network
from xlite.interpreter import Buffers, Interpreter, Kernel, OpSpec, Resolver, Target
from xlite.interpreter.backends import available_backends
from xlite.interpreter.process import PAGE
from xlite.interpreter.targets import isa_here
from xlite.schema.errors import MemoryLimitError
from xlite.schema.types import Conv2DOptions, DType, OpKind

DEMO = Path(__file__).resolve().parents[2] / "examples" / "fashion" / "model.h5"


def refusal(model, batch=1, **arguments) -> str:
    with pytest.raises(MemoryLimitError) as caught:
        Interpreter(model, **arguments).resize_tensor_input(0, (batch, *model.tensors[0].type.shape[1:]))
    return str(caught.value)


def bytes_in(text: str) -> int:
    return int(re.search(r"(\d+) B", text)[1])


def line_with(message: str, what: str) -> str:
    (line,) = [line for line in message.splitlines() if what in line]
    return line


def test_the_limit_that_it_names_is_the_smallest_that_fits():
    model = residual_network()
    needed = int(re.search(r"memory_limit=(\d+) fits", refusal(model, backend="numpy", memory_limit=20_000))[1])
    assert Interpreter(model, backend="numpy", memory_limit=needed)
    refusal(model, backend="numpy", memory_limit=needed - 1)


@pytest.mark.parametrize("room", [2.0, 3.5, 9.0])
def test_the_batch_that_it_names_is_the_largest_that_fits(room):
    model = residual_network()
    limit = int(room * Interpreter(model, backend="numpy").account.total)
    message = refusal(model, 64, backend="numpy", memory_limit=limit)
    largest = int(re.search(r"batch (\d+) is the largest that fits", message)[1])
    assert largest >= room
    Interpreter(model, backend="numpy", memory_limit=limit).resize_tensor_input(0, (largest, 12, 12, 3))
    refusal(model, largest + 1, backend="numpy", memory_limit=limit)


def packing(kind: OpKind, size: int, backend="mine") -> Kernel:
    def prepare(spec: OpSpec, buffers: Buffers):
        return lambda: None

    return Kernel(f"{backend}_packs", backend, kind, prepare, prepacked=lambda spec: size)


def test_weights_that_are_left_out_already_cannot_be_left_out_again():
    model = residual_network()
    resolver = Resolver("numpy")
    resolver.register(packing(OpKind.CONV_2D, 10**6))
    line = line_with(refusal(model, resolver=resolver, memory_limit=20_000), "prepack=False")
    assert "saves nothing" in line
    assert bytes_in(line) == 5 * 10**6


def stem(image, weights, size=48):
    """A network that is all first layer, with an image and a filter of these types."""
    b = Builder()
    x = b.input((size, size, 3), image)
    filters = b.rng.integers(-127, 128, (8, 7, 7, 3)).astype(np.float32)
    constant = b.const(filters)
    if weights is DType.INT8:
        tensor = b.tensors[constant]
        tensor.type = type(tensor.type)(tensor.type.shape, DType.INT8)
        tensor.data = filters.astype(np.int8)
    inputs = (x, constant, b.floats(8), b.floats(8), None)
    y = b.op(OpKind.CONV_2D, inputs, Conv2DOptions(stride_h=8, stride_w=8))
    return b.model([y])


def test_integer_input_saves_what_it_says():
    """Held against the same network with bytes for its image and its filters."""
    floats, integers = stem(DType.FLOAT32, DType.FLOAT32), stem(DType.UINT8, DType.INT8)
    before = Interpreter(floats, backend="numpy").account
    after = Interpreter(integers, backend="numpy").account
    for limit in (after.total, after.total - 1):
        line = line_with(refusal(floats, backend="numpy", memory_limit=limit), "int8 first layer")
        assert bytes_in(line) == before.total - after.total
        assert ("and fits" in line) is (limit == after.total)
        assert ("1 B too much" in line) is (limit != after.total)


@pytest.mark.parametrize("backend", available_backends())
def test_integer_input_saves_of_the_demo_what_the_converter_makes_of_it(backend, tmp_path):
    """Held against the file that the command in the advice writes, floats between its stem and its sign included.
    Tables of the file that the network no longer needs are not in the account: they are less than a page."""
    files = [tmp_path / "floats.xlite", tmp_path / "bytes.xlite"]
    xlite.convert(DEMO, files[0])
    xlite.convert(DEMO, files[1], input_dtype="uint8", input_range=(-1, 1), quantize="int8-stem")
    line = line_with(refusal(files[0], backend=backend, memory_limit=150_000), "int8 first layer")
    assert "and fits" in line
    smallest = [int(re.search(r"=(\d+) fits", refusal(f, backend=backend, memory_limit=1000))[1]) for f in files]
    assert 0 <= smallest[0] - smallest[1] - bytes_in(line) <= PAGE
    assert smallest[0] - smallest[1] > 120_000


def test_binary_weights_save_what_they_say():
    def dense(bit_filter):
        b = Builder()
        return b.model([b.dense(b.input((4096,)), 64, bit_filter=bit_filter)])

    floats, bits = (
        Interpreter(dense(False), backend="numpy").account,
        Interpreter(dense(True), backend="numpy").account,
    )
    line = line_with(refusal(dense(False), backend="numpy", memory_limit=200_000), "binarizing")
    scales = 64 * 4  # one a channel, which the line leaves out
    assert bytes_in(line) == floats.weights - bits.weights + scales
    assert "and fits" in line


def test_an_arena_of_bits_has_no_integer_input_to_advise():
    b = Builder()
    x = b.input((64, 64, 64), BIT)
    model = b.model([b.conv(x, 64, out=BIT)])
    assert "int8 first layer" not in refusal(model, backend="numpy", memory_limit=1000)


def test_a_target_says_what_python_takes_of_it():
    target = Target("small", "", "x", ram_bytes=1 << 20, base_bytes=(1 << 20) - 1000)
    message = refusal(residual_network(), backend="numpy", target=target)
    assert "target 'small' allows 1000 B beside the 1023.0 KiB of Python itself" in message


@pytest.mark.parametrize("there", [True, False])
def test_kernels_that_are_not_the_targets_are_said_to_be_this_machines(there):
    isa = isa_here() if there else "another"
    target = Target("board", "", isa, ram_bytes=1 << 20, base_bytes=(1 << 20) - 1000)
    message = refusal(residual_network(), backend="numpy", target=target)
    assert ("'xlite inspect --target board' prints what those of the device need" in message) is not there
    assert "inspect" not in refusal(residual_network(), backend="numpy", memory_limit=1000)


def test_weights_that_outgrow_the_flash():
    b = Builder()
    model = b.model([b.dense(b.input((512,)), 64, bit_filter=False)])
    weights = Interpreter(model, backend="numpy").account.weights
    board = Target("board", "", "x", flash_bytes=weights - 100, runtime="c")
    message = refusal(model, backend="numpy", target=board)
    assert f"the weights need {weights} B" in message
    assert "and fits" in line_with(message, "binarizing")
