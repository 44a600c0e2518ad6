"""The report's figures of size."""

from __future__ import annotations

import numpy as np
import pytest

from tests.converter.larq.building import lowered, quant_conv
from xlite.converter.emit import emit
from xlite.converter.frontend.model import KerasLayer
from xlite.converter.passes import run_passes
from xlite.converter.report import build_report, information_bytes
from xlite.schema.types import Metadata
from xlite.schema.writer import write_model

WEIGHTS = 3 * 3 * 40 * 64


def report_of(**config):
    kernel = np.random.default_rng(0).normal(0, 1, (3, 3, 40, 64)).astype(np.float32)
    graph = lowered(quant_conv(kernel, **config), shape=(8, 8, 40))
    run_passes(graph)
    model = emit(graph, Metadata())
    return build_report(graph, model, len(write_model(model)), "model.h5")


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
