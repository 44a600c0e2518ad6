"""Optimizers for binary networks, as Keras 3 optimizers (any backend)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from xlite import filters
from xlite.schema.errors import TrainingError

_register = keras.saving.register_keras_serializable(package="xlite")

_NOT_OF_BOP = ("weight_decay", "use_ema", "ema_momentum", "ema_overwrite_frequency")


@_register
class Bop(keras.optimizers.Optimizer):
    """Flips binary weights, without real-valued ones behind them (Helwegen et al. 2019, arXiv 1906.02107).

    For a weight w of +1 or -1 and its gradient g::

        m <- (1 - gamma) * m + gamma * g
        w <- -w  where |m| > threshold and sign(m) = sign(w), else w

    so a weight flips once the averaged gradient has pushed against it long enough. All variables that it is given
    should hold -1 and +1 (their signs are what it works on): use it for the kernels of quantized layers, and
    another optimizer for the rest.

    Args:
        gamma: the adaptivity rate, from 0 to 1, or a ``LearningRateSchedule`` of it. It takes the place of the
            learning rate, so callbacks that set ``learning_rate`` set gamma.
        threshold: at least 0; the larger, the rarer the flips.
        **kwargs: ``name``, ``clipnorm``, ``clipvalue``, ``global_clipnorm`` of ``keras.optimizers.Optimizer``.

    Raises:
        TrainingError: gamma or threshold is out of range, or an option is one that makes no sense for signs.
    """

    def __init__(self, gamma: Any = 1e-4, threshold: float = 1e-8, name: str = "bop", **kwargs: Any):
        if isinstance(gamma, (int, float)) and not 0 < gamma <= 1:
            raise TrainingError(f"Bop got gamma={gamma!r}; give a number above 0 and up to 1")
        if not threshold >= 0:
            raise TrainingError(f"Bop got threshold={threshold!r}; give 0 or more")
        refused = [option for option in _NOT_OF_BOP if option in kwargs]
        if refused:
            raise TrainingError(f"Bop takes no {refused[0]}: what it trains are signs, which it flips or leaves")
        super().__init__(learning_rate=gamma, name=name, **kwargs)
        self.threshold = float(threshold)

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._averages = [self.add_variable_from_reference(v, name="average") for v in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        average = self._averages[self._get_variable_index(variable)]
        gamma = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        value = ops.add(average, ops.multiply(gamma, ops.subtract(gradient, average)))
        self.assign(average, value)
        against = ops.greater(ops.multiply(value, ops.sign(variable)), self.threshold)
        self.assign(variable, ops.where(against, ops.negative(variable), variable))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["gamma"] = config.pop("learning_rate")
        for unused in _NOT_OF_BOP:
            config.pop(unused, None)
        return {**config, "threshold": self.threshold}


@_register
class CaseOptimizer(keras.optimizers.Optimizer):
    """Gives every variable to the first optimizer whose predicate it meets: Bop for binary kernels and Adam for
    the rest, or a learning rate of its own for the last layer::

        binary = xlite.optimizers.binary_kernels(model)
        model.compile(CaseOptimizer((binary, Bop(1e-3)), default=keras.optimizers.Adam(1e-2)), "mse")

    Each optimizer keeps its own learning rate and step count; ``learning_rate`` here is that of ``default``, so
    that callbacks which set it set the default's. Saved models hold the state of all of them.

    Args:
        *cases: ``(predicate, optimizer)``; a predicate is called with a variable and says whether it is meant. To
        be
            saved it has to be registered with Keras, as those of :func:`binary_kernels` are.
        default: for variables that no predicate means.
        name: of the optimizer.

    Raises:
        TrainingError: an entry is not such a pair.
    """

    def __init__(self, *cases: Any, default: Any, name: str = "case_optimizer"):
        super().__init__(learning_rate=0.0, name=name)
        pairs = [
            case for case in cases if isinstance(case, (tuple, list)) and len(case) == 2 and callable(case[0])
        ]
        if len(pairs) != len(cases):
            raise TrainingError("CaseOptimizer takes pairs (predicate, optimizer), and default= for the rest")
        self.predicates = [predicate for predicate, _ in pairs]
        self.optimizers = [
            *(keras.optimizers.get(optimizer) for _, optimizer in pairs),
            keras.optimizers.get(default),
        ]
        self._owners: dict[str, int] = {}

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        groups: list[list[Any]] = [[] for _ in self.optimizers]
        for variable in variables:
            met = [i for i, predicate in enumerate(self.predicates) if predicate(variable)]
            owner = met[0] if met else len(self.predicates)
            self._owners[self._var_key(variable)] = owner
            groups[owner].append(variable)
        for optimizer, group in zip(self.optimizers, groups):
            if group:
                optimizer.build(group)
            self._variables.extend(optimizer.variables if group else [])

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        variables = list(self._trainable_variables if trainable_variables is None else trainable_variables)
        if not self.built:
            self.build(variables)
        groups: list[list[tuple[Any, Any]]] = [[] for _ in self.optimizers]
        for gradient, variable in zip(grads, variables):
            groups[self._owners[self._var_key(variable)]].append((gradient, variable))
        for optimizer, group in zip(self.optimizers, groups):
            if any(gradient is not None for gradient, _ in group):
                optimizer.apply([gradient for gradient, _ in group], [variable for _, variable in group])
        self._iterations.assign_add(1)
        return self._iterations

    @property
    def learning_rate(self) -> Any:
        return (
            self.optimizers[-1].learning_rate if hasattr(self, "optimizers") else self._get_current_learning_rate()
        )

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.optimizers[-1].learning_rate = value

    def get_config(self) -> dict[str, Any]:
        return {
            "predicates": [keras.saving.serialize_keras_object(predicate) for predicate in self.predicates],
            "optimizers": [keras.optimizers.serialize(optimizer) for optimizer in self.optimizers],
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> CaseOptimizer:
        predicates = [keras.saving.deserialize_keras_object(item, custom_objects) for item in config["predicates"]]
        *optimizers, default = (
            keras.optimizers.deserialize(item, custom_objects) for item in config["optimizers"]
        )
        return cls(*zip(predicates, optimizers), default=default, name=config["name"])


@_register
class Among:
    """A predicate: whether a variable is one of ``names``, each a layer's name and the variable's:
    ``"conv1/kernel"``. What comes before in a variable's path is another one in a model that was loaded."""

    def __init__(self, names: Any):
        self.names = sorted(names)

    def __call__(self, variable: Any) -> bool:
        return _own_name(variable) in self.names

    def get_config(self) -> dict[str, Any]:
        return {"names": self.names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Among:
        return cls(**config)


def _own_name(variable: Any) -> str:
    return "/".join(variable.path.split("/")[-2:])


def binary_kernels(model: Any) -> Among:
    """The predicate that means those kernels of ``model`` whose quantizer gives two levels of opposite sign. Those
    of ``int8``, ``dorefa`` with more than a bit, ``ste_tern`` and ``ste_heaviside`` are left to the default: flips
    would never change their magnitudes. A quantizer that is not xlite's is asked by the values it gives now.

    Raises TrainingError if there are none, or if another layer, of another nested model, bears the name of one."""
    kernels = [kernel.variable for kernel in filters.sign_kernels(model)]
    if not kernels:
        raise TrainingError(
            f"model {model.name!r} has no layer with a kernel quantizer of two levels of opposite sign; give one "
            "kernel_quantizer='ste_sign'"
        )
    found, meant = Among({_own_name(variable) for variable in kernels}), {id(variable) for variable in kernels}
    for variable in model.trainable_variables:
        if found(variable) and id(variable) not in meant:
            raise TrainingError(
                f"{variable.path!r} of model {model.name!r} is not binary, and its layer bears the name of one "
                "with a binary kernel; give one of them another name"
            )
    return found
