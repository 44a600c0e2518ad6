"""Keras model -> graph -> passes -> bytes.

``convert`` is the way in; ``lowering`` registers layers of your own. Names are reached lazily, so that
``import xlite.converter`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

# No module here bears the name of a function: importing it would put the module in the function's place.
_LAZY = {
    "ConversionResult": "xlite.converter.conversion",
    "convert": "xlite.converter.conversion",
    "lowering": "xlite.converter.lowering",
}

__all__ = sorted(_LAZY)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'xlite.converter' has no attribute {name!r}")
    module = importlib.import_module(_LAZY[name])
    value = module if name == "lowering" else getattr(module, name)  # that package can be called: a decorator
    globals()[name] = value
    return value
