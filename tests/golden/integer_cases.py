"""Golden cases of integer inputs, of int8 weights, and of both: Keras is given the same integers as floats. Those
with a sign at the end are compared bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from keras import layers as kl

from tests.golden.case import Case, sequential, sign
from xlite import layers as xl
from xlite import quantizers

FAMILY = "integers"

RESCALINGS = {
    "raw": [],
    "unit": [{"scale": 1 / 255}],
    "halves": [{"scale": 1 / 127.5, "offset": -1.0}],
    "centred": [{"scale": 1 / 128, "offset": -1.0}],
}


def _layers() -> dict[str, Any]:
    """First layers on images of 9x8x3, by name."""
    return {
        "same": lambda q: xl.QuantConv2D(37, 3, padding="same", kernel_quantizer=q, use_bias=False),
        "strided": lambda q: xl.QuantConv2D(20, (5, 2), strides=2, padding="same", kernel_quantizer=q),
        "valid": lambda q: xl.QuantConv2D(33, 3, dilation_rate=2, kernel_quantizer=q),
        "groups": lambda q: xl.QuantConv2D(6, 3, padding="same", groups=3, kernel_quantizer=q),
        "depthwise": lambda q: xl.QuantDepthwiseConv2D(3, padding="same", depthwise_quantizer=q),
        "dense": lambda q: xl.QuantDense(21, kernel_quantizer=q),
    }


def integers() -> Iterator[Case]:
    kernels = ("ste_sign", "magnitude_aware_sign", "ste_tern", "int8")
    for i, rescaling in enumerate(RESCALINGS):
        for j, layer in enumerate(_layers()):
            kernel = kernels[(i + j) % len(kernels)]

            def build(rescaling=rescaling, layer=layer, kernel=kernel):
                first = [kl.Rescaling(**options) for options in RESCALINGS[rescaling]]
                return sequential((9, 8, 3), *first, _layers()[layer](kernel), kl.BatchNormalization(), sign())

            yield Case(FAMILY, f"bytes/{rescaling}/{layer}/{kernel}", build)
    yield Case(FAMILY, "bytes/pooled", _pooled)
    yield Case(FAMILY, "bytes/float_filter", _float_filter)
    yield Case(FAMILY, "bytes/to_scores", _to_scores)
    yield Case(FAMILY, "floats/int8_input", lambda: _fake(quantizers.Int8Input(-1.5, 2.0)))
    yield Case(FAMILY, "floats/int8_range", lambda: _fake(None, xl.Int8Range(0.0, 1.0)))
    yield Case(FAMILY, "floats/int8_kernel", lambda: sequential((40,), xl.QuantDense(9, kernel_quantizer="int8")))


def _pooled() -> Any:
    """What moves and compares stands between the bytes and the layer that sums them."""
    stack = (kl.MaxPooling2D(2), kl.ZeroPadding2D(1), xl.QuantConv2D(8, 3, kernel_quantizer="ste_sign"))
    return sequential((9, 8, 3), kl.Rescaling(1 / 127.5, offset=-1.0), *stack, kl.BatchNormalization(), sign())


def _float_filter() -> Any:
    return sequential((9, 8, 3), kl.Rescaling(1 / 255), kl.Conv2D(8, 3, padding="same"), sign())


def _to_scores() -> Any:
    first = xl.QuantConv2D(32, 3, padding="same", kernel_quantizer="ste_sign", use_bias=False)
    last = xl.QuantDense(10, input_quantizer="ste_sign", kernel_quantizer="int8")
    return sequential((9, 8, 3), kl.Rescaling(1 / 255), first, kl.BatchNormalization(), kl.Flatten(), last)


def _fake(quantizer: Any, *before: Any) -> Any:
    layer = xl.QuantConv2D(12, 3, padding="same", input_quantizer=quantizer, kernel_quantizer="int8")
    return sequential((7, 6, 5), *before, layer, kl.BatchNormalization(), sign())


FAMILIES = (integers,)
