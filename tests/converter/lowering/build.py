"""Neutral models by hand, for tests that need no Keras."""

from __future__ import annotations

import numpy as np

from xlite.converter.frontend import Call, KerasLayer, KerasModel, Ref


def layer(
    class_name, config=None, weights=(), name="layer", registered_name=None, module="", inputs=("x",), **kwargs
):
    """One layer called once on the outputs of ``inputs``; ``kwargs`` go into the call."""
    args = [Ref(i) for i in inputs]
    call = Call([args[0] if len(args) == 1 else args], kwargs)
    arrays = [np.asarray(w, np.float32) for w in weights]
    return KerasLayer(name, class_name, registered_name or class_name, config or {}, [call], arrays, module)


def model(*layers, shape=(4, 4, 2)):
    """The layers behind one input called x; the last one's output is the model's."""
    x = KerasLayer("x", "InputLayer", "InputLayer", {"batch_shape": [None, *shape]}, [Call()])
    every = [x, *layers]
    order = [(one.name, number) for one in every for number in range(len(one.calls))]
    return KerasModel("model", every, order, [Ref("x")], [Ref(every[-1].name)])


def conv(name="layer", filters=3, inputs=("x",), class_name="Conv2D", channels=2, bias=False, **config):
    """A 3x3 convolution with a seeded kernel."""
    weights = [np.random.default_rng(0).normal(size=(3, 3, channels, filters))]
    if bias:
        weights.append(np.arange(filters))
    config = {"filters": filters, "kernel_size": [3, 3], "use_bias": bias, **config}
    return layer(class_name, config, weights, name, inputs=inputs)
