"""Activation functions in float32: Keras's, in forms that keep their relative precision where x is far from 0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable

import numpy as np

from xlite.schema.types import Activation, ActivationKind

_SELU_SCALE, _SELU_ALPHA = np.float32(1.0507009873554805), np.float32(1.7580993408473768)
_ONE, _HALF, _ZERO = np.float32(1), np.float32(0.5), np.float32(0)


@dataclass(frozen=True)
class _Parameters:
    """As the file holds them."""

    alpha: np.float32
    max_value: np.float32
    threshold: np.float32


def activate(x: np.ndarray, activation: Activation) -> np.ndarray:
    """The activation of float32 ``x``, as a new array or ``x`` itself for NONE."""
    if activation.kind is ActivationKind.NONE:
        return x
    a = activation
    parameters = _Parameters(np.float32(a.alpha), np.float32(a.max_value), np.float32(a.threshold))
    # exp overflows to inf where 1 / inf is the right 0; branches are computed that are not taken; log(0) is -inf
    with np.errstate(all="ignore"):
        return _FUNCTIONS[a.kind](x, parameters)


def _relu(x: np.ndarray, a: _Parameters) -> np.ndarray:
    low = np.where(x >= a.threshold, x, a.alpha * (x - a.threshold))
    return np.where(x >= a.max_value, a.max_value, low)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return _ONE / (_ONE + np.exp(-x))


def _softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + exp(x)), whose exp cannot overflow."""
    return np.maximum(x, _ZERO) + np.log1p(np.exp(-np.abs(x)))


def _erfc(x: np.ndarray) -> np.ndarray:
    """The complementary error function in float64, with a relative error below 1.2e-7: the Chebyshev fit of Press
    et al., Numerical Recipes, "Incomplete Gamma Function, Error Function"."""
    z = np.abs(x)
    t = 2.0 / (2.0 + z)
    fit = np.zeros_like(t)
    for coefficient in _ERFC:
        fit = fit * t + coefficient
    tail = t * np.exp(fit - z * z)
    return np.where(x >= 0, tail, 2.0 - tail)


_ERFC = (
    0.17087277,
    -0.82215223,
    1.48851587,
    -1.13520398,
    0.27886807,
    -0.18628806,
    0.09678418,
    0.37409196,
    1.00002368,
    -1.26551223,
)


def _gelu(x: np.ndarray) -> np.ndarray:
    """x / 2 * (1 + erf(x / sqrt 2)), without the cancellation for negative x."""
    wide = x.astype(np.float64)
    return (0.5 * wide * _erfc(-wide / math.sqrt(2.0))).astype(np.float32)


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    """x / 2 * (1 + tanh(u)), where (1 + tanh(u)) / 2 is the sigmoid of 2 u."""
    u = np.float32(math.sqrt(2.0 / math.pi)) * (x + np.float32(0.044715) * x * x * x)
    return x * _sigmoid(u + u)


def _soft_shrink(x: np.ndarray, a: _Parameters) -> np.ndarray:
    return np.where(x > a.threshold, x - a.threshold, np.where(x < -a.threshold, x + a.threshold, _ZERO))


def _sparse_plus(x: np.ndarray) -> np.ndarray:
    rising = x + _ONE
    return np.where(x <= -1, _ZERO, np.where(x < 1, np.float32(0.25) * rising * rising, x))


def _sparse_sigmoid(x: np.ndarray) -> np.ndarray:
    return np.where(x <= -1, _ZERO, np.where(x >= 1, _ONE, _HALF * (x + _ONE)))


def _celu(x: np.ndarray, a: _Parameters) -> np.ndarray:
    return np.maximum(x, _ZERO) + a.alpha * np.expm1(np.minimum(x, _ZERO) / a.alpha)


def _hard_silu(x: np.ndarray) -> np.ndarray:
    return x * (np.clip(x + np.float32(3), _ZERO, np.float32(6)) / np.float32(6))


_K = ActivationKind
_FUNCTIONS: dict[ActivationKind, Callable[[np.ndarray, _Parameters], np.ndarray]] = {
    _K.RELU: _relu,
    _K.SIGMOID: lambda x, a: _sigmoid(x),
    _K.TANH: lambda x, a: np.tanh(x),
    _K.HARD_TANH: lambda x, a: np.clip(x, -_ONE, _ONE),
    _K.ELU: lambda x, a: np.where(x > 0, x, a.alpha * np.expm1(x)),
    _K.SELU: lambda x, a: np.where(x < 0, _SELU_ALPHA * np.expm1(x), _SELU_SCALE * x),
    _K.CELU: _celu,
    _K.SOFTPLUS: lambda x, a: _softplus(x),
    _K.SOFTSIGN: lambda x, a: x / (_ONE + np.abs(x)),
    _K.SILU: lambda x, a: x * _sigmoid(x),
    _K.GELU: lambda x, a: _gelu(x),
    _K.GELU_TANH: lambda x, a: _gelu_tanh(x),
    _K.HARD_SIGMOID: lambda x, a: np.clip(a.alpha * x + a.threshold, _ZERO, _ONE),
    _K.HARD_SILU: lambda x, a: _hard_silu(x),
    _K.MISH: lambda x, a: x * np.tanh(_softplus(x)),
    _K.LOG_SIGMOID: lambda x, a: -_softplus(-x),
    _K.TANH_SHRINK: lambda x, a: x - np.tanh(x),
    _K.SOFT_SHRINK: _soft_shrink,
    _K.HARD_SHRINK: lambda x, a: np.where(np.abs(x) > a.threshold, x, _ZERO),
    _K.THRESHOLD: lambda x, a: np.where(x > a.threshold, x, a.alpha),
    _K.SQUAREPLUS: lambda x, a: (x + np.sqrt(x * x + a.alpha)) / np.float32(2),
    _K.SPARSE_PLUS: lambda x, a: _sparse_plus(x),
    _K.SPARSE_SIGMOID: lambda x, a: _sparse_sigmoid(x),
    _K.CLIP: lambda x, a: np.clip(x, a.threshold, a.max_value),
    _K.ABS: lambda x, a: np.abs(x),
    _K.NEGATE: lambda x, a: np.negative(x),
    _K.SQUARE: lambda x, a: x * x,
    _K.SQRT: lambda x, a: np.sqrt(x),
    _K.RSQRT: lambda x, a: _ONE / np.sqrt(x),
    _K.EXP: lambda x, a: np.exp(x),
    _K.LOG: lambda x, a: np.log(x),
    _K.ROUND: lambda x, a: np.rint(x),  # half to even
    _K.FLOOR: lambda x, a: np.floor(x),
    _K.SIGN: lambda x, a: np.sign(x),
}
