"""Integer inputs and int8 filters: what the passes make of them computes what the float program computes."""

from __future__ import annotations

import copy
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.converter.evaluate import evaluate
from tests.converter.passes.build import Builder
from xlite.converter.emit import emit
from xlite.converter.graph import Graph, Value, constant
from xlite.converter.integer_inputs import preprocessing_of, read_integers
from xlite.converter.passes import pack_int8, run_passes
from xlite.converter.quantize_weights import quantize_weights
from xlite.interpreter import Interpreter
from xlite.schema.errors import ConversionError
from xlite.schema.types import (
    RANGES,
    Conv2DOptions,
    DenseOptions,
    DType,
    OpKind,
    Preprocessing,
    QuantizeOptions,
    SliceOptions,
)

F32, U8, I8, BIT = DType.FLOAT32, DType.UINT8, DType.INT8, DType.BIT
PAIR = {"pad_top": 1, "pad_bottom": 1, "pad_left": 1, "pad_right": 1}


def weights(rng: np.random.Generator, kind: str, *shape: int) -> np.ndarray:
    """Filters (outputs first) of bits, of three levels, or of int8 steps; each filter with a scale of its own."""
    scale = rng.uniform(0.2, 2.0, size=(shape[0], *[1] * (len(shape) - 1))).astype(np.float32)
    if kind == "bits":
        return rng.choice([-1.0, 1.0], shape).astype(np.float32) * scale
    if kind == "ternary":
        levels = rng.choice([-1.0, 0.0, 1.0], shape).astype(np.float32)
    else:
        levels = rng.integers(-127, 128, shape).astype(np.float32)
        levels.reshape(shape[0], -1)[:, 0] = 127
    return levels * scale


def kinds_of(graph: Graph) -> list[str]:
    return [node.kind.name for node in graph.nodes]


def check(graph: Graph, x: np.ndarray) -> Graph:
    """Runs the passes; the packed network gives the float program's numbers. Returns the packed graph."""
    (expected,) = evaluate(graph, x)
    run_passes(graph)
    packed = Interpreter(emit(graph))(x)
    largest = np.abs(expected).max()
    np.testing.assert_allclose(packed, expected, rtol=1e-5, atol=1e-5 * (largest or 1.0))
    return graph


def random_bytes(dtype: DType, *shape: int) -> np.ndarray:
    low, high = RANGES[dtype]
    return np.random.default_rng(7).integers(low, high + 1, (3, *shape)).astype(dtype.numpy)


def program(seed: int, dtype: DType, kind: str, layer: str, pads: dict, raw: Preprocessing | None) -> Graph:
    """A convolution, depthwise convolution or dense layer over an integer input, with a bias and a batch norm."""
    b = Builder(seed)
    x = b.input(6, 5, 3)
    if layer == "dense":
        y = b.dense(b.reshape(x, 90), 7, weights(b.rng, kind, 7, 90))
    elif layer == "depthwise":
        filters = np.moveaxis(weights(b.rng, kind, 6, 3, 3), 0, -1)
        inputs = (x, constant("kernel", filters), None, None, None)
        y = b.op(OpKind.DEPTHWISE_CONV_2D, *inputs, options=Conv2DOptions(**pads), layer="depthwise")
    else:
        y = b.conv(x, 7, bias=True, weights=weights(b.rng, kind, 7, 3, 3, 3), **pads)
    channels = y.type.shape[-1]
    graph = b.done(b.norm(y, b.rng.normal(size=channels), b.rng.normal(size=channels)))
    read_integers(graph, dtype, raw)
    return graph


RAW = [
    None,
    Preprocessing(1 / 255),
    Preprocessing(1 / 127.5, -1.0),
    Preprocessing(1 / 128, -1.0),
    Preprocessing(0.5, 9.0),
]


@pytest.mark.parametrize("raw", RAW, ids=str)
@pytest.mark.parametrize("pads", [{}, PAIR], ids=["valid", "same"])
@pytest.mark.parametrize("layer", ["conv", "depthwise", "dense"])
@pytest.mark.parametrize("kind", ["bits", "ternary", "int8"])
@pytest.mark.parametrize("dtype", [U8, I8], ids=["u8", "i8"])
def test_a_layer_reads_integers(dtype, kind, layer, pads, raw):
    graph = check(program(0, dtype, kind, layer, pads, raw), random_bytes(dtype, 6, 5, 3))
    assert "DEQUANTIZE" not in kinds_of(graph)
    assert "BATCH_NORM" not in kinds_of(graph)
    filtered = graph.nodes[-1]
    assert filtered.inputs[0].type.dtype is dtype
    assert filtered.inputs[1].type.dtype is (I8 if kind == "int8" else BIT)


@settings(max_examples=60, deadline=None)
@given(
    scale=st.floats(2**-10, 10.0, width=32),
    offset=st.floats(-300.0, 300.0, width=32),
    kind=st.sampled_from(["bits", "ternary", "int8"]),
    layer=st.sampled_from(["conv", "depthwise", "dense"]),
    pads=st.sampled_from([{}, PAIR]),
)
def test_any_scale_and_offset(scale, offset, kind, layer, pads):
    """Where zeros are padded that no integer stands for, the layer stays as it is; else it reads integers."""
    graph = check(program(1, U8, kind, layer, pads, Preprocessing(scale, offset)), random_bytes(U8, 6, 5, 3))
    if layer == "dense" or not pads:
        assert graph.nodes[-1].inputs[0].type.dtype is U8


def test_zeros_that_no_integer_stands_for_stay_floats():
    graph = check(program(2, U8, "bits", "conv", PAIR, Preprocessing(1.0, -np.pi)), random_bytes(U8, 6, 5, 3))
    assert kinds_of(graph)[:2] == ["DEQUANTIZE", "BATCH_NORM"]


def test_a_scale_a_channel_stays_float():
    b = Builder()
    x = b.norm(b.input(6, 5, 3), [1, 2, 3], 0)
    graph = b.done(b.conv(x, 4))
    read_integers(graph, U8, None)
    assert kinds_of(check(graph, random_bytes(U8, 6, 5, 3)))[0] == "DEQUANTIZE"


def test_float_filters_stay_float():
    b = Builder()
    graph = b.done(b.conv(b.input(6, 5, 3), 4, weights=b.rng.normal(size=(4, 3, 3, 3))))
    read_integers(graph, U8, None)
    assert kinds_of(check(graph, random_bytes(U8, 6, 5, 3))) == ["DEQUANTIZE", "CONV_2D"]


def test_what_moves_or_compares_works_on_the_integers():
    b = Builder()
    x = b.norm(b.input(8, 8, 3), 1 / 127.5, -1)
    x = b.pool(x)
    x = b.op(OpKind.SLICE, x, options=SliceOptions((0, 1, 0, 0), (1, 3, 4, 3), (1, 1, 1, 1)))
    graph = b.done(b.conv(x, 4, **PAIR))
    read_integers(graph, U8, None)
    graph = check(graph, random_bytes(U8, 8, 8, 3))
    assert kinds_of(graph) == ["MAX_POOL_2D", "SLICE", "CONV_2D"]


def test_the_largest_of_a_negative_scale_is_not_the_largest_integer():
    b = Builder()
    graph = b.done(b.conv(b.pool(b.norm(b.input(8, 8, 3), -1, 255)), 4))
    read_integers(graph, U8, None)
    assert kinds_of(check(graph, random_bytes(U8, 8, 8, 3)))[0] == "DEQUANTIZE"


@pytest.mark.parametrize(("value", "moves"), [(0.0, True), (0.501, False)])
def test_padding_of_its_own(value, moves):
    """Zero is the integer 128 here, the other value none."""
    b = Builder()
    x = b.pad(b.norm(b.input(6, 5, 3), 1 / 128, -1), value)
    graph = b.done(b.dense(b.reshape(x, 168), 4))
    read_integers(graph, U8, None)
    assert ("DEQUANTIZE" in kinds_of(check(graph, random_bytes(U8, 6, 5, 3)))) is not moves


def test_a_network_without_a_float_op():
    """u8 to bits to scores, with batch norms of either sign and a pool; every bit as the float program has it."""
    b = Builder(3)
    x = b.norm(b.input(8, 8, 3), 1 / 127.5, -1)
    x = b.norm(
        b.conv(x, 33, alpha=b.rng.uniform(0.1, 1, 33), **PAIR), b.rng.normal(size=33), b.rng.normal(size=33)
    )
    bits = b.op(OpKind.SIGN, x)
    y = b.norm(b.pool(b.conv(b.op(OpKind.UNPACK, bits), 32, **PAIR)), b.rng.normal(size=32), b.rng.normal(size=32))
    scores = b.dense(b.reshape(b.quantized(y), 512), 5)
    graph = b.done(scores)
    read_integers(graph, U8, None)
    before = copy.deepcopy(graph)
    graph = check(graph, random_bytes(U8, 8, 8, 3))
    assert kinds_of(graph) == ["CONV_2D", "CONV_2D", "MAX_POOL_2D", "RESHAPE", "DENSE"]
    assert [node.output.type.dtype for node in graph.nodes] == [BIT, BIT, BIT, BIT, F32]
    stem = next(node.output for node in before.nodes if node.kind is OpKind.SIGN)
    before.outputs = [stem]
    graph.outputs = [graph.nodes[0].output]
    del graph.nodes[1:]
    many = np.random.default_rng(1).integers(0, 256, (40, 8, 8, 3)).astype(np.uint8)
    np.testing.assert_array_equal(Interpreter(emit(graph))(many), evaluate(before, many)[0])


def test_int8_filters_read_bits():
    b = Builder()
    x = b.op(OpKind.UNPACK, b.input(6, 5, 33, dtype=BIT))
    graph = b.done(b.conv(x, 4, weights=weights(b.rng, "int8", 4, 3, 3, 33), **PAIR))
    signs = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (2, 6, 5, 33))
    (expected,) = evaluate(graph, signs)
    run_passes(graph)
    assert kinds_of(graph) == ["CONV_2D"]
    assert graph.nodes[0].inputs[0].type.dtype is BIT
    np.testing.assert_allclose(Interpreter(emit(graph))(signs), expected, rtol=1e-5, atol=1e-5)


def test_thresholds_of_falling_batch_norms_negate_int8_filters():
    b = Builder()
    x = b.conv(b.input(4, 4, 3), 6, weights=weights(b.rng, "int8", 6, 3, 3, 3))
    graph = b.done(b.op(OpKind.SIGN, b.norm(x, [1, -1, 0, 0, 2, -3], [5, 5, 1, -1, -40, 40])))
    read_integers(graph, I8, None)
    given = random_bytes(I8, 4, 4, 3)
    (expected,) = evaluate(graph, given)
    run_passes(graph)
    assert kinds_of(graph) == ["CONV_2D"]
    np.testing.assert_array_equal(Interpreter(emit(graph))(given), expected)


def test_quantized_activations_are_read_as_integers():
    b = Builder()
    options = QuantizeOptions(U8, 0.25, 100)
    q = b.op(OpKind.QUANTIZE, b.input(6, 5, 3), options=options)
    x = b.op(OpKind.DEQUANTIZE, q, options=QuantizeOptions(F32, 0.25, 100))
    graph = b.done(b.conv(x, 4, weights=weights(b.rng, "int8", 4, 3, 3, 3), **PAIR))
    graph = check(graph, b.rng.normal(size=(2, 6, 5, 3)).astype(np.float32) * 9)
    assert kinds_of(graph) == ["QUANTIZE", "CONV_2D"]
    assert graph.nodes[1].options.input_zero_point == 100


def test_sums_that_do_not_fit_stay_float():
    b = Builder()
    graph = b.done(b.dense(b.input(65800), 1, weights(b.rng, "int8", 1, 65800)))
    read_integers(graph, U8, None)
    run_passes(graph)
    assert kinds_of(graph)[0] == "DEQUANTIZE"


def test_text():
    b = Builder()
    x = b.norm(b.input(4, 4, 2), 1 / 127.5, -1)
    graph = b.done(b.conv(x, 3, **PAIR))
    read_integers(graph, U8, None)
    run_passes(graph)
    expected = """
        %0 = input u8[1,4,4,2]
        %1 = conv_2d(%0, bit[3,3,3,2], f32[3]) {PADS, input_multiplier=2, input_zero_point=255} -> f32[1,4,4,3]
        return %1
        """.replace("PADS", ", ".join(f"{name}=1" for name in PAIR))
    assert graph.text() == textwrap.dedent(expected).strip()


# -- detecting int8 ------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10**6), per_channel=st.booleans(), size=st.sampled_from([4, 9, 64, 1000]))
def test_steps_are_found_in_fake_quantized_weights(seed, per_channel, size):
    """As a quantizer computes them in float32: the scale from the largest weight, rounded, times the scale."""
    rng = np.random.default_rng(seed)
    real = (rng.normal(size=(5, size)) * rng.uniform(1e-6, 1e6)).astype(np.float32)
    scale = np.abs(real).max(axis=1 if per_channel else None, keepdims=True) / np.float32(127)
    steps = np.round(real / scale)
    found = pack_int8.find_steps(OpKind.DENSE, steps * scale)
    assert found is not None
    np.testing.assert_array_equal(found[0], steps)
    np.testing.assert_allclose(found[1], np.broadcast_to(scale[:, 0], 5), rtol=1e-6)


@pytest.mark.parametrize("multiplier", [1, 2, 3])
def test_steps_of_depthwise_kernels(multiplier):
    """One scale a multiplier, over all channels, as a quantizer of Keras's (KH, KW, C, M) makes them."""
    rng = np.random.default_rng(multiplier)
    real = rng.normal(size=(3, 3, 8, multiplier)).astype(np.float32)
    scale = np.abs(real).max(axis=(0, 1, 2)) / np.float32(127)
    steps = np.round(real / scale)
    found = pack_int8.find_steps(OpKind.DEPTHWISE_CONV_2D, (steps * scale).reshape(3, 3, -1))
    assert found is not None
    np.testing.assert_array_equal(found[0], steps.reshape(3, 3, -1))
    np.testing.assert_allclose(found[1], np.tile(scale, 8), rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.sampled_from([3, 9, 64]))
def test_float_weights_are_no_steps(seed, size):
    real = np.random.default_rng(seed).normal(size=(5, size)).astype(np.float32)
    assert pack_int8.find_steps(OpKind.DENSE, real) is None


def test_a_filter_of_zeros_and_what_is_no_number():
    zeros = np.zeros((2, 9), np.float32)
    zeros[1] = np.arange(9) * 127 / 8  # the largest is 127
    zeros[1, 1:] = np.round(zeros[1, 1:])
    found = pack_int8.find_steps(OpKind.DENSE, zeros)
    assert found is not None
    np.testing.assert_array_equal(found[0] * found[1][:, None], zeros)
    zeros[0, 0] = np.inf
    assert pack_int8.find_steps(OpKind.DENSE, zeros) is None


# -- rounding to int8 ----------------------------------------------------------------------------------------


def float_network(b: Builder) -> tuple[Graph, Value]:
    x = b.input(6, 6, 8)
    y = b.conv(x, 5, weights=b.rng.normal(size=(5, 3, 3, 8)), bias=True)
    y = b.depthwise(y)  # bits
    return b.done(b.dense(b.reshape(y, 20), 3, b.rng.normal(size=(3, 20)))), x


def test_weights_are_rounded_by_the_largest_of_each_filter():
    b = Builder()
    graph, _ = float_network(b)
    before = copy.deepcopy(graph)
    found = quantize_weights(graph)
    assert [one.layer for one in found] == ["conv", "dense"]
    assert all(0 < one.largest_error <= 0.5 / 127 + 1e-6 for one in found)
    run_passes(graph)
    assert [node.inputs[1].type.dtype for node in graph.nodes if len(node.inputs) > 5] == [I8, BIT, I8]
    x = b.rng.normal(size=(2, 6, 6, 8)).astype(np.float32)
    rounded, exact = Interpreter(emit(graph))(x), evaluate(before, x)[0]
    assert 0 < np.abs(rounded - exact).max() < 0.02 * np.abs(exact).max()


def test_only_what_reads_integers_is_rounded():
    """Through the scale and offset of the input's range; a network without integers has no such layer."""
    graph, _ = float_network(Builder())
    assert quantize_weights(graph, stem_only=True) == []
    read_integers(graph, U8, preprocessing_of(U8, -1, 1))
    assert [one.layer for one in quantize_weights(graph, stem_only=True)] == ["conv"]
    run_passes(graph)
    found = [tuple(x.type.dtype for x in node.inputs[:2]) for node in graph.nodes if len(node.inputs) > 5]
    assert found[0] == (U8, I8)
    assert found[-1] == (F32, F32)


def test_a_stem_that_cannot_read_its_integers_keeps_its_floats():
    """It pads zeros that no integer stands for: int8 filters would be no faster, and less exact."""
    for pads, rounded in (({}, ["conv"]), (PAIR, [])):
        b = Builder()
        graph = b.done(b.conv(b.input(6, 6, 8), 5, weights=b.rng.normal(size=(5, 3, 3, 8)), **pads))
        read_integers(graph, U8, Preprocessing(1.0, -np.pi))
        assert [one.layer for one in quantize_weights(graph, stem_only=True)] == rounded


def test_rounded_weights_are_the_nearest():
    b = Builder()
    real = b.rng.normal(size=(4, 30)).astype(np.float32)
    graph = b.done(b.dense(b.input(30), 4, real))
    (found,) = quantize_weights(graph)
    node = graph.nodes[0]
    packed, scale = node.inputs[1].data, node.inputs[2].data
    steps = np.abs(real).max(axis=1, keepdims=True) / 127
    np.testing.assert_allclose(scale, steps[:, 0], rtol=1e-6)
    assert np.abs(packed).max() == 127
    off = np.abs(packed * scale[:, None] - real)
    assert (off <= steps / 2 * 1.0001).all()
    assert found.largest_error == pytest.approx(float((off / np.abs(real).max(axis=1, keepdims=True)).max()))


def test_a_shared_kernel_is_rounded_once():
    b = Builder()
    kernel = constant("kernel", b.rng.normal(size=(8, 8)))
    x = b.input(8)
    for _ in range(2):
        x = b.op(OpKind.DENSE, x, kernel, None, None, None, options=DenseOptions(), layer="dense")
    graph = b.done(x)
    assert len(quantize_weights(graph)) == 1
    assert [node.inputs[1].type.dtype for node in graph.nodes] == [I8, I8]


# -- what is refused -----------------------------------------------------------------------------------------


def test_ranges():
    assert preprocessing_of(U8, 0, 1) == Preprocessing(1 / 255, 0.0)
    raw = preprocessing_of(I8, -1, 1)
    assert (raw.scale * -128 + raw.offset, raw.scale * 127 + raw.offset) == (-1.0, pytest.approx(1.0))
    with pytest.raises(ConversionError, match="the input range 1, 1 is empty"):
        preprocessing_of(U8, 1, 1)


def test_a_model_without_a_float_input():
    b = Builder()
    graph = b.done(b.op(OpKind.UNPACK, b.input(8, dtype=BIT)))
    with pytest.raises(ConversionError, match="no float input"):
        read_integers(graph, U8, None)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (None, (1.0, 0)),
        (Preprocessing(0.5, -64.0), (0.5, 128)),
        (Preprocessing(1 / 127.5, -1.0), (0.0, 0)),
        (Preprocessing(1.0, 300.0), (0.0, 0)),
        (Preprocessing(-1.0, 255.0), (0.0, 0)),
    ],
)
def test_what_the_file_says_of_its_input(raw, said):
    b = Builder()
    graph = b.done(b.conv(b.input(4, 4, 2), 3))
    read_integers(graph, U8, raw)
    assert (graph.inputs[0].scale, graph.inputs[0].zero_point) == said
    detail = Interpreter(emit(graph)).get_input_details()[0]
    assert detail["quantization"] == said
    assert detail["dtype"] is np.uint8
    assert len(detail["quantization_parameters"]["scales"]) == (said != (0.0, 0))
