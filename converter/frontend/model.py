"""What every frontend gives: a Keras model as one flat list of layers and their calls.

Nested models are inlined (names joined with ``/``), a Sequential is a chain of calls, and a layer that is
called several times stands once in ``layers`` and several times in ``order``. Nothing here is Keras's own:
configs are plain JSON values, weights are numpy arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


class Ref(NamedTuple):
    """One tensor: output number ``tensor`` of call number ``call`` of a layer."""

    layer: str
    call: int = 0
    tensor: int = 0


@dataclass
class Call:
    """One call of a layer: its arguments as they were written, with :class:`Ref` in place of tensors."""

    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> list[Ref]:
        """The tensors among the positional arguments, in order; those of ``inputs=`` where there are none."""
        found = list(refs_in(self.args))
        return found or list(refs_in(self.kwargs.get("inputs")))


@dataclass
class KerasLayer:
    """One layer. ``class_name`` is bare (``QuantConv2D``), ``registered_name`` has the package where the file
    knows one (``xlite>QuantConv2D``), ``module`` the Python module where it knows that. ``weights`` are float32,
    in the order of ``layer.weights``."""

    name: str
    class_name: str
    registered_name: str
    config: dict[str, Any]
    calls: list[Call] = field(default_factory=list)
    weights: list[np.ndarray] = field(default_factory=list)
    module: str = ""


@dataclass
class KerasModel:
    """A whole model. ``order`` is every call as (layer, call number) in an order in which they can run; the
    layers stand in the order of their first call. ``notes`` are sentences for the user: what was read in another
    way than it was saved."""

    name: str
    layers: list[KerasLayer]
    order: list[tuple[str, int]]
    inputs: list[Ref]
    outputs: list[Ref]
    source_name: str = ""
    source_sha256: str = ""
    source_format: str = ""
    keras_version: str = ""
    notes: list[str] = field(default_factory=list)

    def layer(self, name: str) -> KerasLayer:
        """The layer of that name; KeyError where there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)


def refs_in(structure: Any) -> Iterator[Ref]:
    """Every Ref in nested lists, tuples and dicts; dicts by sorted key, as Keras flattens them."""
    if isinstance(structure, Ref):
        yield structure
    elif isinstance(structure, (list, tuple)):
        for item in structure:
            yield from refs_in(item)
    elif isinstance(structure, dict):
        for key in sorted(structure, key=str):
            yield from refs_in(structure[key])


def map_refs(structure: Any, change: Any) -> Any:
    """The same nested structure with every Ref replaced by ``change(ref)``."""
    if isinstance(structure, Ref):
        return change(structure)
    if isinstance(structure, (list, tuple)):
        return [map_refs(item, change) for item in structure]
    if isinstance(structure, dict):
        return {key: map_refs(item, change) for key, item in structure.items()}
    return structure
