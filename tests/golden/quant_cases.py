"""Golden cases of the quantized layers in one and three dimensions, transposed, separable and scaled, and of the
quantizers that are no plain sign. Larq's layers of the same names are in ``record_larq.py``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from keras import layers as kl

from tests.golden.case import Case, sequential
from xlite import layers as xl
from xlite import quantizers

BOTH = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}
SEPARABLE = {
    "input_quantizer": "ste_sign",
    "depthwise_quantizer": "ste_sign",
    "intermediate_quantizer": "ste_sign",
    "pointwise_quantizer": "ste_sign",
}


def _case(name: str, shape: tuple[int, ...], kind: Any, *args: Any, **options: Any) -> Case:
    return Case("quant_layers", name, lambda: sequential(shape, kind(*args, **options)))


def quant_layers() -> Iterator[Case]:
    for name, options in (
        ("valid", {}),
        ("same+1", {"padding": "same", "pad_values": 1.0, "strides": 2}),
        ("causal-1", {"padding": "causal", "pad_values": -1.0, "dilation_rate": 2}),
        ("groups", {"padding": "same", "groups": 2, "activation": "relu"}),
    ):
        yield _case(f"conv_1d/{name}", (9, 34), xl.QuantConv1D, 6, 3, **BOTH, **options)
    for name, options in (("valid", {}), ("same-1", {"padding": "same", "pad_values": -1.0, "strides": 2})):
        yield _case(f"conv_3d/{name}", (4, 3, 5, 5), xl.QuantConv3D, 3, 2, **BOTH, **options)
    for padding in ("valid", "same"):
        options = {**BOTH, "padding": padding, "strides": 2}
        yield _case(f"conv_2d_transpose/{padding}", (3, 4, 5), xl.QuantConv2DTranspose, 3, 3, **options)
    yield _case("conv_3d_transpose", (2, 3, 2, 5), xl.QuantConv3DTranspose, 3, 2, strides=2, **BOTH)
    yield _case("separable_1d", (9, 5), xl.QuantSeparableConv1D, 3, 3, depth_multiplier=2, **SEPARABLE)
    options = {**SEPARABLE, "padding": "same", "pad_values": 1.0}
    yield _case("separable_2d", (6, 7, 5), xl.QuantSeparableConv2D, 3, 3, **options)
    for padding in ("valid", "same"):
        options = {"padding": padding, "strides": 2, "scale_inputs": True, "activation": "relu"}
        yield _case(f"scaled/{padding}", (7, 8, 5), xl.ScaledBinaryConv2D, 4, 3, **options)


def quantizer_pairs() -> Iterator[Case]:
    for of_input, of_kernel in (
        ("swish_sign", "xnor_weight_scale"),
        ("annealed_sign", "annealed_sign"),
        ("ste_heaviside", quantizers.SteTern(0.3)),
        ("dorefa", quantizers.SteTern(ternary_weight_networks=True)),
        ("ste_sign", quantizers.MagnitudeAwareSign(0.5, differentiate_alpha=True)),
        ("no_op", "swish_sign"),
    ):
        name = f"{of_input}, {of_kernel if isinstance(of_kernel, str) else repr(of_kernel).partition('(')[0]}"
        kinds = {"input_quantizer": of_input, "kernel_quantizer": of_kernel, "use_bias": False}

        def build(kinds=kinds):
            conv = xl.QuantConv2D(8, 3, padding="same", **kinds)
            return sequential((6, 5, 9), conv, kl.BatchNormalization(), kl.Flatten(), xl.QuantDense(4, **kinds))

        yield Case("quantizers", name, build)


FAMILIES = (quant_layers, quantizer_pairs)
