"""xlite: Keras networks with binary weights and activations, packed into a flatbuffer and run with XNOR
and popcount.

The names below are reached lazily (PEP 562): ``import xlite`` and ``xlite.Interpreter`` load numpy and
flatbuffers only, never Keras, TensorFlow, h5py, click or numba.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # typing's own, without its import
if TYPE_CHECKING:
    from typing import Any

# public name -> (module, attribute); attribute None means the module itself
_LAZY: dict[str, tuple[str, str | None]] = {
    "__version__": ("xlite.schema.version", "__version__"),
    "Distiller": ("xlite.distillation", "Distiller"),
    "Error": ("xlite.schema.errors", "Error"),
    "Interpreter": ("xlite.interpreter", "Interpreter"),
    "Resolver": ("xlite.interpreter", "Resolver"),
    "convert": ("xlite.converter", "convert"),
    "ConversionResult": ("xlite.converter", "ConversionResult"),
    "binarize": ("xlite.binarization", "binarize"),
    "callbacks": ("xlite.callbacks", None),
    "constraints": ("xlite.constraints", None),
    "converter": ("xlite.converter", None),
    "interpreter": ("xlite.interpreter", None),
    "layers": ("xlite.layers", None),
    "metrics": ("xlite.metrics", None),
    "optimizers": ("xlite.optimizers", None),
    "quantizers": ("xlite.quantizers", None),
    "schedules": ("xlite.schedules", None),
    "schema": ("xlite.schema", None),
    "summary": ("xlite.summaries", "summary"),
    "verify": ("xlite.verification", "verify"),
    "zoo": ("xlite.zoo", None),
}

__all__ = sorted(_LAZY)


def __getattr__(name: str) -> Any:
    try:
        module, attribute = _LAZY[name]
    except KeyError:
        raise AttributeError(f"module 'xlite' has no attribute {name!r}") from None
    loaded = importlib.import_module(module)
    value = loaded if attribute is None else getattr(loaded, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
