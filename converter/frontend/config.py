"""The model configuration that Keras writes, in any of its dialects, as one tree of plain specs.

Keras 2 and Keras 3 differ in how they name shapes, calls and classes; .h5 and .keras files differ again. After
``parse_model`` none of that is left: a Sequential is a chain of calls, and call numbers count from 0 for every
layer, nested models included.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from xlite.converter.frontend.model import Call, KerasLayer, Ref, map_refs, refs_in
from xlite.schema.errors import ConversionError, FileError

_MAX_DEPTH = 32  # of models nested in models


@dataclass
class LayerSpec:
    """One layer of one (possibly nested) model. ``calls`` refer to layers of the same model. ``module`` is "" in
    files that do not name one; ``model`` is set where the layer is itself a model."""

    name: str
    class_name: str
    registered_name: str
    module: str
    config: dict[str, Any]
    calls: list[Call] = field(default_factory=list)
    model: ModelSpec | None = None


@dataclass
class ModelSpec:
    """The layers of one model; ``inputs`` are its InputLayers, in the order in which it takes its inputs."""

    layers: list[LayerSpec]
    inputs: list[Ref]
    outputs: list[Ref]
    sequential: bool = False

    def layer(self, name: str) -> LayerSpec:
        for spec in self.layers:
            if spec.name == name:
                return spec
        raise FileError(f"the model's configuration names a layer '{name}' that it does not hold; save it again")


def parse_model(config: dict[str, Any]) -> LayerSpec:
    """The spec of a whole model from its configuration as decoded JSON.

    Raises ConversionError for a subclassed model (whose calls only Python code knows).
    """
    root = _parse_layer(config, 0)
    if root.model is None:
        raise ConversionError(
            f"model '{root.name}' ({root.class_name}) is a subclassed model, whose layers cannot be read from its "
            "configuration; rebuild it as a functional or Sequential model, copy the weights over with "
            "set_weights, and save that"
        )
    return root


_OPERATIONS = ("keras.src.ops", "keras.ops", "keras.src.activations", "keras.activations")


def is_operation(spec: LayerSpec | KerasLayer) -> bool:
    """True for a ``keras.ops`` node of a functional Keras 3 model, or for one of its activation functions. These
    are no layers and have no weights."""
    return spec.module.startswith(_OPERATIONS)


# -- layers --------------------------------------------------------------------------------------------------


def _parse_layer(data: dict[str, Any], depth: int) -> LayerSpec:
    if depth > _MAX_DEPTH:
        raise FileError(f"the model's configuration nests models more than {_MAX_DEPTH} deep; flatten it")
    written = str(data["class_name"])
    config = data.get("config", {})
    if isinstance(config, list):  # Sequential before Keras 2.2.3
        config = {"name": "sequential", "layers": config}
    bare = written.rsplit(">", 1)[-1]
    spec = LayerSpec(
        name=_text(data.get("name") or config.get("name") or bare.lower()),
        class_name=bare,
        registered_name=_text(data.get("registered_name") or written),
        module=_text(data.get("module") or _module_of_operation(data, config)),
        config=config,
        calls=[_parse_call(node) for node in data.get("inbound_nodes") or []],
    )
    if isinstance(config.get("layers"), list):
        legacy = _has_legacy_calls(config["layers"])
        inner = [_parse_layer(layer, depth + 1) for layer in config["layers"]]
        if "input_layers" in config:
            spec.model = _functional(config, inner, legacy)
        else:
            spec.model = _sequential(config, inner)
        spec.config = {key: value for key, value in config.items() if key != "layers"}
    return spec


def _module_of_operation(data: dict[str, Any], config: dict[str, Any]) -> str:
    """A .h5 of Keras 3 names no modules, and so an Add of ``keras.ops`` looks like the layer Add. But every layer
    writes whether it is trainable, and no operation does."""
    calls = data.get("inbound_nodes")
    in_keras_3 = isinstance(calls, list) and calls and all(isinstance(call, dict) for call in calls)
    is_layer = "name" not in config or "trainable" in config or "layers" in config or "registered_name" in data
    return "keras.ops" if in_keras_3 and not is_layer and data["class_name"] != "InputLayer" else ""


def _text(name: Any) -> str:
    """A layer's name; some Keras 2 files hold it as a list of one string."""
    while isinstance(name, list) and len(name) == 1:
        name = name[0]
    if not isinstance(name, str):
        raise FileError(f"the model's configuration names a layer {name!r}, which is no string; save it again")
    return name


def _has_legacy_calls(layers: list[dict[str, Any]]) -> bool:
    """True where calls are written as Keras 2 writes them, as lists."""
    return any(isinstance(node, list) for layer in layers for node in layer.get("inbound_nodes") or [])


def _functional(config: dict[str, Any], layers: list[LayerSpec], legacy: bool) -> ModelSpec:
    model = ModelSpec(layers, _boundary(config["input_layers"]), _boundary(config["output_layers"]))
    for spec in layers:
        if spec.model is not None:
            _count_calls_from_zero(model, spec, legacy)
    known = {spec.name for spec in layers}
    for ref in (*model.inputs, *model.outputs, *(r for s in layers for c in s.calls for r in refs_in(_all(c)))):
        if ref.layer not in known:
            model.layer(ref.layer)  # raises, naming it
    return model


def _all(call: Call) -> list[Any]:
    return [call.args, call.kwargs]


def _boundary(structure: Any) -> list[Ref]:
    """Inputs or outputs: one reference, or a list or a dict of them (a dict in the order of its sorted keys)."""
    return list(refs_in(_with_refs(structure)))


def _count_calls_from_zero(model: ModelSpec, nested: LayerSpec, legacy: bool) -> None:
    """Nested models count their own construction as call 0 in some places and not in others.

    Keras 2 numbers the calls of a nested model from 1 everywhere (a Sequential without an input shape from 0);
    Keras 3 numbers them from 0 among the calls and from 1, unless it is a Sequential, among the outputs.
    """

    def down(ref: Ref) -> Ref:
        return ref._replace(call=ref.call - 1) if ref.layer == nested.name else ref

    refs = [ref for spec in model.layers for call in spec.calls for ref in refs_in(_all(call))]
    among_calls = [ref.call for ref in refs if ref.layer == nested.name]
    among_outputs = [ref.call for ref in model.outputs if ref.layer == nested.name]
    if legacy:
        shift_calls = shift_outputs = max(among_calls + among_outputs, default=0) >= len(nested.calls)
    else:
        shift_calls = False
        assert nested.model is not None
        shift_outputs = not nested.model.sequential and min(among_outputs, default=0) >= 1
    if shift_calls:
        for spec in model.layers:
            spec.calls = [Call(map_refs(c.args, down), map_refs(c.kwargs, down)) for c in spec.calls]
    if shift_outputs:
        model.outputs = [down(ref) for ref in model.outputs]


# -- Sequential ----------------------------------------------------------------------------------------------


def _sequential(config: dict[str, Any], layers: list[LayerSpec]) -> ModelSpec:
    """A chain of calls behind an InputLayer, which is made where the file has none."""
    if not layers:
        raise ConversionError(f"Sequential model '{config.get('name', '')}' has no layers; add some and save it")
    if layers[0].class_name != "InputLayer":
        shape = _input_shape(layers[0]) or config.get("build_input_shape")
        name = f"{layers[0].name}_input"
        made = {"name": name, "batch_shape": shape, "dtype": "float32"}
        layers = [LayerSpec(name, "InputLayer", "InputLayer", "", made), *layers]
    previous = Ref(layers[0].name)
    layers[0].calls = []
    for spec in layers[1:]:
        spec.calls = [Call([previous])]
        previous = Ref(spec.name)
    return ModelSpec(layers, [Ref(layers[0].name)], [previous], sequential=True)


def _input_shape(spec: LayerSpec) -> Any:
    """The batch shape that a Sequential's first layer declares, itself or, for a model, by its own input."""
    if spec.model is not None:
        return _input_shape(spec.model.layer(spec.model.inputs[0].layer)) if spec.model.inputs else None
    return spec.config.get("batch_shape") or spec.config.get("batch_input_shape")


# -- calls ---------------------------------------------------------------------------------------------------


def _parse_call(node: Any) -> Call:
    if isinstance(node, dict):
        return Call(_with_refs(node.get("args", [])), _with_refs(node.get("kwargs", {})))
    if not isinstance(node, list):
        raise FileError(
            f"the model's configuration holds a call {node!r}, which is neither a list nor a dict; save it again"
        )
    return _parse_legacy_call(node)


def _parse_legacy_call(node: list[Any]) -> Call:
    """Keras 2: a list of [layer, call, tensor, kwargs], or a single such entry; kwargs belong to the first."""
    entries = [node] if _is_entry(node) else node
    kwargs: dict[str, Any] = {}
    inputs = []
    for entry in entries:
        if not _is_entry(entry):
            inputs.append(_with_refs(entry))
            continue
        inputs.append(entry[2] if entry[0] == "_CONSTANT_VALUE" else Ref(*entry[:3]))
        if len(entry) > 3 and isinstance(entry[3], dict):
            kwargs = {**_with_refs(entry[3]), **kwargs}
    return Call([inputs[0] if len(inputs) == 1 else inputs], kwargs)


def _is_entry(item: Any) -> bool:
    """[layer, call, tensor] or [layer, call, tensor, kwargs] as Keras 2 writes it."""
    return (
        isinstance(item, list)
        and len(item) in (3, 4)
        and isinstance(item[0], str)
        and isinstance(item[1], int)
        and (isinstance(item[2], int) or item[0] == "_CONSTANT_VALUE")
    )


def _with_refs(structure: Any) -> Any:
    """A Ref for every serialized tensor in nested lists and dicts; other serialized values become plain."""
    if isinstance(structure, list):
        if len(structure) in (3, 4) and _is_entry(structure) and structure[0] != "_CONSTANT_VALUE":
            return Ref(*structure[:3])
        return [_with_refs(item) for item in structure]
    if not isinstance(structure, dict):
        return structure
    if structure.get("class_name") == "__keras_tensor__":
        history = structure["config"]["keras_history"]
        if not _is_entry(history):
            raise FileError(f"the model's configuration refers to a tensor {history!r}; save it again")
        return Ref(*history[:3])
    if structure.get("class_name") == "__tuple__":
        return [_with_refs(item) for item in structure.get("config") or structure.get("items") or []]
    return {key: _with_refs(item) for key, item in structure.items()}
