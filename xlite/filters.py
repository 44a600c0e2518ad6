"""Which kernels of an ordinary Keras model can be binarized, and which of their axes make one filter.

XNOR-Net scales every filter by its own alpha, so a kernel needs to say over which axes a filter extends:

======================== =============================== ================== ==============
layer                    kernel                          alpha averages      input channels
======================== =============================== ================== ==============
Dense                    ``[in, out]``                   all but the last    axis -2
Conv1D/2D/3D             ``[..., in / groups, out]``     all but the last    axis -2
Conv1D/2D/3DTranspose    ``[..., out, in]``              all but axis -2     axis -1
DepthwiseConv1D/2D       ``[..., channels, multiplier]`` the window          none (one)
SeparableConv1D/2D       both of the above, depthwise and pointwise
======================== =============================== ================== ==============
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Callable, Optional, Union

import keras
import numpy as np

from xlite.schema.errors import TrainingError

Selection = Union[None, str, keras.layers.Layer, Callable[[Any], bool], Iterable[Any]]


@dataclass(frozen=True)
class Filters:
    """The layout of a kernel: axis or axes that tell filters apart, and the axis of input channels, counted
    from the end. ``input_axis`` is ``None`` where a filter sees a single channel."""

    filter_axes: tuple[int, ...]
    input_axis: Optional[int]

    def alpha_axes(self, rank: int) -> tuple[int, ...]:
        """The axes over which one filter of a kernel of this rank extends."""
        apart = {axis % rank for axis in self.filter_axes}
        return tuple(axis for axis in range(rank) if axis not in apart)


@dataclass(frozen=True)
class Kernel:
    """One kernel of the model: the layer that holds it first, its variable and its layout."""

    layer: keras.layers.Layer
    variable: Any
    filters: Filters


_LAST = Filters((-1,), -2)
_TRANSPOSED = Filters((-2,), -1)
_DEPTHWISE = Filters((-2, -1), None)

_layers = keras.layers
_KINDS: tuple[tuple[tuple[type, ...], dict[str, Filters]], ...] = (
    (
        (_layers.SeparableConv1D, _layers.SeparableConv2D),
        {"depthwise_kernel": _DEPTHWISE, "pointwise_kernel": _LAST},
    ),
    ((_layers.DepthwiseConv1D, _layers.DepthwiseConv2D), {"kernel": _DEPTHWISE}),
    (
        (_layers.Conv1DTranspose, _layers.Conv2DTranspose, _layers.Conv3DTranspose),
        {"kernel": _TRANSPOSED},
    ),
    ((_layers.Conv1D, _layers.Conv2D, _layers.Conv3D, _layers.Dense), {"kernel": _LAST}),
)


_KERNEL_QUANTIZERS = ("kernel_quantizer", "depthwise_quantizer", "pointwise_quantizer")
_MARK = "_xlite_binarized_while_training"
_QUANTIZERS_OF = {
    "kernel": ("kernel_quantizer", "depthwise_quantizer"),
    "depthwise_kernel": ("depthwise_quantizer",),
    "pointwise_kernel": ("pointwise_quantizer",),
}


def filter_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The convolution and dense layers of ``model``, nested models and wrappers included, each once."""
    return list({id(layer): layer for layer in _walk(model) if layout_of(layer) is not None}.values())


def select(model: keras.Model, selection: Selection = None) -> list[Kernel]:
    """The kernels that ``selection`` picks, each variable once.

    Args:
        model: a built model.
        selection: ``None`` picks every convolution and dense layer but the first and the last, less those
            whose kernel a quantizer of xlite.layers already binarizes. Else a layer, a layer's name, a list
            of these, or a predicate ``layer -> bool`` asked for every convolution and dense layer.

    Raises:
        TrainingError: nothing is picked, a name is unknown, or a picked layer cannot be binarized.
    """
    kernels: dict[int, Kernel] = {}
    for layer in pick(model, selection):
        for attribute, filters in _layout(layer).items():
            variable = _variable(layer, attribute)
            kernels.setdefault(id(variable), Kernel(layer, variable, filters))
    return list(kernels.values())


def named_kernels(model: keras.Model, selection: Selection = None) -> list[tuple[str, Any]]:
    """Name and variable of every kernel of the selected layers, quantized ones included, each variable once.

    Selection is as for :func:`select`, save that ``None`` picks every convolution and dense layer. A layer's only
    kernel bears the layer's name; the two of a separable convolution add their own.
    """
    layers = filter_layers(model) if selection is None else pick(model, selection)
    found: dict[int, tuple[str, Any]] = {}
    for layer in layers:
        layout = layout_of(layer) or {}
        for attribute in layout:
            variable = getattr(layer, attribute)
            found.setdefault(
                id(variable), (layer.name if len(layout) == 1 else f"{layer.name}/{attribute}", variable)
            )
    return list(found.values())


def named_layouts(model: keras.Model, selection: Selection = None) -> dict[str, Filters]:
    """The layout of every kernel that :func:`named_kernels` names."""
    layers = filter_layers(model) if selection is None else pick(model, selection)
    found = {}
    for layer in layers:
        layouts = layout_of(layer) or {}
        for attribute, layout in layouts.items():
            found[layer.name if len(layouts) == 1 else f"{layer.name}/{attribute}"] = layout
    return found


def all_layers(model: keras.Model) -> list[Any]:
    """Every layer, those of nested models and in wrappers included, each once."""
    return list({id(layer): layer for layer in _walk(model)}.values())


def _walk(layer: Any) -> Iterator[Any]:
    if isinstance(layer, keras.Model):
        for inner in layer.layers:
            yield from _walk(inner)
    elif isinstance(layer, keras.layers.Wrapper):
        yield from _walk(layer.layer)
    else:
        yield layer


def layout_of(layer: Any) -> Optional[dict[str, Filters]]:
    """The layout of each kernel of a convolution or dense layer by its attribute; ``None`` for another layer."""
    return next((layout for classes, layout in _KINDS if isinstance(layer, classes)), None)


def quantizes_kernel(layer: Any) -> bool:
    """Whether a layer of xlite.layers has a kernel quantizer, of signs or of more levels."""
    return any(getattr(layer, name, None) is not None for name in _KERNEL_QUANTIZERS)


def mark_binarized(kernels: Iterable[Kernel], while_training: bool) -> None:
    """Says of kernels whether a callback binarizes them in the training that goes on, for
    :func:`ids_of_binary_kernels`."""
    for kernel in kernels:
        setattr(kernel.variable, _MARK, while_training)


def ids_of_binary_kernels(model: keras.Model) -> set[int]:
    """By ``id`` the variables whose quantizer gives signs, and those that a callback binarizes."""
    signs = {id(kernel.variable) for kernel in sign_kernels(model)}
    return signs | {id(v) for _, v in named_kernels(model) if getattr(v, _MARK, False)}


def sign_kernels(model: keras.Model) -> list[Kernel]:
    """The kernels of ``model`` whose quantizer gives two levels of opposite sign, each variable once."""
    found: dict[int, Kernel] = {}
    for layer in filter_layers(model):
        for attribute, layout in (layout_of(layer) or {}).items():
            quantizers = [getattr(layer, name, None) for name in _QUANTIZERS_OF[attribute]]
            if any(q is not None and _gives_signs(q, getattr(layer, attribute), layout) for q in quantizers):
                variable = getattr(layer, attribute)
                found.setdefault(id(variable), Kernel(layer, variable, layout))
    return list(found.values())


def _gives_signs(quantizer: Any, variable: Any, layout: Filters) -> bool:
    """What one of xlite's quantizers says of itself; of another callable the kernel's own values tell."""
    told = getattr(quantizer, "gives_signs", None)
    if told is not None:
        return bool(told)
    values = np.asarray(keras.ops.convert_to_numpy(quantizer(keras.ops.convert_to_tensor(variable))))
    axes = layout.alpha_axes(values.ndim)
    if all(values.shape[axis] == 1 for axis in axes):  # of a single weight any value is one level
        axes = tuple(range(values.ndim))
    magnitudes = np.abs(values)
    level = bool(np.all(magnitudes == magnitudes.max(axis=axes, keepdims=True)))
    return level and bool(np.any(values < 0)) and bool(np.any(values > 0))


def pick(model: keras.Model, selection: Selection) -> list[Any]:
    """The layers that ``selection`` means, as :func:`select` describes it. Raises TrainingError."""
    candidates = filter_layers(model)
    if selection is None:
        picked = [layer for layer in candidates[1:-1] if not quantizes_kernel(layer)]
        if not picked:
            raise TrainingError(
                f"model {model.name!r} has {len(candidates)} convolution and dense layers and none is left to "
                "binarize besides the first and the last; name some with layers="
            )
        return picked
    if callable(selection) and not isinstance(selection, keras.layers.Layer):
        picked = [layer for layer in candidates if selection(layer)]
    else:
        single = isinstance(selection, (str, keras.layers.Layer))
        picked = [_resolve(item, candidates, model) for item in ([selection] if single else selection)]
    if not picked:
        raise TrainingError(f"layers= picks no convolution or dense layer of model {model.name!r}")
    return picked


def _resolve(item: Any, candidates: list[Any], model: keras.Model) -> Any:
    if isinstance(item, keras.layers.Layer):
        return item
    if not isinstance(item, str):
        raise TrainingError(f"layers= takes layers, their names or a predicate, not {item!r}")
    for layer in candidates:
        if layer.name == item:
            return layer
    names = ", ".join(layer.name for layer in candidates)
    raise TrainingError(
        f"model {model.name!r} has no convolution or dense layer called {item!r}; it has {names or 'none'}"
    )


def _layout(layer: Any) -> dict[str, Filters]:
    layout = layout_of(layer)
    if layout is None:
        raise TrainingError(
            f"layer {layer.name!r} ({type(layer).__name__}) cannot be binarized; convolution and dense layers can"
        )
    if quantizes_kernel(layer):
        raise TrainingError(
            f"layer {layer.name!r} already binarizes its kernel in the forward pass; remove its kernel "
            "quantizer or leave it out of layers="
        )
    return layout


def _variable(layer: Any, attribute: str) -> Any:
    if not layer.built:
        raise TrainingError(f"layer {layer.name!r} has no weights yet; build the model first")
    variable = getattr(layer, attribute)
    if not any(variable is weight for weight in layer.weights):
        raise TrainingError(
            f"layer {layer.name!r} computes its {attribute} (LoRA, or weights that are quantized already), so it "
            "cannot be binarized; leave it out of layers="
        )
    if variable.constraint is not None:
        raise TrainingError(
            f"layer {layer.name!r} has a {attribute} constraint, which would act on the binarized weights; "
            "remove it (clip= bounds the real-valued weights)"
        )
    return variable
