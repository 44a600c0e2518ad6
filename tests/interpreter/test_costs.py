"""Estimates: the work of an op, what it costs, and that choosing by it keeps what the user prefers."""

from __future__ import annotations

import pytest

from tests.interpreter.networks import BIT, SAME_3, U8, Builder, residual_network
from xlite.interpreter import TARGETS, Buffers, Interpreter, Kernel, costs
from xlite.interpreter.cost_figures import FIGURES
from xlite.interpreter.kernels.base import OpSpec
from xlite.schema.types import ActivationKind, Conv2DOptions, OpKind

KNOWN = costs.Figures(
    "instructions",
    "a test",
    {"c": {"conv_2d bitxbit": (0.25, 100.0, 0.0), "sign f32": (0.0, 9.0, 500.0), "add f32": (0.0, 6.0, 0.0)}},
)


def specs_of(model):
    program = Interpreter(model, backend="numpy")._open()
    return program.specs


def one(build) -> OpSpec:
    b = Builder()
    return specs_of(b.model([build(b)]))[-1]


def kernel(name="xl_x", backend="c", kind=OpKind.CONV_2D) -> Kernel:
    def prepare(spec: OpSpec, buffers: Buffers):
        return lambda: None

    return Kernel(name, backend, kind, prepare)


def bit_conv(channels=32):
    return one(lambda b: b.conv(b.input((8, 8, channels), BIT), 16, out=BIT, pad_value=1, **SAME_3))


def test_work_of_a_filter_is_its_multiply_accumulates():
    done = costs.work(bit_conv())
    assert done == costs.Work("conv_2d bitxbit", 8 * 8 * 16 * 9 * 32, 8 * 8 * 16, 16 * 9 * 32)


def test_work_without_a_filter_is_the_larger_of_what_it_reads_and_writes():
    assert costs.work(one(lambda b: b.op(OpKind.SIGN, (b.input((4, 5, 6)),)))) == costs.Work("sign f32", 0, 120)


def test_activations_are_told_apart():
    keys = {
        costs.work(one(lambda b, kind=kind: b.activation(b.input((3,)), kind))).key
        for kind in (ActivationKind.RELU, ActivationKind.SIGMOID)
    }
    assert keys == {"activation.relu f32", "activation.sigmoid f32"}


def test_an_estimate_is_work_times_its_costs():
    spec = bit_conv()
    done = costs.work(spec)
    assert costs.estimate(spec, kernel(), KNOWN) == 0.25 * done.macs + 100 * done.elements
    sign = one(lambda b: b.op(OpKind.SIGN, (b.input((10,)),)))
    assert costs.estimate(sign, kernel(kind=OpKind.SIGN), KNOWN) == 9 * 10 + 500


def test_an_op_that_was_not_measured_costs_what_one_like_it_does():
    dense = one(lambda b: b.dense(b.input((64,), BIT), 8, out=BIT))
    assert costs.estimate(dense, kernel(), KNOWN) == 0.25 * 64 * 8 + 100 * 8
    multiply = one(lambda b: b.op(OpKind.MULTIPLY, (b.input((10,)), b.input((10,)))))
    assert costs.estimate(multiply, kernel(), KNOWN) == 90 + 500  # the middle one of two: the dearer
    assert costs.estimate(dense, kernel(backend="numba"), KNOWN) is None


def test_tiled_kernels_and_look_ups_are_families_of_their_own():
    assert costs.family(kernel("xl_lookup_conv2d_b_b_f32")) == "c lookup"
    assert costs.family(kernel("xl_conv2d_b_b_f32")) == "c"
    assert costs.family(kernel("xl_tiled_conv2d_b_b_b")) == "c tiled"
    assert costs.family(kernel("nb_tiled_dense_bit", "numba")) == "numba"


def test_a_look_up_costs_its_own_rates_where_it_was_measured_apart():
    spec = bit_conv()
    done = costs.work(spec)
    look_up = kernel("xl_lookup_conv2d_b_b_b")
    assert costs.estimate(spec, look_up, KNOWN) == costs.estimate(spec, kernel(), KNOWN)
    apart = {**KNOWN.rates, "c lookup": {"conv_2d bitxbit": (0.125, 50.0, 2.0)}}
    known = costs.Figures(KNOWN.unit, KNOWN.source, apart)
    assert costs.estimate(spec, look_up, known) == 0.125 * done.macs + 50 * done.elements + 2 * done.weights
    assert costs.estimate(spec, kernel(), known) == costs.estimate(spec, kernel(), KNOWN)


def test_a_stem_of_bytes_costs_its_own_rates_where_it_was_measured_apart():
    def stem(stride):
        def make(b):
            inputs = (b.input((20, 20, 3), U8), b.bytes(8, 7, 7, 3), b.floats(8), b.floats(8), None)
            return b.op(OpKind.CONV_2D, inputs, Conv2DOptions(stride_h=stride, stride_w=stride))

        return one(make)

    known = costs.Figures(KNOWN.unit, KNOWN.source, {"c": {"conv_2d u8xi8": (1.0, 0.0, 0.0)}})
    for spec in (stem(1), stem(2)):
        assert costs.estimate(spec, kernel(), known) == costs.work(spec).macs
    known.rates["c"]["conv_2d.stem u8xi8"] = (0.5, 0.0, 0.0)
    assert costs.estimate(stem(1), kernel(), known) == costs.work(stem(1)).macs
    assert costs.estimate(stem(2), kernel(), known) == 0.5 * costs.work(stem(2)).macs


def test_arms_of_32_bits_look_up():
    """An ARMv7 where filters are not prepacked for its tiles."""
    families = {isa: set(costs.figures(isa).rates) for isa in FIGURES}
    assert [isa for isa, found in families.items() if costs.LOOKUP in found] == ["armv6+vfp2", "armv7-a+neon"]
    tiled = [isa for isa, found in families.items() if costs.TILED in found]
    assert tiled == ["armv7-a+neon", "armv8-a+neon", "host"]


@pytest.mark.parametrize("isa", sorted(FIGURES))
def test_every_figure_is_a_cost(isa):
    found = costs.figures(isa)
    assert found.unit in ("instructions", "ns")
    assert isa in found.source
    for rates in found.rates.values():
        for rate in rates.values():
            assert len(rate) == 3
            assert min(rate) >= 0 < max(rate)


def test_every_raspberry_pi_was_measured():
    missing = [name for name, target in TARGETS.items() if name.startswith("pi-") and target.isa not in FIGURES]
    assert not missing


@pytest.mark.parametrize("isa", sorted(FIGURES))
def test_bits_are_cheaper_than_floats(isa):
    """The point of it all, and a figure that came from the wrong place would break it."""
    rates = costs.figures(isa).rates["c"]
    assert 4 * rates["conv_2d bitxbit"][0] < rates["conv_2d f32xf32"][0]


def test_ranks_never_put_a_kernel_before_one_that_is_preferred():
    for spec in specs_of(residual_network()):
        names = [kernel("mine", "mine"), kernel("np_x", "numpy"), kernel("xl_tiled_x"), kernel("xl_x")]
        times = costs.rank(names, spec)
        assert times == sorted(times)
        assert len(set(times)) == len(times)
        assert min(times) > 0
