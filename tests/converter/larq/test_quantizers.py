"""Larq's quantizers: what each does to a kernel and to an input, and the names under which it is found."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.converter.evaluate import evaluate
from tests.converter.larq.building import function, kernel_in, lowered, quant_conv, quantizer
from xlite.converter.lowering.larq_quantizers import dorefa_kernel, heaviside_kernel, ternary_kernel
from xlite.converter.lowering.larq_zoo import magnitude_aware_sign_unclipped, xnor_weight_scale
from xlite.converter.passes import run_passes
from xlite.schema.errors import ConversionError, UnsupportedLayerError
from xlite.schema.types import DType, OpKind

SIGNS = ("ste_sign", "approx_sign", "swish_sign")
CLASSES = {
    "ste_sign": "SteSign",
    "approx_sign": "ApproxSign",
    "swish_sign": "SwishSign",
    "magnitude_aware_sign": "MagnitudeAwareSign",
    "ste_heaviside": "SteHeaviside",
    "ste_tern": "SteTern",
    "dorefa_quantizer": "DoReFa",
}

values = st.floats(-2, 2, width=32)
kernels = st.lists(values, min_size=12, max_size=12).map(
    lambda found: np.array(found, np.float32).reshape(1, 2, 2, 3)
)


def random_kernel(shape=(3, 3, 8, 4), seed=0):
    kernel = np.random.default_rng(seed).normal(0, 0.6, shape).astype(np.float32)
    kernel.flat[::9] = 0.0
    kernel.flat[4::9] = -0.0
    return kernel


def spellings(name):
    """A quantizer as files write it: a string, a configuration, with and without a package."""
    found = [name, quantizer(CLASSES[name])]
    for package in ("Larq", "Custom", "xlite"):
        found += [{**quantizer(CLASSES[name]), "registered_name": f"{package}>{CLASSES[name]}"}]
    return [*found, {"class_name": f"Larq>{CLASSES[name]}", "config": {}}, {"class_name": name, "config": {}}]


@pytest.mark.parametrize("name", CLASSES)
def test_every_spelling_of_a_kernel_quantizer_is_the_same(name):
    kernel = random_kernel()
    first, *others = (kernel_in(lowered(quant_conv(kernel, kernel_quantizer=s))) for s in spellings(name))
    assert not np.array_equal(first, kernel)
    for other in others:
        np.testing.assert_array_equal(other, first)


@pytest.mark.parametrize("name", sorted(set(CLASSES) - {"magnitude_aware_sign"}))
def test_every_spelling_of_an_input_quantizer_is_the_same(name):
    kernel = random_kernel()
    texts = {lowered(quant_conv(kernel, input_quantizer=s)).text() for s in spellings(name)}
    assert len(texts) == 1
    assert texts != {lowered(quant_conv(kernel)).text()}


@pytest.mark.parametrize("name", ["NoOp", "Larq>NoOp", "NoOpQuantizer", "no_op"])
def test_no_op_changes_nothing(name):
    kernel = random_kernel()
    plain = lowered(quant_conv(kernel))
    marked = {"class_name": name, "config": {"precision": 1}}
    graph = lowered(quant_conv(kernel, input_quantizer=marked, kernel_quantizer=marked))
    assert graph.text() == plain.text()
    np.testing.assert_array_equal(kernel_in(graph), kernel)


@given(kernels)
def test_signs_are_by_comparison(kernel):
    for name in SIGNS:
        got = kernel_in(lowered(quant_conv(kernel, kernel_quantizer=name), shape=(4, 4, 2)))
        np.testing.assert_array_equal(got, np.where(kernel < 0, -1, 1))


@given(kernels)
def test_scaled_signs_keep_the_mean_magnitude(kernel):
    """|w| of the quantized kernel is one number a filter, or one in all: the mean of the (clipped) kernel's."""
    for got, magnitude in (
        (xnor_weight_scale(kernel, {}), np.minimum(np.abs(kernel), 1).mean(axis=(0, 1, 2), dtype=np.float64)),
        (magnitude_aware_sign_unclipped(kernel, {}), np.abs(kernel).mean(dtype=np.float64)),
    ):
        np.testing.assert_array_equal(np.signbit(got), kernel < 0)
        smallest = np.finfo(np.float32).smallest_subnormal  # the step between float32 numbers next to zero
        np.testing.assert_allclose(np.abs(got), np.broadcast_to(magnitude, kernel.shape), rtol=1e-6, atol=smallest)


@given(kernels, st.floats(0, 1, width=32))
def test_ternary_kernel(kernel, threshold):
    """Where w is not within rounding of the threshold, and at the threshold itself."""
    got = ternary_kernel(kernel, {"threshold_value": threshold})
    away = np.abs(np.abs(kernel) - np.float32(threshold)) > 1e-6
    wanted = np.where(np.abs(kernel) < threshold, 0, np.sign(kernel))
    np.testing.assert_array_equal(got[away], wanted[away])
    assert set(np.unique(got)) <= {-1.0, 0.0, 1.0}
    assert ternary_kernel(np.float32([0.05]), {"threshold_value": 0.05}) == 1


@given(kernels)
def test_ternary_weight_networks(kernel):
    """The threshold is 0.7 of the mean magnitude, whatever ``threshold_value`` says."""
    config = {"ternary_weight_networks": True, "threshold_value": 3.0}
    threshold = 0.7 * np.abs(kernel).mean(dtype=np.float64)
    away = np.abs(np.abs(kernel) - threshold) > 1e-6
    wanted = np.where(np.abs(kernel) < threshold, 0, np.sign(kernel))
    np.testing.assert_array_equal(ternary_kernel(kernel, config)[away], wanted[away])


@given(kernels)
def test_heaviside_kernel(kernel):
    np.testing.assert_array_equal(heaviside_kernel(kernel, {}), kernel > 0)


@given(kernels, st.integers(1, 8))
def test_dorefa_kernel(kernel, bits):
    """2^k levels, evenly from -1 to 1; the nearest one to tanh(w) / max |tanh(w)|; odd where no tie decides."""
    steps = 2**bits - 1
    got = dorefa_kernel(kernel, {"k_bit": bits, "mode": "weights"})
    place = (got + 1) / 2 * steps
    np.testing.assert_allclose(place, np.round(place), atol=1e-4)
    largest = math.tanh(float(np.abs(kernel).max()))
    wanted = np.tanh(kernel.astype(np.float64)) / largest if largest else np.zeros(kernel.shape)
    assert np.all(np.abs(got - wanted) <= 1 / steps + 1e-5)


def test_dorefa_kernel_of_zeros_stays_in_the_middle():
    got = dorefa_kernel(np.zeros((1, 1, 2, 2), np.float32), {"k_bit": 1, "mode": "weights"})
    np.testing.assert_array_equal(got, -1)  # 1/2 rounds to the even 0


@given(kernels, st.integers(1, 8))
def test_dorefa_of_activations_on_a_kernel(kernel, bits):
    steps = 2**bits - 1
    got = dorefa_kernel(kernel, {"k_bit": bits})
    assert np.all(np.abs(got - np.clip(kernel, 0, 1)) <= 0.5 / steps + 1e-6)
    np.testing.assert_allclose(got * steps, np.round(got * steps), atol=1e-4)


# -- inputs --------------------------------------------------------------------------------------------------


def run_input(value, x):
    """The quantized input itself: a 1x1 kernel of ones over one channel leaves it as it is."""
    graph = lowered(quant_conv(np.ones((1, 1, 1, 1), np.float32), input_quantizer=value), shape=(1, x.size, 1))
    return graph, evaluate(graph, x.reshape(1, 1, -1, 1))[0].reshape(-1)


PROBES = np.float32([-2, -1, -0.6, -0.05, -0.0, 0.0, 0.02, 0.05, 0.2, 0.5, 0.7, 1.0, 1.5])


@pytest.mark.parametrize("name", SIGNS)
def test_sign_of_inputs(name):
    graph, got = run_input(name, PROBES)
    np.testing.assert_array_equal(got, np.where(PROBES < 0, -1, 1))
    assert graph.layers[1].marked == {"input_quantizer": name}


def test_heaviside_of_inputs():
    graph, got = run_input("ste_heaviside", PROBES)
    np.testing.assert_array_equal(got, PROBES > 0)
    assert [node.kind for node in graph.nodes[:2]] == [OpKind.BIT_PLANES, OpKind.FROM_PLANES]


@pytest.mark.parametrize("bits", range(1, 12))
def test_dorefa_of_inputs(bits):
    """Bit planes as long as a packed op takes them, float ops for more; the numbers are the same."""
    graph, got = run_input(quantizer("DoReFa", k_bit=bits), PROBES)
    steps = 2**bits - 1
    np.testing.assert_allclose(got, np.round(np.clip(PROBES, 0, 1).astype(np.float64) * steps) / steps, rtol=1e-6)
    assert (graph.nodes[0].kind is OpKind.BIT_PLANES) == (bits <= 8)
    assert bool(graph.layers[1].marked) == (bits <= 8)


def test_ternary_inputs():
    graph, got = run_input(quantizer("SteTern", threshold_value=0.25), PROBES)
    np.testing.assert_array_equal(got, np.where(np.abs(PROBES) < 0.25, 0, np.sign(PROBES)))
    assert not graph.layers[1].marked


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        ("magnitude_aware_sign", "ste_sign"),
        (quantizer("SteTern", ternary_weight_networks=True), "threshold_value"),
        (quantizer("DoReFa", mode="weights"), "mode='activations'"),
    ],
)
def test_what_depends_on_the_batch_is_refused(value, instead):
    with pytest.raises(UnsupportedLayerError, match=f"'conv'.*whole batch.*{instead}"):
        run_input(value, PROBES)


# -- through the passes --------------------------------------------------------------------------------------

PACKING = [
    ("ste_sign", "ste_sign", 1),
    ("approx_sign", "magnitude_aware_sign", 1),
    ("swish_sign", function("xnor_weight_scale"), 1),
    ("ste_sign", function("magnitude_aware_sign_unclipped"), 1),
    ("ste_sign", quantizer("SteTern", threshold_value=0.3), 1),
    ("ste_sign", quantizer("SteTern", ternary_weight_networks=True), 1),
    ("ste_sign", "ste_heaviside", 1),
    ("ste_sign", quantizer("DoReFa", k_bit=1, mode="weights"), 1),
    ("ste_heaviside", "ste_sign", 1),
    ("ste_heaviside", "ste_tern", 1),
    ("dorefa_quantizer", "ste_sign", 2),
    (quantizer("DoReFa", k_bit=4), "magnitude_aware_sign", 4),
]


@pytest.mark.parametrize(
    ("pad_values", "inputs", "kernel", "planes"),
    [
        *((0.0, *case) for case in PACKING),
        *((value, *case) for value in (1.0, -1.0) for case in PACKING if case[0] == "ste_sign"),
    ],
)
def test_both_sides_pack(inputs, kernel, planes, pad_values):
    options = {"input_quantizer": inputs, "kernel_quantizer": kernel, "padding": "same", "pad_values": pad_values}
    graph = lowered(quant_conv(random_kernel(), **options))
    assert set(graph.layers[1].marked) == {"input_quantizer", "kernel_quantizer"}
    run_passes(graph)
    conv = next(node for node in graph.nodes if node.kind is OpKind.CONV_2D)
    assert [value.type.dtype for value in conv.inputs[:2]] == [DType.BIT, DType.BIT]
    assert conv.options.planes == planes


@pytest.mark.parametrize("bits", [2, 3])
def test_more_levels_stay_float_and_are_no_mark(bits):
    layer = quant_conv(random_kernel(), kernel_quantizer=quantizer("DoReFa", k_bit=bits, mode="weights"))
    graph = lowered(layer)
    assert not graph.layers[1].marked
    run_passes(graph)
    assert graph.nodes[-1].inputs[1].type.dtype is DType.FLOAT32


def test_an_unknown_function_is_named_with_the_mend():
    with pytest.raises(ConversionError, match=r"'conv'.*'my_quantizer'.*kernel_quantizer\(\"my_quantizer\"\)"):
        lowered(quant_conv(random_kernel(), kernel_quantizer=function("my_quantizer")))


def test_an_unknown_mode_of_dorefa_is_named():
    with pytest.raises(ConversionError, match=r"'conv'.*'gradients'"):
        lowered(quant_conv(random_kernel(), kernel_quantizer=quantizer("DoReFa", mode="gradients")))
