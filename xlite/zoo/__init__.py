"""Networks and the data to train them on.

``fashion``  a binary convolutional network for Fashion-MNIST, its float twin and its training recipe (Keras)
``datasets`` readers for the image sets that the recipes use (numpy only)
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["datasets", "fashion"]


def __getattr__(name: str) -> Any:
    # Lazily: `datasets` must stay usable where Keras is not installed.
    if name in __all__:
        return importlib.import_module(f"xlite.zoo.{name}")
    raise AttributeError(f"module 'xlite.zoo' has no attribute {name!r}")
