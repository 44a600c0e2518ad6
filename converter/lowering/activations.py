"""Activations: as a layer of their own and as another layer's ``activation=``.

Users register functions of their own::

    @xlite.converter.lowering.activation("MyPkg>leaky")
    def leaky(ctx, x):
        return relu(ctx, x, alpha=0.05)
"""

from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering import elementwise
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.names import look_up, named
from xlite.converter.lowering.quantizers import apply_input_quantizer, is_input_quantizer
from xlite.converter.lowering.registry import find_lowering, lowering
from xlite.schema.types import Activation, ActivationKind, ActivationOptions, OpKind

ActivationFunction = Callable[[Context, Value], Value]

_ACTIVATIONS: dict[str, ActivationFunction] = {}

# Layers without weights that Keras takes as an activation, as in Dense(8, activation=LeakyReLU()).
_LAYERS = ("Activation", "ReLU", "LeakyReLU", "ThresholdedReLU", "Softmax", "ELU")


def activation(*names: str) -> Callable[[ActivationFunction], ActivationFunction]:
    """Decorator: registers ``function(ctx, x) -> Value`` as the activation called ``names``."""

    def register(function: ActivationFunction) -> ActivationFunction:
        _ACTIVATIONS.update(dict.fromkeys(names, function))
        return function

    return register


def activation_named(name: str) -> ActivationFunction:
    """The activation that is registered under a name; KeyError where there is none."""
    return _ACTIVATIONS[name]


def activated(ctx: Context, x: Value, key: str = "activation") -> Value:
    """``x`` behind the layer's activation, if it has one."""
    value = ctx.config.get(key)
    if value is None:
        return x
    found = named(value)
    if found is None:
        raise ctx.error(
            f"has an {key} that is code, which is never run",
            "use one of Keras's own, or a registered function for which xlite has an activation of that name",
        )
    function = look_up(_ACTIVATIONS, found.name)
    if function is not None:
        return function(ctx, x)
    if is_input_quantizer(found.name):
        return apply_input_quantizer(ctx, x, found.name, found.config)
    if found.name in _LAYERS and isinstance(value, dict):
        return _as_layer(ctx, x, found.name, found.config)
    known = ", ".join(sorted(_ACTIVATIONS))
    raise ctx.unsupported(
        f"has the activation '{found.name}', which has no op",
        f'use one of {known}, or register it with @xlite.converter.lowering.activation("{found.name}")',
    )


def _as_layer(ctx: Context, x: Value, class_name: str, config: dict[str, Any]) -> Value:
    inner = ctx.inner({"class_name": class_name, "config": config})
    result = find_lowering(inner.layer)(inner, x)
    assert isinstance(result, Value)
    return result


def relu(
    ctx: Context, x: Value, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Value:
    """Keras's general ReLU: max_value from there on, x above the threshold, alpha * (x - threshold) up to it."""
    if max_value is not None and max_value < threshold:
        raise ctx.unsupported("has a max_value below its threshold", "give it one above")
    if threshold:
        # Keras passes x on where x > threshold, the op where x >= threshold: one float32 apart.
        threshold = float(np.nextafter(np.float32(threshold), np.float32(math.inf)))
    limit = math.inf if max_value is None else float(max_value)
    parameters = Activation(ActivationKind.RELU, float(alpha), limit, float(threshold))
    return ctx.add(OpKind.ACTIVATION, [x], ActivationOptions(parameters))


def _plain(ctx: Context, x: Value, kind: ActivationKind) -> Value:
    return ctx.add(OpKind.ACTIVATION, [x], ActivationOptions(Activation(kind)))


@activation("linear")
def _linear(ctx: Context, x: Value) -> Value:
    return x


@activation("relu")
def _relu(ctx: Context, x: Value) -> Value:
    return relu(ctx, x)


@activation("relu6")
def _relu6(ctx: Context, x: Value) -> Value:
    return relu(ctx, x, max_value=6.0)


@activation("leaky_relu")
def _leaky_relu(ctx: Context, x: Value) -> Value:
    return relu(ctx, x, alpha=0.2)


@activation("sigmoid")
def _sigmoid(ctx: Context, x: Value) -> Value:
    return _plain(ctx, x, ActivationKind.SIGMOID)


@activation("tanh")
def _tanh(ctx: Context, x: Value) -> Value:
    return _plain(ctx, x, ActivationKind.TANH)


@activation("hard_tanh")
def _hard_tanh(ctx: Context, x: Value) -> Value:
    """clip(x, -1, 1), Keras's and Larq's alike."""
    return _plain(ctx, x, ActivationKind.HARD_TANH)


@activation("softmax")
def _softmax(ctx: Context, x: Value) -> Value:
    return ctx.add(OpKind.SOFTMAX, [x])


# -- as layers -----------------------------------------------------------------------------------------------


@lowering("Activation")
def _activation_layer(ctx: Context, x: Value) -> Value:
    return activated(ctx, x)


@lowering("ReLU")
def _relu_layer(ctx: Context, x: Value) -> Value:
    config = ctx.config
    return relu(
        ctx, x, _number(config.get("negative_slope")), config.get("max_value"), _number(config.get("threshold"))
    )


@lowering("LeakyReLU")
def _leaky_relu_layer(ctx: Context, x: Value) -> Value:
    """Keras 2 calls its slope alpha; both default to 0.3, unlike the function's 0.2."""
    config = ctx.config
    return relu(ctx, x, _number(config.get("negative_slope", config.get("alpha", 0.3))))


@lowering("ThresholdedReLU")
def _thresholded_relu_layer(ctx: Context, x: Value) -> Value:
    return relu(ctx, x, threshold=_number(ctx.config.get("theta", 1.0)))


@lowering("PReLU")
def _prelu_layer(ctx: Context, x: Value) -> Value:
    (slope,) = ctx.weights("alpha")
    return ctx.add(OpKind.PRELU, [x, ctx.constant("alpha", slope)])


@lowering("Softmax")
def _softmax_layer(ctx: Context, x: Value) -> Value:
    return elementwise.softmax(ctx, x, ctx.config.get("axis", -1))


def _number(value: Any) -> float:
    """A float from a configuration, where Keras 2 sometimes wrote a numpy scalar as a dict."""
    if isinstance(value, dict):
        value = value.get("value", value.get("config"))
    return 0.0 if value is None else float(value)
