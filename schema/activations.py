"""Which activations keep the order of what they are given: a threshold can stand for such a one and a sign."""

from __future__ import annotations

from xlite.schema.types import Activation, ActivationKind

_RISING = (
    ActivationKind.NONE,
    ActivationKind.SIGMOID,
    ActivationKind.TANH,
    ActivationKind.HARD_TANH,
    ActivationKind.SELU,
    ActivationKind.SOFTPLUS,
    ActivationKind.SOFTSIGN,
    ActivationKind.CLIP,
)
_RISING_BY_ALPHA = (ActivationKind.RELU, ActivationKind.ELU, ActivationKind.CELU, ActivationKind.HARD_SIGMOID)


def is_rising(activation: Activation) -> bool:
    """Whether it is one of the kinds that are folded into thresholds and is known never to decrease. Keras's ReLU
    jumps down at a negative threshold, and falls with a negative alpha."""
    if activation.kind in _RISING_BY_ALPHA:
        return activation.alpha >= 0 and (activation.kind is not ActivationKind.RELU or activation.threshold >= 0)
    return activation.kind in _RISING
