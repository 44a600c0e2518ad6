"""Knowledge distillation: a binarized network that learns from a float one besides the labels."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any, Optional

import keras
from keras import ops

from xlite.schema.errors import TrainingError

_LEAST = 1e-7  # probabilities below are taken for this: their logarithms are their logits, up to a constant
_PROBABILITIES = (keras.activations.softmax, keras.activations.sigmoid)
_ARRANGING = (keras.layers.Flatten, keras.layers.Identity, keras.layers.Permute, keras.layers.Reshape)
_POOLS = (
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalAveragePooling3D,
    keras.layers.GlobalMaxPooling1D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.GlobalMaxPooling3D,
)


class Distiller(keras.Model):
    """Trains ``student`` on labels and on what ``teacher`` makes of the same inputs::

        distiller = xlite.Distiller(student, teacher, attention={"block3": "block3"})
        distiller.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        distiller.fit(x, y, epochs=20)
        student.save("student.keras")

    The loss is ``(1 - share) * loss + share * T^2 * KL(teacher || student)`` on outputs softened by the
    temperature T (Hinton, Vinyals and Dean 2015, arXiv 1503.02531), plus ``attention_weight`` times the mean over
    layers and samples of ``||A_s - A_t||^2``, A the sum over the channels of the squared features, as a vector of
    length 1 (attention transfer, Zagoruyko and Komodakis 2017, arXiv 1612.03928, as Real-to-Binary networks use
    it). ``loss`` is whatever ``compile`` was given, regularizers included. Sample and class weights count in
    all of it. The teacher is neither trained nor saved with the distiller, and callbacks do not see its layers.

    Outputs are classes along the last axis, of which one is right. A last axis of 1 is a yes or no (a sigmoid, or
    its logit; a mask with one channel) and its divergence that of two Bernoulli variables. Numbers that are not
    probabilities, as of a regression, and several labels at a time look the same to the distiller and are not
    distilled by this loss: there, take ``share=0`` and ``attention``.

    Args:
        student: the model to train; functional or Sequential where ``attention`` is used. Shares its weights with
            the distiller: save it, not the distiller.
        teacher: a model that takes the same inputs and whose output has the same shape. Of a model with several
            outputs give one: ``keras.Model(teacher.inputs, teacher.outputs[0])``.
        temperature: T, above 0.
        share: of the distillation loss, from 0 to 1.
        from_logits: whether both models end in logits; ``False`` for probabilities, behind a softmax. It has to
            agree with the loss's own and with the last layers, or those before a Reshape, a Flatten and the like,
            where they are of Keras or xlite and tell, unless ``share`` is 0.
        attention: layers whose outputs are compared, student's name -> teacher's; heights and widths are equal.
        attention_weight: of that part of the loss, 0 or more.

    Raises:
        TrainingError: an option is out of range, a layer does not exist, a model has several outputs or a dict
            of them, shapes do not fit, or ``from_logits`` is not what a model ends in or the loss has.
    """

    def __init__(
        self,
        student: Any,
        teacher: Any,
        *,
        temperature: float = 4.0,
        share: float = 0.9,
        from_logits: bool = False,
        attention: Optional[Mapping[str, str]] = None,
        attention_weight: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        for name, value in (("student", student), ("teacher", teacher)):
            if not isinstance(value, keras.Model):
                raise TrainingError(
                    f"Distiller got {name}={value!r}; give a Keras model, loaded if it is in a file"
                )
            for outputs in ("output", "outputs"):  # as they are arranged, and all in a row; unknown before a call
                _check_outputs(name, getattr(value, outputs, None))
        for name, value, fine in (
            ("temperature", temperature, temperature > 0),
            ("share", share, 0 <= share <= 1),
            ("attention_weight", attention_weight, attention_weight >= 0),
        ):
            if not fine:
                raise TrainingError(f"Distiller got {name}={value!r}, which is out of range")
        self.student = student
        self.temperature, self.share, self.from_logits = float(temperature), float(share), bool(from_logits)
        self.attention, self.attention_weight = dict(attention or {}), float(attention_weight)
        # The student with its features, which shares its layers; and the teacher, which nothing here may track.
        self._watched = _Untracked(_with_features(student, list(self.attention)))
        self._teacher = _Untracked(_with_features(teacher, list(self.attention.values())))
        self._check_shapes(student, teacher)
        if self.share:
            self._check_ends({"student": student, "teacher": teacher})
        self._features: list[Any] = []
        self._teaching = True
        self._distilled = keras.metrics.Mean(name="distillation")
        self._attended = keras.metrics.Mean(name="attention") if self.attention else None
        self.built = student.built  # it has no variables but the student's

    @property
    def teacher(self) -> Any:
        return self._teacher.model

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, *args: Any, **kwargs: Any) -> None:
        """As of any Keras model. Raises TrainingError where ``loss`` has another ``from_logits``."""
        for takes in map(_takes_logits, _listed(loss)) if self.share else ():
            if takes is not None and takes != self.from_logits:
                raise TrainingError(
                    f"Distiller has from_logits={self.from_logits} and the loss from_logits={takes}; give both "
                    "what the models end in, True for logits and False for probabilities"
                )
        super().compile(optimizer, loss, *args, **kwargs)

    def call(self, inputs: Any, training: Any = None) -> Any:
        outputs = self._watched.model(inputs, training=training)
        output, self._features = _split("student", outputs, len(self.attention))
        return output

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        features, self._features = self._features, []
        loss = super().compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
        self._teaching = training
        if not training:
            return loss
        wanted, examples = _split("teacher", self._teacher.model(x, training=False), len(self.attention))
        distilled = self.softened_divergence(wanted, y_pred, sample_weight)
        self._distilled.update_state(distilled)
        total = (1 - self.share) * loss + self.share * self.temperature**2 * distilled
        if self._attended is not None:
            pairs = zip(features, examples)
            parts = [attention_distance(a, ops.stop_gradient(b), sample_weight) for a, b in pairs]
            attended = sum(parts[1:], parts[0]) / len(parts)
            self._attended.update_state(attended)
            total = total + self.attention_weight * attended
        return total

    def get_metrics_result(self) -> Any:
        """Without what the teacher is not asked for: it does not see what the student is only tested on."""
        found = super().get_metrics_result()
        parts = () if self._teaching else ("distillation", "attention")
        return {name: value for name, value in found.items() if name not in parts}

    def softened_divergence(self, wanted: Any, found: Any, sample_weight: Any = None) -> Any:
        """KL(teacher || student) of the outputs ``[n, ..., classes]`` at the temperature, averaged.

        Outputs ``[n, ..., 1]`` and ``[n]`` are yes or no: of two classes, the one whose probability they are and
        the other.
        """
        teacher = ops.log_softmax(self._logits(ops.stop_gradient(wanted)) / self.temperature, axis=-1)
        student = ops.log_softmax(self._logits(found) / self.temperature, axis=-1)
        return _mean(ops.sum(ops.exp(teacher) * (teacher - student), axis=-1), sample_weight)

    def _logits(self, outputs: Any) -> Any:
        outputs = ops.expand_dims(outputs, -1) if len(outputs.shape) == 1 else outputs
        if outputs.shape[-1] == 1:  # a softmax over a single class is 1 whatever it is given
            other = ops.zeros_like(outputs) if self.from_logits else 1 - outputs
            outputs = ops.concatenate([outputs, other], axis=-1)
        return outputs if self.from_logits else ops.log(ops.maximum(outputs, _LEAST))

    def _check_ends(self, models: Mapping[str, Any]) -> None:
        ends = {role: _end(model) for role, model in models.items()}
        if {True, False} <= {logits for _, logits in ends.values()}:
            raise TrainingError(
                "Distiller: one of student and teacher ends in logits and the other in probabilities; end both "
                "with a softmax (a sigmoid, for a single output), or neither"
            )
        for role, (layer, logits) in ends.items():
            if logits is not None and logits != self.from_logits:
                found = "logits" if logits else "probabilities"
                raise TrainingError(
                    f"Distiller: the {role} ends in {found}, those of layer {layer!r}; give from_logits={logits}"
                    + (", or share=0 if they are neither" if logits else "")
                )

    def _check_shapes(self, student: Any, teacher: Any) -> None:
        pairs = [(student, teacher, "the outputs", 1)]
        for ours, theirs in self.attention.items():
            pairs.append(
                (student.get_layer(ours), teacher.get_layer(theirs), f"layers {ours!r} and {theirs!r}", 0)
            )
        for ours, theirs, what, channels in pairs:
            a, b = (_shape(layer) for layer in (ours, theirs))
            if None not in (a, b) and a[1 : len(a) - 1 + channels] != b[1 : len(b) - 1 + channels]:
                raise TrainingError(f"Distiller: {what} of student and teacher have the shapes {a} and {b}")


class _Untracked:
    """Holds a model out of sight of Keras, which tracks the weights of every attribute."""

    def __init__(self, model: Any):
        self.model = model


def _with_features(model: Any, names: list[str]) -> Any:
    """``model`` itself, or one that gives the outputs of the named layers behind its own."""
    if not names:
        return model
    known = {layer.name: layer for layer in model.layers}
    missing = [name for name in names if name not in known]
    if missing:
        raise TrainingError(
            f"Distiller: model {model.name!r} has no layer called {missing[0]!r}; it has {', '.join(known)}"
        )
    return keras.Model(model.inputs, [model.outputs[0], *(known[name].output for name in names)])


def _split(role: str, outputs: Any, features: int) -> tuple[Any, list[Any]]:
    """The one output, and as many features behind it."""
    if features == 0:  # as the model of the user gives it
        _check_outputs(role, outputs)
    return (outputs[0], list(outputs[1:])) if isinstance(outputs, (list, tuple)) else (outputs, [])


def _check_outputs(role: str, outputs: Any) -> None:
    if isinstance(outputs, Mapping):
        found = "a dict of outputs"
    elif isinstance(outputs, (list, tuple)) and len(outputs) > 1:
        found = f"{len(outputs)} outputs"
    else:
        return
    raise TrainingError(
        f"Distiller: the {role} gives {found}; give a model with only the one to distil, as "
        f"keras.Model({role}.inputs, {role}.outputs[0])"
    )


def _end(model: Any) -> tuple[str, Optional[bool]]:
    """The layer that a model's values come from, and whether they are logits; ``None`` where that cannot be told.

    Layers behind it that only arrange values anew are looked through. Only layers that compute as Keras and xlite
    define them are judged: a layer of one's own that derives from ``Dense`` may do anything behind it.
    """
    layer, index, output = model, 0, None
    inputs: list[Any] = []
    around: list[Any] = []  # what the models that the walk is within were called on, None where that is not known
    while True:
        if isinstance(layer, keras.Model):
            outputs = getattr(layer, "outputs", None)
            if not outputs or not _as_defined(layer):
                return "", None
            around.append(inputs[0] if len(inputs) == len(layer.inputs) == 1 else None)
            output = outputs[index]
        elif isinstance(layer, keras.layers.InputLayer):
            output = around.pop()
        elif _keeps_values(layer, inputs, output):
            output = inputs[0]
        else:
            return layer.name, _gives_logits(layer)
        if output is None:
            return "", None
        layer, node, index = output._keras_history
        inputs = layer._inbound_nodes[node].input_tensors


def _keeps_values(layer: Any, inputs: list[Any], output: Any) -> bool:
    """Whether what a layer gives are the values that it takes, in whatever shape."""
    if not _as_defined(layer):
        return False
    if isinstance(layer, _POOLS):  # over one value each
        return _elements(inputs[0]) == _elements(output) != 0
    if isinstance(layer, keras.layers.Activation):
        return layer.activation is keras.activations.linear
    return isinstance(layer, _ARRANGING)


def _elements(tensor: Any) -> int:
    """Of a sample; 0 where that is not known."""
    return math.prod(extent or 0 for extent in tensor.shape[1:])


def _gives_logits(layer: Any) -> Optional[bool]:
    activation = getattr(layer, "activation", None)
    if not _as_defined(layer):
        return None
    if isinstance(layer, keras.layers.Softmax) or activation in _PROBABILITIES:
        return False
    if isinstance(layer, keras.layers.BatchNormalization) or activation is keras.activations.linear:
        return True
    return None


def _as_defined(layer: Any) -> bool:
    """Whether a layer computes what Keras or xlite has it compute."""
    return type(layer).call.__module__.split(".")[0] in ("keras", "xlite")


def _listed(losses: Any) -> list[Any]:
    """The losses that ``compile`` is given, one or several."""
    if isinstance(losses, Mapping):
        return list(losses.values())
    return list(losses) if isinstance(losses, (list, tuple)) else [losses]


def _takes_logits(loss: Any) -> Optional[bool]:
    """``from_logits`` of a loss as ``compile`` takes it; ``None`` where it has none."""
    if isinstance(loss, str):
        loss = keras.losses.get("categorical_crossentropy" if loss.lower() in ("ce", "crossentropy") else loss)
    found = getattr(loss, "from_logits", None)
    if found is None and callable(loss):
        try:
            found = inspect.signature(loss).parameters["from_logits"].default
        except (KeyError, TypeError, ValueError):  # it has no such parameter, or none that Python knows
            return None
    return found if isinstance(found, bool) else None


def _shape(layer: Any) -> Any:
    """The shape of what a model or a layer gives; ``None`` where it is not known before a call."""
    if isinstance(layer, keras.Model):
        outputs = getattr(layer, "outputs", None)
        return tuple(outputs[0].shape) if outputs else None
    return tuple(layer.output.shape)


def attention_distance(a: Any, b: Any, sample_weight: Any = None) -> Any:
    """``||A - B||^2`` of the attention maps of two features ``[n, ..., channels]``, averaged over the samples."""
    return _mean(ops.sum(ops.square(_attention(a) - _attention(b)), axis=-1), sample_weight)


def _mean(values: Any, sample_weight: Any) -> Any:
    """Of values ``[n, ...]``, each times its sample's weight ``[n]``, or the mean of its weights ``[n, ...]``."""
    if sample_weight is None:
        return ops.mean(values)
    of_samples, weights = (_of_samples(ops.cast(x, values.dtype)) for x in (values, sample_weight))
    return ops.mean(of_samples * weights)


def _of_samples(values: Any) -> Any:
    """The mean of each sample of ``[n, ...]``."""
    return ops.mean(values, axis=tuple(range(1, len(values.shape)))) if len(values.shape) > 1 else values


def _attention(features: Any) -> Any:
    """The sum over the channels of the squared features, as a vector of length 1 for each sample."""
    places = 1
    for extent in features.shape[1:-1]:
        places *= extent
    energy = ops.reshape(ops.sum(ops.square(features), axis=-1), (-1, places))
    length = ops.sqrt(ops.maximum(ops.sum(ops.square(energy), axis=-1, keepdims=True), 1e-12))
    return energy / length
