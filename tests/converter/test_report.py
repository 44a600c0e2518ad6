"""The report's figures of size."""

from __future__ import annotations

import numpy as np
import pytest

from tests.converter.larq.building import lowered, model_of, quant_conv, quantizer
from xlite.cli import ui
from xlite.cli.report import renderables
from xlite.converter.emit import emit
from xlite.converter.frontend.model import Call, KerasLayer, Ref
from xlite.converter.lowering import lower
from xlite.converter.passes import run_passes
from xlite.converter.report import build_report, information_bytes
from xlite.schema.types import Metadata
from xlite.schema.writer import write_model

WEIGHTS = 3 * 3 * 40 * 64


def report_of(**config):
    return report_on(quant_conv(normal(3, 3, 40, 64), **config), shape=(8, 8, 40))


def report_on(*layers, shape=(4, 4, 8)):
    graph = lowered(*layers, shape=shape)
    run_passes(graph)
    model = emit(graph, Metadata())
    return build_report(graph, model, len(write_model(model)), "model.h5")


def row_on(*layers, shape=(4, 4, 8)):
    return report_on(*layers, shape=shape).layers[-1]


def conv_row(**config):
    """The row of a convolution from 8 to 16 channels."""
    return row_on(quant_conv(normal(3, 3, 8, 16), **config))


def normal(*shape):
    return np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, 4 * WEIGHTS),
        ({"kernel_quantizer": "ste_sign"}, WEIGHTS // 8),
        ({"kernel_quantizer": "ste_sign", "input_quantizer": "ste_sign"}, WEIGHTS // 8),
        ({"kernel_quantizer": "magnitude_aware_sign"}, WEIGHTS // 8 + 4 * 64),
        ({"kernel_quantizer": "ste_tern"}, WEIGHTS // 4),
        # Planes need a bias: the sum of a filter's signs.
        ({"kernel_quantizer": "ste_sign", "input_quantizer": "dorefa_quantizer"}, WEIGHTS // 8 + 2 * 4 * 64),
    ],
)
def test_information_is_bits_of_weights_and_floats_of_the_rest(config, expected):
    """The window of 360 bits takes 12 words of 32, one sixteenth more; the bound does not."""
    report = report_of(**config)
    assert report.information_bytes == expected
    assert report.information_bytes < report.file_bytes < 1.2 * report.information_bytes + 2000


def test_a_shared_constant_counts_once():
    kernel = np.ones((1, 1, 8, 8), np.float32)
    graph = lowered(quant_conv(kernel))
    before = information_bytes(graph)
    (node,) = graph.nodes
    graph.outputs = [graph.add(node.kind, [node.output, *node.inputs[1:]], node.options, layers=("again",))]
    assert information_bytes(graph) == before


SIGNS = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}


@pytest.mark.parametrize(
    ("config", "precision", "status"),
    [
        ({}, "f32xf32 -> f32", "float"),
        (SIGNS, "bitxbit -> f32", "packed"),
        ({"kernel_quantizer": "ste_sign"}, "f32xbit -> f32", "weights packed"),
        ({"kernel_quantizer": "ste_tern"}, "f32xtern -> f32", "weights packed"),
        ({**SIGNS, "kernel_quantizer": "ste_tern"}, "bitxtern -> f32", "packed"),
        ({**SIGNS, "kernel_quantizer": "ste_heaviside"}, "bitxtern -> f32", "packed"),
        ({**SIGNS, "input_quantizer": quantizer("DoReFa", k_bit=3)}, "3bitxbit -> f32", "packed"),
        ({**SIGNS, "input_quantizer": "ste_heaviside"}, "bitxbit -> f32", "packed"),
        ({"input_quantizer": "ste_sign"}, "f32xf32 -> f32", "float"),
    ],
)
def test_precision_is_that_of_the_file(config, precision, status):
    row = conv_row(**config)
    assert (row.precision, row.status) == (precision, status)


def test_ternary_weights_take_two_bits_and_have_macs_of_their_own():
    binary, ternary = (report_of(**{**SIGNS, "kernel_quantizer": f"ste_{kind}"}) for kind in ("sign", "tern"))
    assert ternary.layers[-1].bytes_after == 2 * binary.layers[-1].bytes_after
    assert ternary.macs == {"bitxtern": binary.macs["bitxbit"]}


@pytest.mark.parametrize(
    ("config", "reason", "mend"),
    [
        ({}, "more than three levels", "give the layer a kernel_quantizer, or train it with"),
        (
            {"kernel_quantizer": quantizer("DoReFa", k_bit=2, mode="weights")},
            "takes 4 levels",
            "use a kernel_quantizer",
        ),
        (
            {"kernel_quantizer": quantizer("DoReFa", k_bit=3, mode="weights")},
            "takes 8 levels",
            "use a kernel_quantizer",
        ),
        (
            {"kernel_quantizer": quantizer("DoReFa", k_bit=8, mode="weights")},
            "more than three levels",
            "use a kernel_quantizer",
        ),
        (
            {"kernel_quantizer": "ste_sign", "input_quantizer": quantizer("SteTern", threshold_value=0.3)},
            "what its input_quantizer 'SteTern' gives has no packed form",
            "use input_quantizer='ste_sign'",
        ),
        (
            {"kernel_quantizer": "ste_sign", "input_quantizer": quantizer("DoReFa", k_bit=9)},
            "what its input_quantizer 'DoReFa' gives has no packed form",
            "use input_quantizer='ste_sign'",
        ),
        (
            {"kernel_quantizer": "ste_sign", "input_quantizer": quantizer("NoOp", precision=1)},
            "its input is not binary",
            "give the layer an input_quantizer",
        ),
    ],
)
def test_what_does_not_pack_says_why_and_what_helps(config, reason, mend):
    row = conv_row(**config)
    assert reason in row.reason
    assert mend in row.mend
    assert not row.broken_mark


@pytest.mark.parametrize(
    ("kernel", "reason"),
    [
        (np.where(normal(3, 3, 8, 16) < 0, 0.5, 1.5), "2 levels a filter that are not +a and -a"),
        (np.sign(normal(3, 3, 8, 16)) * (np.arange(8) % 2 + 1).reshape(8, 1), "4 levels a filter"),
        (np.sign(normal(1, 1, 1, 3)), "would not make it smaller"),
    ],
)
def test_kernels_are_counted(kernel, reason):
    shape = (4, 4, kernel.shape[2])
    row = row_on(quant_conv(kernel.astype(np.float32)), shape=shape)
    assert row.status == "float"
    assert reason in row.reason


def separable(**quantizers):
    config = {"filters": 6, "kernel_size": 3, "use_bias": False, **quantizers}
    weights = [normal(3, 3, 40, 1), normal(1, 1, 40, 6)]
    return KerasLayer("sep", "QuantSeparableConv2D", "Larq>QuantSeparableConv2D", config, weights=weights)


SEPARABLE = {"input_quantizer": "ste_sign", "depthwise_quantizer": "ste_sign", "pointwise_quantizer": "ste_sign"}


def test_both_halves_of_a_separable_layer_have_their_row():
    row = row_on(separable(**SEPARABLE), shape=(8, 8, 40))
    assert row.precision == "bitxbit -> f32 + f32xbit -> f32"
    assert row.status == "weights packed"  # that of the half which is packed least
    assert row.reason == "pointwise_kernel: its input is not binary"
    assert "intermediate_quantizer" in row.mend
    first, second = row.parts
    assert (first.op, first.status, first.reason) == ("depthwise_conv_2d", "packed", "")
    assert (second.op, second.status) == ("conv_2d", "weights packed")
    assert first.bytes_after == 3 * 3 * 8  # two words a pixel
    assert second.bytes_after == 6 * 8
    assert (row.bytes_after, row.parameters) == (first.bytes_after + second.bytes_after, 9 * 40 + 40 * 6)
    whole = row_on(separable(**SEPARABLE, intermediate_quantizer="ste_sign"), shape=(8, 8, 40))
    assert (whole.status, {part.status for part in whole.parts}) == ("packed", {"packed"})


def test_the_marks_of_a_half_are_its_own():
    """A float pointwise kernel breaks no promise of the depthwise half, and the other way round."""
    half = dict.fromkeys(("input_quantizer", "depthwise_quantizer"), "ste_sign")
    row = row_on(separable(**half), shape=(8, 8, 40))
    assert [(part.status, part.broken_mark) for part in row.parts] == [("packed", False), ("float", False)]
    row = row_on(separable(**half, intermediate_quantizer="ste_sign"), shape=(8, 8, 40))
    assert [part.broken_mark for part in row.parts] == [False, True]
    assert row.broken_mark
    assert "marked binary by intermediate_quantizer=ste_sign" in row.reason


def test_rows_of_layers_without_kernels():
    config = {"input_dim": 5, "output_dim": 4}
    embedding = KerasLayer("table", "Embedding", "Embedding", config, weights=[normal(5, 4)])
    row = row_on(embedding, shape=(3,))
    assert (row.precision, row.status, row.bytes_after) == ("f32 -> f32", "float", 80)
    assert "looked up" in row.reason
    norm = KerasLayer(
        "norm", "BatchNormalization", "BatchNormalization", {"axis": [3]}, weights=[np.abs(normal(8)) + 1] * 4
    )
    row = row_on(norm)
    assert (row.precision, row.status) == ("f32 -> f32", "float")
    assert "cannot take over" in row.reason
    planes = KerasLayer("q", "Activation", "Activation", {"activation": quantizer("DoReFa", k_bit=2)})
    pool = KerasLayer("pool", "MaxPooling2D", "MaxPooling2D", {"pool_size": [2, 2]})
    assert row_on(planes).precision == "f32 -> f32"  # nothing reads the planes
    sign = KerasLayer("s", "Activation", "Activation", {"activation": "ste_sign"})
    report = report_on(sign, pool, quant_conv(normal(2, 2, 8, 4), kernel_quantizer="ste_sign"))
    assert [row.precision for row in report.layers[1:]] == ["f32 -> bit", "bit -> bit", "bitxbit -> f32"]
    assert [row.status for row in report.layers[1:]] == ["-", "-", "packed"]


def test_an_unrolled_recurrence_is_one_short_row():
    config = {"units": 4, "use_bias": True, "activation": "tanh", "recurrent_activation": "sigmoid"}
    weights = [normal(8, 16), normal(4, 16), normal(16)]
    row = row_on(KerasLayer("rnn", "LSTM", "LSTM", config, weights=weights), shape=(6, 8))
    assert row.ops[0] == "dense x6"
    assert len(row.ops) == len(set(row.ops)) < 8
    assert [part.name for part in row.parts] == ["kernel", "recurrent_kernel"]
    assert row.bytes_after == row.bytes_before == 4 * sum(w.size for w in weights)
    assert (row.status, row.precision) == ("float", "f32xf32 -> f32")


def test_a_layer_that_is_called_twice_counts_its_bits_once():
    conv = quant_conv(normal(3, 3, 8, 8), padding="same", **SIGNS)
    once = row_on(conv)
    conv.calls = [Call([Ref("x")]), Call([Ref("conv")])]
    model = model_of(conv)
    model.order.append(("conv", 1))
    model.outputs = [Ref("conv", 1)]
    graph = lower(model)
    run_passes(graph)
    emitted = emit(graph, Metadata())
    twice = build_report(graph, emitted, len(write_model(emitted)), "model.h5")
    thresholds = 4 * 8  # the first call gives bits
    assert twice.layers[-1].bytes_after == once.bytes_after + thresholds == twice.constant_bytes
    assert twice.layers[-1].ops == ["sign", "conv_2d x2"]  # the first call gives bits


def test_an_op_that_reads_no_planes_says_so():
    """A transposed convolution behind k-bit activations packs its weights alone."""
    kernel = np.random.default_rng(0).normal(0, 1, (3, 3, 4, 8)).astype(np.float32)
    config = {"filters": 4, "kernel_size": 3, "use_bias": False, "input_quantizer": "dorefa_quantizer"}
    config["kernel_quantizer"] = "ste_sign"
    layer = KerasLayer("up", "QuantConv2DTranspose", "Larq>QuantConv2DTranspose", config, weights=[kernel])
    graph = lowered(layer)
    run_passes(graph)
    model = emit(graph, Metadata())
    row = build_report(graph, model, len(write_model(model)), "model.h5").layers[-1]
    assert row.status == "weights packed"
    assert row.broken_mark
    assert "no bit planes" in row.mend


def test_the_screen_has_a_row_for_each_half(capsys):
    report = report_on(separable(**SEPARABLE), shape=(8, 8, 40))
    ui.show(renderables(report, None))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    rows = {line[0]: line[1:] for line in lines if line}
    assert rows["kernel"][0] == "depthwise_conv_2d"
    assert rows["kernel"][-2:] == ["packed", "72"]
    assert rows["pointwise_kernel"][-3:] == ["weights", "packed", "48"]
