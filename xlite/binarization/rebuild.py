"""A new model from an old one: its calls are replayed on new tensors, with other layers in some places."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

import keras
from keras import tree

from xlite import filters
from xlite.binarization import kinds
from xlite.binarization.changes import BINARIZED, INSERTED, KEPT, MOVED, REMOVED, Change
from xlite.binarization.signs import Rewrites, rewrites
from xlite.binarization.topology import Call, Topology, is_input, is_model, read_topology
from xlite.schema.errors import Error, TrainingError

FROZEN = "is frozen: without trainable=True it learns nothing"
INFERRING = "is called with training=False: its batch norms stay at the statistics of the float model"


@dataclass
class Rebuilder:
    """``reasons``: of :func:`~xlite.binarization.choosing.reasons_to_keep`. ``quantized``: makes the binarized
    counterpart of a layer from its config. ``signs``: whether inputs are quantized, and not kernels alone."""

    reasons: dict[int, str]
    quantized: Callable[[Any, dict[str, Any]], Any]
    signs: bool
    changes: list[Change] = field(default_factory=list)
    made: dict[int, Any] = field(default_factory=dict)  # old layer's id -> new layer
    pairs: list[tuple[Any, Any]] = field(default_factory=list)  # (old, new) layers with weights to copy

    def rebuild(self, model: Any, path: str = "") -> Any:
        topology = read_topology(model)
        binarized = {key for key, reason in self.reasons.items() if not reason}
        plan = rewrites(topology, binarized) if self.signs else Rewrites()
        level = _Level(self, topology, plan, path)
        for call in topology.calls:
            level.replay(call)
        return level.finished()

    def note(self, path: str, target: Any, action: str, reason: str) -> None:
        change = Change(path + target.name, type(target).__name__, action, reason)
        if change not in self.changes:
            self.changes.append(change)


@dataclass
class _Level:
    """The rebuilding of one model, which may be nested in another."""

    owner: Rebuilder
    topology: Topology
    plan: Rewrites
    path: str
    tensors: dict[int, Any] = field(default_factory=dict)  # old tensor's id -> new tensor
    stack: list[Any] = field(default_factory=list)  # new layers in the order of their calls
    late_norms: dict[int, Call] = field(default_factory=dict)  # pooling's call -> norm's, which comes behind it

    def replay(self, call: Call) -> None:
        if is_input(call):
            self._input(call)
        elif id(call) in self.plan.without:
            self._skip(call)
            self.owner.note(self.path, call.target, REMOVED, "its values end in signs alone")
        elif id(call) in self.plan.pool_first:
            pool = self.plan.pool_first[id(call)]
            self.late_norms[id(pool)] = call
            self._skip(call)
            self.owner.note(self.path, call.target, MOVED, f"behind {pool.name}, which sees whole numbers there")
        else:
            self._call(call)

    def finished(self) -> Any:
        made = self._assembled()
        # Not by the public setter, which would set its layers' too: each layer has its own from its config.
        made._trainable = self.topology.model.trainable
        return made

    def _assembled(self) -> Any:
        model = self.topology.model
        if isinstance(model, keras.Sequential):
            return keras.Sequential(self.stack, name=model.name)
        inputs, outputs = (
            tree.map_structure(lambda tensor: self.tensors[id(tensor)], structure)
            for structure in (
                getattr(model, "_inputs_struct", model.inputs),
                getattr(model, "_outputs_struct", model.outputs),
            )
        )
        return keras.Model(inputs, outputs, name=model.name)

    def _input(self, call: Call) -> None:
        old = call.target
        layer = keras.layers.InputLayer(batch_shape=old.batch_shape, dtype=old.dtype, name=old.name)
        self.stack.append(layer)
        self.tensors[id(call.outputs[0])] = layer.output

    def _skip(self, call: Call) -> None:
        self.tensors[id(call.outputs[0])] = self.tensors[id(call.inputs[0])]

    def _call(self, call: Call) -> None:
        made = self._counterpart(call.target)
        if is_model(call.target) and call.kwargs.get("training") is False and self._has_binarized(call.target):
            self.owner.note(self.path, call.target, KEPT, INFERRING)

        def renewed(leaf: Any) -> Any:
            return self.tensors.get(id(leaf), leaf)

        args = tree.map_structure(renewed, list(call.args))
        kwargs = {key: tree.map_structure(renewed, v) for key, v in call.kwargs.items() if v is not None}
        if id(call) in self.plan.norm_before:
            args, kwargs = self._normed(call, args, kwargs)
        outputs = made(*args, **kwargs)
        self.stack.append(made)
        if id(call) in self.late_norms:
            norm = self._counterpart(self.late_norms[id(call)].target)
            outputs = norm(outputs)
            self.stack.append(norm)
        self.tensors.update(zip(map(id, call.outputs), tree.flatten(outputs)))

    def _has_binarized(self, model: Any) -> bool:
        return any(self.owner.reasons.get(id(layer)) == "" for layer in filters.all_layers(model))

    def _normed(self, call: Call, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments with the input behind a new batch norm."""
        taken = {known.name for known in (*self.stack, *(other.target for other in self.topology.calls))}
        plain = f"{call.name}_norm"
        name = next(n for n in (plain, *(f"{plain}_{i}" for i in range(1, len(taken) + 2))) if n not in taken)
        axis = 1 if getattr(call.target, "data_format", None) == "channels_first" else -1
        norm = keras.layers.BatchNormalization(axis=axis, name=name)
        self.stack.append(norm)
        self.owner.note(self.path, norm, INSERTED, f"centres what {call.name} takes the sign of")
        if args:
            return [norm(args[0]), *args[1:]], kwargs
        (key,) = (key for key, value in kwargs.items() if keras.utils.is_keras_tensor(value))
        return [], {**kwargs, key: norm(kwargs[key])}

    def _counterpart(self, target: Any) -> Any:
        """The new layer in the place of an old one: one for all its calls."""
        key = id(target)
        if key not in self.owner.made:
            self.owner.made[key] = self._make(target)
        return self.owner.made[key]

    def _make(self, target: Any) -> Any:
        if is_model(target):
            return self.owner.rebuild(target, f"{self.path}{target.name}/")
        if not isinstance(target, keras.layers.Layer):
            return type(target).from_config(target.get_config())
        if isinstance(target, keras.layers.Lambda):
            return target  # it holds code, which is not copied; it has no weights
        layer = self._layer(target)
        self.owner.pairs.append((target, layer))
        return layer

    def _layer(self, target: Any) -> Any:
        try:
            config = target.get_config()
            reason = self.owner.reasons.get(id(target))
            fused = kinds.fused_activation(target)
            if id(target) in self.plan.without_fused:
                config["activation"] = "linear"
            if reason == "":
                what = [f"without its {fused}"] if id(target) in self.plan.without_fused else []
                what += [] if target.trainable else [FROZEN]
                self.owner.note(self.path, target, BINARIZED, "; ".join(what))
                return self.owner.quantized(target, config)
            if reason is not None:
                self.owner.note(self.path, target, KEPT, reason)
            if id(target) in self.plan.without_fused:
                self.owner.note(self.path, target, REMOVED, f"its {fused}, whose values end in signs alone")
            return type(target).from_config(config)
        except (TypeError, ValueError, NotImplementedError) as error:
            if isinstance(error.__context__, Error):  # of a quantized layer, within Keras's account of it
                raise error.__context__ from None
            raise TrainingError(
                f"layer {target.name!r} ({type(target).__name__}) cannot be made anew from its config "
                f"({str(error).splitlines()[0]}); give it get_config and from_config"
            ) from error

    # -- weights ---------------------------------------------------------------------------------------------


def copy_weights(pairs: list[tuple[Any, Any]]) -> None:
    """Gives new layers the values of the old ones, weight by weight; weights that only the new ones have stay."""
    for old, new in pairs:
        for source, sink in zip(old.weights, new.weights):
            if tuple(source.shape) != tuple(sink.shape):
                raise TrainingError(
                    f"layer {old.name!r}: a weight of shape {tuple(source.shape)} cannot go where "
                    f"{tuple(sink.shape)} is wanted; build the layer again with get_config and from_config"
                )
            # A copy: under JAX a training step donates, and so deletes, the arrays that the variables hold.
            sink.assign(keras.ops.copy(source))
