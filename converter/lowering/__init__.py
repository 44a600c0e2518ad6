"""Keras layers -> nodes of the graph: ``lower``, and the decorators with which users add layers of their own.

One module a family of layers; importing it registers what it knows.
"""

import sys
import types

from xlite.converter.lowering import (  # noqa: F401  (each registers its layers)
    activation_functions,
    code,
    conv,
    conv_3d,
    conv_transpose,
    dense,
    embedding,
    int8,
    keras_operations,
    larq_activations,
    larq_quantizers,
    larq_zoo,
    layer_norm,
    locally_connected,
    merge,
    norm,
    passthrough,
    pooling,
    preprocessing,
    reactnet,
    recurrent,
    scaled,
    separable,
    shape,
    tensorflow_operations,
    time_distributed,
    upsampling,
)
from xlite.converter.lowering.activations import activation
from xlite.converter.lowering.build import lower
from xlite.converter.lowering.code import code_in, lambda_layer
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.quantizers import input_quantizer, kernel_quantizer
from xlite.converter.lowering.registry import lowering

__all__ = [
    "Context",
    "activation",
    "code_in",
    "input_quantizer",
    "kernel_quantizer",
    "lambda_layer",
    "lower",
    "lowering",
]


class _Decorator(types.ModuleType):
    """``xlite.converter.lowering`` is this package and, in the manner of the public face, the decorator itself:
    ``@xlite.converter.lowering("MyPkg>MyLayer")`` works whatever has been imported before."""

    def __call__(self, *names: str) -> object:
        return lowering(*names)


sys.modules[__name__].__class__ = _Decorator
