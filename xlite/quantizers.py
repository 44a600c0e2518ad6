"""Quantizers: a two-level forward value with a surrogate gradient, for the inputs and kernels of
:mod:`xlite.layers` (or, as objects, for ``activation=`` of any Keras layer).

A quantizer is a callable ``tensor -> tensor`` of the same shape and dtype. The forward value is exact:
``-1`` or ``+1`` (times alpha for those that scale kernels) and nothing in between, because the converter packs
what it can prove to have two levels; :class:`SteTern` has three and :class:`DoReFa` has ``2^k`` of them;
:class:`Int8` and :class:`Int8Input` are for first and last layers.
``sign(x)`` is ``-1`` where ``x < 0`` and ``+1`` elsewhere, so ``sign(+0) = sign(-0) = +1``; NaN compares false
and becomes ``+1`` with a zero gradient.

====================== ===================== ====================== ==========================
alias                  forward               d out / d x            paper
====================== ===================== ====================== ==========================
``ste_sign``           sign(x)               1 if \\|x\\| <= clip     arXiv 1602.02830
``approx_sign``        sign(x)               2 - 2\\|x\\| if \\|x\\| <= 1 arXiv 1808.00278
``swish_sign``         sign(x)               SignSwish's            arXiv 1812.11800
``annealed_sign``      sign(x)               that of k tanh(tx)     arXiv 1909.10788
``magnitude_aware_sign`` alpha * sign(x)     alpha if \\|x\\| <= clip  arXiv 1808.00278
``xnor_weight_scale``  alpha * sign(x)       alpha's part included  arXiv 1603.05279
``layer_scaled_sign``  alpha * sign(x)       1                      arXiv 1606.06160
``ste_heaviside``      1 if x > 0, else 0    1 if \\|x\\| <= clip
``ste_tern``           -1, 0 or 1            1 if \\|x\\| <= clip     arXiv 1605.04711
``dorefa``             2^k levels in [0, 1]  1 if 0 <= x <= 1       arXiv 1606.06160
``int8``               -127 to 127 steps     1                      arXiv 1712.05877
``int8_input``         256 levels            1 between low and high arXiv 1712.05877
``no_op``              x                     1
====================== ===================== ====================== ==========================
"""

from __future__ import annotations

import difflib
from typing import Any, Callable, Union

import keras
from keras import ops

from xlite.quantization.int8 import Int8, Int8Input
from xlite.quantization.levels import NoOp, SteHeaviside, SteTern
from xlite.quantization.signs import AnnealedSign, SwishSign, XnorWeightScale
from xlite.quantization.surrogates import Configured as _Configured
from xlite.quantization.surrogates import checked_clip as _checked_clip
from xlite.quantization.surrogates import register as _register
from xlite.quantization.surrogates import sign
from xlite.quantization.surrogates import window as _window
from xlite.quantization.surrogates import with_gradient as _with_gradient
from xlite.schema.errors import TrainingError

Quantizer = Callable[[Any], Any]
Identifier = Union[str, dict, Quantizer, None]


@_register
class SteSign(_Configured):
    """Sign with the straight-through estimator (BinaryNet, Courbariaux et al. 2016, arXiv 1602.02830).

    Forward ``sign(x)``; the gradient passes unchanged where ``|x| <= clip_value`` and is 0 elsewhere.

    Args:
        clip_value: half width of the interval that lets gradients through, greater than 0; ``None`` for
            no limit.
    """

    gives_signs = True

    def __init__(self, clip_value: float | None = 1.0):
        self.clip_value = _checked_clip("SteSign", clip_value)

    def __call__(self, x: Any) -> Any:
        x = ops.convert_to_tensor(x)
        return _with_gradient(x, sign, lambda x: _window(x, self.clip_value))

    def get_config(self) -> dict[str, Any]:
        return {"clip_value": self.clip_value}


@_register
class ApproxSign(_Configured):
    """Sign with a piecewise polynomial gradient (Bi-Real Net, Liu et al. 2018, arXiv 1808.00278).

    Forward ``sign(x)``; the gradient is multiplied by ``2 - 2|x|`` where ``|x| <= 1`` and is 0 elsewhere.
    """

    gives_signs = True

    def __call__(self, x: Any) -> Any:
        x = ops.convert_to_tensor(x)
        return _with_gradient(x, sign, self._factor)

    @staticmethod
    def _factor(x: Any) -> Any:
        distance = ops.abs(x)
        return ops.where(ops.less_equal(distance, 1), 2 - 2 * distance, ops.zeros_like(x))


@_register
class MagnitudeAwareSign(_Configured):
    """``alpha * sign(x)`` for kernels (Bi-Real Net, Liu et al. 2018, arXiv 1808.00278).

    ``alpha`` is the mean of ``|x|`` over all axes but the last: one scale per output channel of a dense or
    convolution kernel (per multiplier, over all channels, of a depthwise kernel). The gradient is ``alpha`` where
    ``|x| <= clip_value`` and 0 elsewhere, alpha being a constant for it.

    Args:
        clip_value: as for :class:`SteSign`.
        differentiate_alpha: whether the gradient knows that alpha depends on x too. To that of each weight is then
            added ``sign(x_i) / n * sum_j g_j * sign(x_j)``, over the ``n`` weights of its filter.
    """

    gives_signs = True

    def __init__(self, clip_value: float | None = 1.0, differentiate_alpha: bool = False):
        self.clip_value = _checked_clip("MagnitudeAwareSign", clip_value)
        self.differentiate_alpha = bool(differentiate_alpha)

    def __call__(self, x: Any) -> Any:
        x = ops.convert_to_tensor(x)
        axes = tuple(range(len(x.shape) - 1))
        if self.differentiate_alpha:
            # |x| as x times its sign: the derivative at 0 is then that of +0 on every backend.
            alpha = ops.mean(x * ops.stop_gradient(sign(x)), axis=axes, keepdims=True)
            return alpha * _with_gradient(x, sign, lambda x: _window(x, self.clip_value))
        alpha = ops.stop_gradient(ops.mean(ops.abs(x), axis=axes, keepdims=True))
        return _with_gradient(
            x,
            lambda x, alpha: alpha * sign(x),
            lambda x, alpha: alpha * _window(x, self.clip_value),
            alpha,
        )

    def get_config(self) -> dict[str, Any]:
        return {"clip_value": self.clip_value, "differentiate_alpha": self.differentiate_alpha}


@_register
class LayerScaledSign(_Configured):
    """``alpha * sign(x)`` for kernels, with one alpha for all of them: DoReFa-Net's binary weights (Zhou et al.
    2016, arXiv 1606.06160).

    ``alpha`` is the mean of ``|x|`` over the whole kernel, a constant for the gradient, which passes unchanged.
    """

    gives_signs = True

    def __call__(self, x: Any) -> Any:
        x = ops.convert_to_tensor(x)
        alpha = ops.stop_gradient(ops.mean(ops.abs(x)))
        return _with_gradient(x, lambda x, alpha: alpha * sign(x), None, alpha)


@_register
class DoReFa(_Configured):
    """``k_bit`` bits: the nearest of ``2^k_bit`` levels in equal steps (DoReFa-Net, Zhou et al. 2016, arXiv
    1606.06160).

    For inputs, ``mode="activations"``: ``round(n * clip(x, 0, 1)) / n`` with ``n = 2^k_bit - 1``; the gradient
    passes where ``0 <= x <= 1``. For kernels, ``mode="weights"``: ``2 * q(tanh(x) / (2 max|tanh(x)|) + 1/2) - 1``,
    ``q`` the rounding above, whose own gradient is 1. Halves round to the even neighbour.

    Args:
        k_bit: 1 to 8.
        mode: ``"activations"`` or ``"weights"``.
    """

    def __init__(self, k_bit: int = 2, mode: str = "activations"):
        if k_bit not in range(1, 9):
            raise TrainingError(f"DoReFa got k_bit={k_bit!r}; give a number of bits from 1 to 8")
        if mode not in ("activations", "weights"):
            raise TrainingError(f"DoReFa got mode={mode!r}; give 'activations' or 'weights'")
        self.k_bit, self.mode = int(k_bit), mode
        self.gives_signs = self.k_bit == 1 and mode == "weights"  # else more levels, or 0 and 1

    def __call__(self, x: Any) -> Any:
        x = ops.convert_to_tensor(x)
        if self.mode == "activations":
            return _with_gradient(x, lambda x: self._rounded(ops.clip(x, 0, 1)), self._inside)
        limited = ops.tanh(x)
        largest = ops.max(ops.abs(limited))
        largest = ops.where(ops.equal(largest, 0), ops.ones_like(largest), largest)
        unit = limited / (2 * largest) + 0.5
        return 2 * _with_gradient(unit, self._rounded) - 1

    @staticmethod
    def _inside(x: Any) -> Any:
        return ops.cast(ops.logical_and(ops.greater_equal(x, 0), ops.less_equal(x, 1)), x.dtype)

    def _rounded(self, x: Any) -> Any:
        steps = 2**self.k_bit - 1
        return ops.round(x * steps) / steps

    def get_config(self) -> dict[str, Any]:
        return {"k_bit": self.k_bit, "mode": self.mode}


@_register
def ste_sign(x: Any, clip_value: float | None = 1.0) -> Any:
    """:class:`SteSign` as a function."""
    return SteSign(clip_value)(x)


@_register
def approx_sign(x: Any) -> Any:
    """:class:`ApproxSign` as a function."""
    return ApproxSign()(x)


@_register
def magnitude_aware_sign(x: Any, clip_value: float | None = 1.0, differentiate_alpha: bool = False) -> Any:
    """:class:`MagnitudeAwareSign` as a function."""
    return MagnitudeAwareSign(clip_value, differentiate_alpha)(x)


@_register
def layer_scaled_sign(x: Any) -> Any:
    """:class:`LayerScaledSign` as a function."""
    return LayerScaledSign()(x)


@_register
def dorefa(x: Any, k_bit: int = 2, mode: str = "activations") -> Any:
    """:class:`DoReFa` as a function."""
    return DoReFa(k_bit, mode)(x)


@_register
def swish_sign(x: Any, beta: float = 5.0) -> Any:
    """:class:`SwishSign` as a function."""
    return SwishSign(beta)(x)


@_register
def xnor_weight_scale(x: Any) -> Any:
    """:class:`XnorWeightScale` as a function."""
    return XnorWeightScale()(x)


@_register
def ste_heaviside(x: Any, clip_value: float | None = 1.0) -> Any:
    """:class:`SteHeaviside` as a function."""
    return SteHeaviside(clip_value)(x)


@_register
def ste_tern(
    x: Any,
    threshold_value: float = 0.05,
    ternary_weight_networks: bool = False,
    clip_value: float | None = 1.0,
) -> Any:
    """:class:`SteTern` as a function."""
    return SteTern(threshold_value, ternary_weight_networks, clip_value)(x)


@_register
def int8(x: Any) -> Any:
    """:class:`Int8` as a function."""
    return Int8()(x)


@_register
def int8_input(x: Any, low: float = -1.0, high: float = 1.0) -> Any:
    """:class:`Int8Input` as a function."""
    return Int8Input(low, high)(x)


@_register
def no_op(x: Any) -> Any:
    """:class:`NoOp` as a function."""
    return NoOp()(x)


_ALIASES: dict[str, type] = {
    "ste_sign": SteSign,
    "approx_sign": ApproxSign,
    "magnitude_aware_sign": MagnitudeAwareSign,
    "layer_scaled_sign": LayerScaledSign,
    "dorefa": DoReFa,
    "swish_sign": SwishSign,
    "annealed_sign": AnnealedSign,
    "xnor_weight_scale": XnorWeightScale,
    "ste_heaviside": SteHeaviside,
    "ste_tern": SteTern,
    "no_op": NoOp,
    "int8": Int8,
    "int8_input": Int8Input,
}
_FUNCTIONS: dict[Any, type] = {
    ste_sign: SteSign,
    approx_sign: ApproxSign,
    magnitude_aware_sign: MagnitudeAwareSign,
    layer_scaled_sign: LayerScaledSign,
    dorefa: DoReFa,
    swish_sign: SwishSign,
    xnor_weight_scale: XnorWeightScale,
    ste_heaviside: SteHeaviside,
    ste_tern: SteTern,
    no_op: NoOp,
    int8: Int8,
    int8_input: Int8Input,
}


def get(identifier: Identifier) -> Quantizer | None:
    """The quantizer that ``identifier`` names.

    Args:
        identifier: ``None`` (no quantizer), an alias such as ``"ste_sign"``, a class name such as
            ``"SteSign"``, what :func:`serialize` gave, a quantizer class, or any callable
            ``tensor -> tensor``. The functions of this module become objects of their classes.

    Raises:
        TrainingError: the name is unknown (the message lists the known ones) or the value is of no such kind.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        return _by_name(identifier)()
    if isinstance(identifier, dict):
        return keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, type):
        return identifier()
    if callable(identifier):
        return _FUNCTIONS[identifier]() if _is_alias_function(identifier) else identifier
    raise TrainingError(
        f"a quantizer must be an alias, a config or a callable, not {identifier!r}; known aliases: "
        + ", ".join(sorted(_ALIASES))
    )


def _is_alias_function(identifier: Any) -> bool:
    return any(identifier is function for function in _FUNCTIONS)


def _by_name(name: str) -> type:
    names = dict(_ALIASES)
    names.update({quantizer.__name__: quantizer for quantizer in _ALIASES.values()})
    bare = name[len("xlite>") :] if name.startswith("xlite>") else name
    if bare in names:
        return names[bare]
    near = difflib.get_close_matches(bare, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise TrainingError(f"no quantizer is called {name!r}; {hint}known aliases: {', '.join(sorted(_ALIASES))}")


def serialize(quantizer: Quantizer | None) -> dict[str, Any] | None:
    """The config that :func:`get` turns back into an equal quantizer; ``None`` for ``None``."""
    if quantizer is None:
        return None
    return keras.saving.serialize_keras_object(quantizer)
