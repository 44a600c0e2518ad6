"""Signs whose gradient is smooth, and the sign that scales a kernel as XNOR-Net does."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from xlite.quantization.surrogates import Configured, checked_positive, register, sign, window, with_gradient

_FAR = 80.0  # cosh of more overflows float32; the gradients there are below 1e-30


@register
class SwishSign(Configured):
    """Sign with the gradient of SignSwish (BNN+, Darabi et al. 2018, arXiv 1812.11800).

    Forward ``sign(x)``; the gradient is multiplied by ``beta * (2 - b * tanh(b / 2)) / (1 + cosh(b))`` with
    ``b = beta * x``: a bump around 0 that falls a little below 0 on both sides of it.

    Args:
        beta: the steepness, above 0.
    """

    gives_signs = True

    def __init__(self, beta: float = 5.0):
        self.beta = checked_positive("SwishSign", "beta", beta)

    def __call__(self, x: Any) -> Any:
        return with_gradient(ops.convert_to_tensor(x), sign, self._factor)

    def _factor(self, x: Any) -> Any:
        b = ops.clip(self.beta * x, -_FAR, _FAR)
        factor = self.beta * (2 - b * ops.tanh(b / 2)) / (1 + ops.cosh(b))
        return ops.where(ops.isfinite(x), factor, ops.zeros_like(x))

    def get_config(self) -> dict[str, Any]:
        return {"beta": self.beta}


@register
class AnnealedSign(Configured):
    """Sign whose gradient narrows while training goes on (IR-Net's error decay estimator, Qin et al. 2020, arXiv
    1909.10788).

    Forward ``sign(x)`` at every temperature; the gradient is that of ``k * tanh(t * x)`` with ``k = max(1 / t,
    1)``. At ``t = 0.1`` it is nearly 1 everywhere and every weight learns; at ``t = 10`` only values near 0 do,
    where the gradient is most truthful. :class:`xlite.callbacks.TemperatureSchedule` raises ``t`` from epoch to
    epoch in all quantizers of a model.

    Args:
        temperature: the ``t`` to begin with, above 0. The config holds the one that is reached.
    """

    gives_signs = True

    def __init__(self, temperature: float = 0.1):
        checked = checked_positive("AnnealedSign", "temperature", temperature)
        self._temperature = checked
        # A variable, so that a compiled training step reads the value of the moment.
        self._variable = keras.Variable(checked, trainable=False, dtype="float32", name="temperature")

    @property
    def temperature(self) -> float:
        return self._temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        self._temperature = checked_positive("AnnealedSign", "temperature", value)
        self._variable.assign(self._temperature)

    def __call__(self, x: Any) -> Any:
        x = ops.convert_to_tensor(x)
        t = ops.cast(self._variable.value, x.dtype)
        return with_gradient(x, lambda x, _: sign(x), self._factor, t)

    @staticmethod
    def _factor(x: Any, t: Any) -> Any:
        slope = ops.maximum(t, ops.ones_like(t))  # k * t
        factor = slope * (1 - ops.square(ops.tanh(t * x)))
        return ops.where(ops.isfinite(x), factor, ops.zeros_like(x))

    def get_config(self) -> dict[str, Any]:
        return {"temperature": self._temperature}


@register
class XnorWeightScale(Configured):
    """``alpha * sign(w)`` for kernels, differentiated as a whole (XNOR-Net, Rastegari et al. 2016, arXiv
    1603.05279).

    ``w`` is ``x`` clipped to -1 to 1, ``alpha`` the mean of its magnitude over all axes but the last. For an
    upstream gradient ``g`` and the ``n`` weights of a filter, the gradient of ``x_i`` is ``alpha * g_i + sign(w_i)
    / n * sum_j g_j * sign(w_j)`` where ``|x_i| <= 1`` and 0 elsewhere.
    (:class:`xlite.quantizers.MagnitudeAwareSign` keeps alpha constant, or differentiates an alpha that is not
    clipped.)
    """

    gives_signs = True

    def __call__(self, x: Any) -> Any:
        x = ops.convert_to_tensor(x)
        clipped = with_gradient(x, lambda x: ops.clip(x, -1, 1), lambda x: window(x, 1.0))
        signs = with_gradient(clipped, sign)
        # |w| as w times its sign: the derivative at 0 is then that of +0 on every backend.
        magnitudes = clipped * ops.stop_gradient(signs)
        return ops.mean(magnitudes, axis=tuple(range(len(x.shape) - 1)), keepdims=True) * signs
