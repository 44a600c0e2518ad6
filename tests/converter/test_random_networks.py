"""Random small networks, built in Keras, converted and run on every backend against Keras's own outputs."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras", reason="the networks are built in Keras")
pytestmark = pytest.mark.keras

from keras import layers as kl  # noqa: E402

import xlite  # noqa: E402
from tests.golden import stored  # noqa: E402
from tests.golden.record import outputs_of, randomize, sixteenths  # noqa: E402
from xlite import layers as xl  # noqa: E402
from xlite.interpreter.backends import available_backends  # noqa: E402

CHANNELS = st.sampled_from([1, 3, 8, 31, 32, 33, 40])
PADDING = st.sampled_from([{"padding": "valid"}, {"padding": "same"}, {"padding": "same", "pad_values": 1.0}])
# Keras adds up +alpha and -alpha with rounding: where they cancel its sum is a tiny number of either sign, and the
# sign of that is noise. A batch norm comes in between, as it does in real networks.
SCALED = "magnitude_aware_sign"
KERNEL = st.sampled_from(["ste_sign", SCALED, "approx_sign"])


def binary_conv(draw, x):
    options = {**draw(PADDING), "strides": draw(st.sampled_from([1, 1, 2])), "use_bias": draw(st.booleans())}
    quantizers = {"input_quantizer": "ste_sign", "kernel_quantizer": draw(KERNEL)}
    x = xl.QuantConv2D(draw(CHANNELS), draw(st.sampled_from([1, 2, 3])), **quantizers, **options)(x)
    return kl.BatchNormalization()(x) if quantizers["kernel_quantizer"] == SCALED else x


def binary_depthwise(draw, x):
    quantizers = {"input_quantizer": "ste_sign", "depthwise_quantizer": draw(KERNEL)}
    x = xl.QuantDepthwiseConv2D(3, **draw(PADDING), depth_multiplier=draw(st.integers(1, 2)), **quantizers)(x)
    return kl.BatchNormalization()(x) if quantizers["depthwise_quantizer"] == SCALED else x


def float_conv(draw, x):
    activation = draw(st.sampled_from([None, "relu", "tanh"]))
    return kl.Conv2D(draw(CHANNELS), 3, padding="same", activation=activation)(x)


def norm(draw, x):
    return kl.BatchNormalization()(x)


def activation(draw, x):
    make = [kl.ReLU, lambda: kl.LeakyReLU(negative_slope=0.2), lambda: kl.PReLU(shared_axes=[1, 2])]
    make += [lambda: kl.Activation("hard_sigmoid"), lambda: kl.Activation("gelu")]
    return draw(st.sampled_from(make))()(x)


def pool(draw, x):
    layer = draw(st.sampled_from([kl.MaxPooling2D, kl.AveragePooling2D]))
    return layer(draw(st.integers(1, 3)), draw(st.integers(1, 2)), padding="same")(x)


def residual(draw, x):
    quantizers = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}
    y = xl.QuantConv2D(x.shape[-1], 3, padding="same", use_bias=False, **quantizers)(x)
    return kl.Add()([x, kl.BatchNormalization()(y)])


def concatenate(draw, x):
    quantizers = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}
    y = xl.QuantConv2D(draw(CHANNELS), 3, padding="same", use_bias=False, **quantizers)(x)
    return kl.Concatenate()([x, kl.BatchNormalization()(y)])


def gate(draw, x):
    """Squeeze and excite: a product that broadcasts."""
    scale = kl.Dense(x.shape[-1], activation="sigmoid")(kl.GlobalAveragePooling2D(keepdims=True)(x))
    return kl.Multiply()([x, scale])


def reshaped(draw, x):
    make = [lambda: kl.UpSampling2D(2), lambda: kl.ZeroPadding2D(1), lambda: kl.Permute((2, 1, 3))]
    return draw(st.sampled_from(make))()(x)


BLOCKS = [binary_conv, binary_conv, norm, norm, binary_depthwise, float_conv, activation, pool, residual]
BLOCKS += [concatenate, gate, reshaped]


@st.composite
def networks(draw):
    keras.utils.clear_session()
    inputs = x = keras.Input((draw(st.integers(5, 9)), draw(st.integers(5, 9)), draw(CHANNELS)))
    for block in draw(st.lists(st.sampled_from(BLOCKS), min_size=2, max_size=7)):
        if min(x.shape[1:3]) < 3 or max(x.shape[1:3]) > 24:
            break
        x = block(draw, x)
    if draw(st.booleans()):
        quantizers = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}
        x = xl.QuantDense(5, **quantizers)(kl.Flatten()(x))
    return keras.Model(inputs, x)


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,  # Keras takes seconds a network: the same ones every time, and no search for a smaller one
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(model=networks())
def test_a_random_network_equals_keras(model):
    rng = np.random.default_rng(model.count_params())
    randomize(model, rng)
    x = sixteenths(rng.normal(size=(2, *model.input_shape[1:])))
    wanted = outputs_of(model, [x])[0]
    data = xlite.convert(model, strict=True).data
    for backend in available_backends():
        got = xlite.Interpreter(data, backend=backend)(x)
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=0, atol=5 * stored.RELATIVE * max(np.abs(wanted).max(), 1e-3))
