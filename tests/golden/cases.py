"""The grid of small Keras models that golden parity is held on: every supported layer and option.

Each case is a function that builds an uncompiled Keras model; ``record.py`` gives it seeded weights, runs
TensorFlow and stores the saved .h5, inputs and outputs. A case whose last layer is a sign also stores what the
sign was taken of, so that bits next to a zero can be told from wrong bits.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras import layers as kl

from tests.golden import integer_cases, layer_cases, quant_cases
from tests.golden.case import Case, sequential, sign
from xlite import layers as xl


def activations() -> dict[str, Callable[[], Any]]:
    """Every activation as a layer, by name."""
    return {
        "none": lambda: kl.Dropout(0.5),
        "relu": lambda: kl.ReLU(),
        "relu6": lambda: kl.Activation("relu6"),
        "relu_general": lambda: kl.ReLU(max_value=3.0, negative_slope=0.25, threshold=0.5),
        "leaky_relu": lambda: kl.LeakyReLU(negative_slope=0.1),
        "prelu": lambda: kl.PReLU(shared_axes=[1, 2]),
        "sigmoid": lambda: kl.Activation("sigmoid"),
        "tanh": lambda: kl.Activation("tanh"),
    }


PADDINGS = {
    "valid": {"padding": "valid"},
    "same": {"padding": "same"},
    "same+1": {"padding": "same", "pad_values": 1.0},
    "same-1": {"padding": "same", "pad_values": -1.0},
}
STEPS = {"plain": {}, "stride2": {"strides": 2}, "dilate2": {"dilation_rate": 2}}
KERNELS = ("ste_sign", "magnitude_aware_sign", "approx_sign")


def quant_conv() -> Iterator[Case]:
    """Accumulators: one quantized convolution, floats out."""
    channels = ((3, 5), (32, 32), (40, 33))
    windows = (3, (2, 3), 1, 5)
    for i, (pad, step, (inputs, filters)) in enumerate(itertools.product(PADDINGS, STEPS, channels)):
        options = {**PADDINGS[pad], **STEPS[step], "use_bias": i % 2 == 1, "kernel_quantizer": KERNELS[i % 3]}
        if i % 5 == 4:
            options["activation"] = "relu"
        window = windows[i % len(windows)] if step != "dilate2" else 3

        def build(inputs=inputs, filters=filters, window=window, options=options):
            layer = xl.QuantConv2D(filters, window, input_quantizer="ste_sign", **options)
            return sequential((7, 6, inputs), layer)

        yield Case("quant_conv", f"{pad}/{step}/{inputs}to{filters}", build)
    for groups, inputs, filters in ((2, 6, 8), (4, 64, 12), (8, 8, 8)):

        def build(groups=groups, inputs=inputs, filters=filters):
            layer = xl.QuantConv2D(
                filters, 3, padding="same", groups=groups, input_quantizer="ste_sign", kernel_quantizer="ste_sign"
            )
            return sequential((6, 7, inputs), layer)

        yield Case("quant_conv", f"groups{groups}/{inputs}to{filters}", build)
    yield Case("quant_conv", "no_input_quantizer", lambda: sequential((6, 6, 5), _weights_only(7)))
    yield Case("quant_conv", "no_kernel_quantizer", lambda: sequential((6, 6, 5), _input_only(7)))


def _weights_only(filters: int) -> Any:
    return xl.QuantConv2D(filters, 3, padding="same", kernel_quantizer="magnitude_aware_sign")


def _input_only(filters: int) -> Any:
    return xl.QuantConv2D(filters, 3, padding="same", input_quantizer="ste_sign")


def quant_depthwise() -> Iterator[Case]:
    for i, (pad, step, channels) in enumerate(itertools.product(PADDINGS, STEPS, (5, 33))):
        options = {**PADDINGS[pad], **STEPS[step], "use_bias": i % 2 == 0, "depth_multiplier": 1 + i % 3}

        def build(channels=channels, options=options, quantizer=KERNELS[i % 3]):
            layer = xl.QuantDepthwiseConv2D(
                3, input_quantizer="ste_sign", depthwise_quantizer=quantizer, **options
            )
            return sequential((7, 6, channels), layer)

        yield Case("quant_depthwise", f"{pad}/{step}/{channels}", build)

    def bits():
        layer = xl.QuantDepthwiseConv2D(
            3, padding="same", input_quantizer="ste_sign", depthwise_quantizer="ste_sign"
        )
        return sequential((7, 6, 40), layer, kl.BatchNormalization(), sign())

    yield Case("quant_depthwise", "bits", bits)


def quant_dense() -> Iterator[Case]:
    for i, (inputs, units) in enumerate(((7, 5), (32, 32), (70, 33), (1, 4))):
        for bias in (False, True):

            def build(inputs=inputs, units=units, bias=bias, quantizer=KERNELS[i % 3]):
                layer = xl.QuantDense(units, use_bias=bias, input_quantizer="ste_sign", kernel_quantizer=quantizer)
                return sequential((inputs,), layer)

            yield Case("quant_dense", f"{inputs}to{units}/{'bias' if bias else 'no_bias'}", build)

    def stack():
        quantizers = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}
        return sequential(
            (4, 4, 10),
            xl.QuantConv2D(12, 3, padding="same", use_bias=False, **quantizers),
            kl.MaxPooling2D(2),
            kl.BatchNormalization(),
            kl.Flatten(),
            xl.QuantDense(20, use_bias=False, **quantizers),
            kl.BatchNormalization(),
            xl.QuantDense(6, **quantizers),
            kl.Softmax(),
        )

    yield Case("quant_dense", "flatten_of_odd_channels", stack)
    any_rank = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}
    yield Case("quant_dense", "rank4", lambda: sequential((3, 2, 9), xl.QuantDense(5, **any_rank)))


def thresholds() -> Iterator[Case]:
    """Bits: a packed convolution, an activation before or after the batch norm, and a sign."""
    for i, (name, where, gamma) in enumerate(
        itertools.product(activations(), ("before", "after"), ("positive", "negative", "zero"))
    ):
        options = {"use_bias": i % 2 == 0, "kernel_quantizer": KERNELS[i % 3], **PADDINGS[list(PADDINGS)[i % 4]]}

        def build(name=name, where=where, options=options):
            conv = xl.QuantConv2D(20, 3, input_quantizer="ste_sign", **options)
            norm, act = kl.BatchNormalization(), activations()[name]()
            return sequential((6, 6, 40), conv, *((act, norm) if where == "before" else (norm, act)), sign())

        yield Case("thresholds", f"{name}/{where}/{gamma}", build, gamma)
    for pool, gamma in itertools.product(("before", "after"), ("positive", "mixed")):

        def build(pool=pool):
            conv = xl.QuantConv2D(
                36, 3, padding="same", use_bias=False, input_quantizer="ste_sign", kernel_quantizer="ste_sign"
            )
            norm, pooled = kl.BatchNormalization(), kl.MaxPooling2D(3, 2, padding="same")
            return sequential((8, 7, 33), conv, *((pooled, norm) if pool == "before" else (norm, pooled)), sign())

        yield Case("thresholds", f"pool/{pool}/{gamma}", build, gamma)
    options = {"kernel_quantizer": "ste_sign", "input_quantizer": "ste_sign", "activation": "relu"}
    yield Case(
        "thresholds",
        "fused_activation",
        lambda: sequential((6, 6, 9), xl.QuantConv2D(8, 3, **options), kl.BatchNormalization(), sign()),
    )
    yield Case(
        "thresholds",
        "no_scale_no_center",
        lambda: sequential(
            (6, 6, 9), xl.QuantConv2D(8, 3, **options), kl.BatchNormalization(scale=False, center=False), sign()
        ),
    )
    yield Case("thresholds", "prelu/falling", lambda: _prelu_model(), "mixed")


def _prelu_model() -> Any:
    conv = xl.QuantConv2D(8, 3, input_quantizer="ste_sign", kernel_quantizer="ste_sign")
    return sequential(
        (6, 6, 9), conv, kl.PReLU(shared_axes=[1, 2], name="falling"), kl.BatchNormalization(), sign()
    )


def plain() -> Iterator[Case]:
    """Float layers."""

    def case(name: str, shape: tuple[int, ...], *make: Callable[[], Any]) -> Case:
        return Case("plain", name, lambda: sequential(shape, *(layer() for layer in make)))

    for i, (padding, step) in enumerate(itertools.product(("valid", "same"), STEPS)):
        options = {"padding": padding, **STEPS[step], "use_bias": i % 2 == 0}
        yield case(f"conv/{padding}/{step}", (7, 6, 3), lambda o=options: kl.Conv2D(5, 3, **o))
        yield case(
            f"depthwise/{padding}/{step}",
            (7, 6, 3),
            lambda o=options, m=1 + i % 2: kl.DepthwiseConv2D(3, depth_multiplier=m, **o),
        )
    yield case("conv/groups", (6, 6, 8), lambda: kl.Conv2D(4, 3, groups=2, activation="relu"))
    yield case("conv/1x1/tanh", (5, 5, 7), lambda: kl.Conv2D(4, 1, activation="tanh"))
    yield case("dense/softmax", (12,), lambda: kl.Dense(5, activation="softmax"))
    yield case("dense/no_bias/sigmoid", (12,), lambda: kl.Dense(5, use_bias=False, activation="sigmoid"))
    yield case("dense/rank3", (3, 12), lambda: kl.Dense(5))
    yield case("batch_norm", (4, 4, 6), kl.BatchNormalization)
    yield case("batch_norm/plain", (4, 4, 6), lambda: kl.BatchNormalization(center=False, scale=False))
    for name, make in activations().items():
        yield case(f"activation/{name}", (4, 4, 6), make)
    yield case("activation/prelu/full", (4, 4, 6), lambda: kl.PReLU())
    yield case("activation/softmax", (4, 6), kl.Softmax)
    for pool, layer in (("max", kl.MaxPooling2D), ("average", kl.AveragePooling2D)):
        for padding, stride in itertools.product(("valid", "same"), (1, 2, 3)):
            make = lambda layer=layer, p=padding, s=stride: layer((3, 2), s, padding=p)  # noqa: E731
            yield case(f"pool/{pool}/{padding}/{stride}", (8, 7, 5), make)
    yield case("pool/global_max", (5, 4, 6), kl.GlobalMaxPooling2D)
    yield case("pool/global_average", (5, 4, 6), kl.GlobalAveragePooling2D)
    yield case("pool/global_average/keepdims", (5, 4, 6), lambda: kl.GlobalAveragePooling2D(keepdims=True))
    yield case("flatten", (3, 4, 5), kl.Flatten)
    yield case("reshape", (3, 4, 5), lambda: kl.Reshape((6, -1)))
    yield case("zero_padding", (3, 4, 5), lambda: kl.ZeroPadding2D(((1, 2), (0, 3))))
    yield case("train_only", (3, 4, 5), lambda: kl.GaussianNoise(0.5), lambda: kl.SpatialDropout2D(0.5))


def merged() -> Iterator[Case]:
    """Several paths: residual adds, concatenation of bits, shared signs, several outputs."""
    quantizers = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign", "use_bias": False}

    def residual():
        inputs = x = keras.Input((6, 6, 33))
        for _ in range(3):
            y = xl.QuantConv2D(33, 3, padding="same", **quantizers)(x)
            x = kl.Add()([x, kl.BatchNormalization()(y)])
        return keras.Model(inputs, kl.Dense(4)(kl.GlobalAveragePooling2D()(x)))

    def densely():
        inputs = x = keras.Input((6, 6, 20))
        for _ in range(3):
            y = kl.BatchNormalization()(x)
            y = xl.QuantConv2D(12, 3, padding="same", **quantizers)(y)
            x = kl.Concatenate()([x, y])
        return keras.Model(inputs, x)

    def bit_concatenation():
        inputs = keras.Input((5, 5, 20))
        a = kl.BatchNormalization()(xl.QuantConv2D(7, 3, **quantizers)(inputs))
        b = kl.BatchNormalization()(xl.QuantConv2D(40, 3, **quantizers)(inputs))
        joined = kl.Concatenate()([a, b])
        return keras.Model(inputs, xl.QuantConv2D(9, 3, padding="same", pad_values=1.0, **quantizers)(joined))

    def two_outputs():
        inputs = keras.Input((6, 6, 9))
        x = kl.BatchNormalization()(xl.QuantConv2D(8, 3, **quantizers)(inputs))
        return keras.Model(inputs, [x, xl.QuantConv2D(5, 3, **quantizers)(x)])

    def two_inputs():
        a, b = keras.Input((4, 4, 3)), keras.Input((4, 4, 3))
        return keras.Model([a, b], xl.QuantConv2D(5, 3, **quantizers)(kl.Add()([a, b])))

    def padded():
        inputs = keras.Input((5, 5, 8))
        x = kl.ZeroPadding2D(1)(inputs)
        return keras.Model(inputs, xl.QuantConv2D(6, 3, **quantizers)(x))

    for build in (residual, densely, bit_concatenation, two_outputs, two_inputs, padded):
        yield Case("merged", build.__name__, build)


def callback_trained() -> Iterator[Case]:
    """Ordinary layers whose kernels hold alpha * sign(W), as BinarizeWeights leaves them."""
    for name, make in (
        ("conv", lambda: kl.Conv2D(7, 3, padding="same", name="binarized")),
        ("dense", lambda: kl.Dense(7, name="binarized")),
        ("depthwise", lambda: kl.DepthwiseConv2D(3, name="binarized")),
    ):
        yield Case("callback", name, lambda make=make: sequential((6, 6, 9), make(), kl.ReLU()))


def all_cases() -> list[Case]:
    families = (quant_conv, quant_depthwise, quant_dense, thresholds, plain, merged, callback_trained)
    return [
        case
        for family in (*families, *layer_cases.FAMILIES, *quant_cases.FAMILIES, *integer_cases.FAMILIES)
        for case in family()
    ]
