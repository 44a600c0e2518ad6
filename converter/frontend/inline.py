"""Nested models unrolled into one flat model, every call in an order in which it can run."""

from __future__ import annotations

from typing import Any, Union

from xlite.converter.frontend.config import LayerSpec, ModelSpec
from xlite.converter.frontend.model import Call, KerasLayer, KerasModel, Ref, map_refs, refs_in
from xlite.schema.errors import ConversionError, FileError

Path = tuple  # of layer names, from the outermost model inwards
_MAX_CALLS = 20_000  # models nested in models multiply; no real network comes near this


def inline(root: LayerSpec) -> tuple[KerasModel, dict[str, Path]]:
    """The flat model (without weights yet) and, for every layer, its path in the tree of models."""
    assert root.model is not None
    work = _Inliner()
    outputs = work.run(root.model, (), None, {})
    inputs = [Ref(work.layers[ref.layer,].name) for ref in root.model.inputs]
    model = KerasModel(root.name, list(work.layers.values()), work.order, inputs, outputs)
    return model, {layer.name: path for path, layer in work.layers.items()}


# What a call of a layer of one model became: the flat call of a leaf, or the outputs of an inlined model.
_Done = Union[Ref, list]


class _Inliner:
    def __init__(self) -> None:
        self.layers: dict[Path, KerasLayer] = {}
        self.order: list[tuple[str, int]] = []
        self.names: set[str] = set()

    def run(self, model: ModelSpec, path: Path, feeds: list[Ref] | None, inherited: dict[str, Any]) -> list[Ref]:
        """Adds every call of ``model`` and returns its outputs. ``feeds`` are a nested model's inputs (None for
        the outermost, whose InputLayers stay), ``inherited`` keyword arguments that go to every call."""
        done: dict[tuple[str, int], _Done] = {}
        for index, ref in enumerate(model.inputs):
            spec = model.layer(ref.layer)
            if feeds is None:
                done[ref.layer, 0] = self._leaf(spec, (*path, spec.name), Call())
            else:
                done[ref.layer, 0] = [feeds[index]]
        waiting = [(spec, number) for spec in model.layers for number in range(len(spec.calls))]
        while waiting:
            left = [entry for entry in waiting if not self._try(*entry, path, done, inherited)]
            if len(left) == len(waiting):
                spec, number = left[0]
                raise FileError(
                    f"call {number} of layer '{spec.name}' waits for a tensor that nothing computes; "
                    "save the model again"
                )
            waiting = left
        return [_resolve(done, ref) for ref in model.outputs]

    def _try(self, spec: LayerSpec, number: int, path: Path, done: dict, inherited: dict[str, Any]) -> bool:
        """Adds one call if all its inputs are there."""
        if (spec.name, number) in done:
            return True
        call = spec.calls[number]
        if not all((ref.layer, ref.call) in done for ref in refs_in([call.args, call.kwargs])):
            return False
        args, kwargs = map_refs([call.args, call.kwargs], lambda ref: _resolve(done, ref))
        given = {key: value for key, value in kwargs.items() if value is not None}
        here = Call(args, {**kwargs, **inherited, **given})
        inner = (*path, spec.name)
        if spec.model is None:
            done[spec.name, number] = self._leaf(spec, inner, here)
        else:
            passed = {"training": True} if here.kwargs.get("training") is True else {}
            done[spec.name, number] = self.run(spec.model, inner, _feeds(spec, here), passed)
        return True

    def _leaf(self, spec: LayerSpec, path: Path, call: Call) -> Ref:
        layer = self.layers.get(path)
        if layer is None:
            name = self._unique("/".join(path))
            layer = KerasLayer(name, spec.class_name, spec.registered_name, spec.config, module=spec.module)
            self.layers[path] = layer
        if len(self.order) >= _MAX_CALLS:
            raise FileError(
                f"the model makes more than {_MAX_CALLS} layer calls once nested models are unrolled; "
                "call them less often"
            )
        layer.calls.append(call)
        self.order.append((layer.name, len(layer.calls) - 1))
        return Ref(layer.name, len(layer.calls) - 1)

    def _unique(self, name: str) -> str:
        """The name itself, or with a number behind it where a slash in another layer's name made the same one."""
        candidate, number = name, 0
        while candidate in self.names:
            number += 1
            candidate = f"{name}_{number}"
        self.names.add(candidate)
        return candidate


def _resolve(done: dict[tuple[str, int], _Done], ref: Ref) -> Ref:
    found = done.get((ref.layer, ref.call))
    if found is None:
        raise FileError(
            f"the model refers to call {ref.call} of layer '{ref.layer}', which is not there; save it again"
        )
    if isinstance(found, Ref):
        return found._replace(tensor=ref.tensor)
    if not 0 <= ref.tensor < len(found):
        raise FileError(
            f"the model refers to output {ref.tensor} of '{ref.layer}', which has {len(found)}; save it again"
        )
    return found[ref.tensor]


def _feeds(spec: LayerSpec, call: Call) -> list[Ref]:
    """What a nested model's inputs are in this call."""
    assert spec.model is not None
    names = [ref.layer for ref in spec.model.inputs]
    given = call.args[0] if call.args else call.kwargs.get("inputs")
    if isinstance(given, dict) and set(names) <= set(given):
        return list(refs_in([given[name] for name in names]))
    feeds = call.inputs
    if len(feeds) != len(names):
        raise ConversionError(
            f"nested model '{spec.name}' takes {len(names)} inputs and is called with {len(feeds)}; call it with "
            "one tensor an input"
        )
    return feeds
