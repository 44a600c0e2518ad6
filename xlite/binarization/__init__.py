"""``xlite.binarize``: the binarized counterpart of an ordinary Keras model, by surgery.

======================  ================================================================================
part                    job
======================  ================================================================================
``topology``            the calls of a model in running order
``choosing``            which layers are binarized
``signs``               which activations fall away before signs, and where a batch norm has to come
``rebuild``             the new model
``changes``             what was done, for people
======================  ================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from xlite import filters, quantizers
from xlite.binarization import changes as _changes
from xlite.binarization.changes import Change
from xlite.binarization.choosing import reasons_to_keep
from xlite.binarization.kinds import QUANTIZED
from xlite.binarization.rebuild import Rebuilder, copy_weights
from xlite.constraints import weight_clip
from xlite.schema.errors import TrainingError

__all__ = ["Change", "Style", "binarize", "binarize_with_changes"]

_ALPHAS = {"filter": "magnitude_aware_sign", "layer": "layer_scaled_sign", None: "ste_sign"}


def binarize(
    model: Any,
    *,
    layers: filters.Selection = None,
    input_quantizer: quantizers.Identifier = "ste_sign",
    kernel_quantizer: quantizers.Identifier = None,
    alpha: Optional[str] = "filter",
    clip: Optional[float] = 1.0,
    pad_values: float = 0.0,
    verbose: bool = True,
) -> Any:
    """The binarized counterpart of an ordinary float model, with its weights, ready to be trained on::

        binary = xlite.binarize(model)
        binary.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        binary.fit(x, y)
        xlite.convert(binary, "small.xlite", strict=True)

    The chosen layers become those of :mod:`xlite.layers` of the same kind, in XNOR-Net's block (Rastegari et al.
    2016, arXiv 1603.05279): batch norm, sign, convolution, pooling. An activation whose values would only be
    signed falls away (behind a ReLU every sign is +1), a batch norm comes where nothing centres the values that a
    sign is taken of, and max pooling goes before a batch norm that rises. ReLUs that float layers read stay.
    ``model`` itself is not changed; the new one is not compiled. Its accuracy begins near chance: it is to be
    trained.

    Args:
        model: functional or Sequential, with nested models and shared layers; built.
        layers: which layers. ``None``: all convolution and dense layers but those that no other such layer comes
            before, or behind. Else a name, a layer, a list of them, or a predicate ``layer -> bool``.
        input_quantizer: what quantizes the inputs; ``None`` binarizes the weights alone and leaves activations and
            norms as they are.
        kernel_quantizer: what quantizes the kernels; by default what ``alpha`` asks for.
        alpha: ``"filter"`` scales every filter's signs by the mean of its magnitudes, ``"layer"`` those of a layer
            by one number, ``None`` not at all. For ``"filter"`` transposed convolutions take one number a layer,
            and depthwise ones one a multiplier.
        clip: real-valued weights are kept in ``[-clip, clip]``; ``None`` for no limit. A constraint that the layer
            has already stays.
        pad_values: what ``padding="same"`` puts around signs: 0 as before, or -1 or +1, which run a little faster.
        verbose: print what was done to which layer.

    Raises:
        TrainingError: the model's layers cannot be told from it, a name is unknown, or no layer is left to
            binarize.
    """
    made, changes = binarize_with_changes(
        model, layers, Style(input_quantizer, kernel_quantizer, alpha, clip, pad_values)
    )
    if verbose:
        print(_changes.table(changes))
    return made


@dataclass(frozen=True)
class Style:
    """How layers are binarized; the fields are :func:`binarize`'s arguments of the same names."""

    input_quantizer: quantizers.Identifier = "ste_sign"
    kernel_quantizer: quantizers.Identifier = None
    alpha: Optional[str] = "filter"
    clip: Optional[float] = 1.0
    pad_values: float = 0.0

    def __post_init__(self) -> None:
        if self.alpha not in _ALPHAS:
            raise TrainingError(f"binarize got alpha={self.alpha!r}; give 'filter', 'layer' or None")

    def quantized(self, layer: Any, config: dict[str, Any]) -> Any:
        """The quantized counterpart of ``layer``, from its config."""
        kind: Any = QUANTIZED[type(layer)]
        return kind.from_config({**config, **self._options(layer, kind)})

    def _options(self, layer: Any, kind: Any) -> dict[str, Any]:
        """What a quantized layer is given besides its Keras namesake's config."""
        found: dict[str, Any] = {}
        for option in kind.OPTIONS:
            if option in ("input_quantizer", "intermediate_quantizer"):
                found[option] = _own(self.input_quantizer)
            elif option.endswith("_quantizer"):
                found[option] = _own(self.kernel_quantizer or self._scaled(kind, option))
                constraint = option.replace("_quantizer", "_constraint")
                if self.clip is not None and getattr(layer, constraint, None) is None:
                    found[constraint] = weight_clip(self.clip)
            elif option == "pad_values":
                found[option] = self.pad_values
        return found

    def _scaled(self, kind: Any, option: str) -> str:
        """The sign with the scale that ``alpha`` asks for. The last axis of a transposed kernel is no filter's; a
        scale right before another sign would be lost."""
        if (
            self.input_quantizer is not None
            and option == "depthwise_quantizer"
            and "pointwise_quantizer" in kind.OPTIONS
        ):
            return _ALPHAS[None]
        transposed = "Transpose" in kind.__name__
        return _ALPHAS["layer" if transposed and self.alpha == "filter" else self.alpha]


def binarize_with_changes(
    model: Any, layers: filters.Selection = None, style: Optional[Style] = None
) -> tuple[Any, list[Change]]:
    """:func:`binarize`, and what was done as data."""
    style = style or Style()
    reasons = reasons_to_keep(model, layers)
    if all(reasons.values()):
        found = "; ".join(f"{_name(model, key)} {reason}" for key, reason in reasons.items())
        raise TrainingError(
            f"model {model.name!r} has no convolution or dense layer that can be binarized: "
            f"{found or 'it has none'}"
        )
    rebuilder = Rebuilder(reasons, style.quantized, signs=style.input_quantizer is not None)
    made = rebuilder.rebuild(model)
    copy_weights(rebuilder.pairs)
    return made, rebuilder.changes


def _name(model: Any, key: int) -> str:
    return next(layer.name for layer in filters.filter_layers(model) if id(layer) == key)


def _own(identifier: quantizers.Identifier) -> Any:
    """A quantizer of its own for every layer, where it can be copied."""
    quantizer: Any = quantizers.get(identifier)
    if hasattr(quantizer, "get_config") and hasattr(quantizer, "from_config"):
        return type(quantizer).from_config(quantizer.get_config())
    return quantizer
