"""What a golden case is, and how one is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers as kl

from xlite.quantizers import SteSign

SIGN = "sign"  # name of the last layer of a case that ends in bits


@dataclass(frozen=True)
class Case:
    """``family`` is the file it is stored in; ``gamma`` says how batch norms get theirs."""

    family: str
    name: str
    build: Callable[[], Any]
    gamma: str = "mixed"


def sequential(shape: tuple[int, ...], *stack: Any) -> Any:
    return keras.Sequential([keras.Input(shape), *stack])


def sign() -> Any:
    return kl.Activation(SteSign(), name=SIGN)
