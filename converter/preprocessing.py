"""What a user says of the raw input, before anything is converted: numbers that a file can hold."""

from __future__ import annotations

import math
from typing import Any

from xlite.schema.errors import ConversionError
from xlite.schema.types import Preprocessing

LARGEST, SMALLEST = float.fromhex("0x1.fffffep127"), 2.0**-149  # of float32, the latter above 0
EXAMPLE = "0.00392156862745098"  # of 0 to 255 to 0 to 1


def checked(given: Any) -> Preprocessing:
    """The preprocessing, in Python's floats. Raises ConversionError where it is none, where float32 does not hold
    a number of it, or its scale, which would make every input the same, is 0 there."""
    if not isinstance(given, Preprocessing):
        raise ConversionError(
            f"the preprocessing is of type {type(given).__name__}; give an xlite.schema.Preprocessing, as "
            f"Preprocessing({EXAMPLE})"
        )
    scale, offset = _number(given.scale), _number(given.offset)
    for name, number, value in (("scale", scale, given.scale), ("offset", offset, given.offset)):
        if not abs(number) <= LARGEST:  # as it is not for a NaN either
            raise ConversionError(
                f"the {name} {value!r} of the preprocessing is no finite number of float32; "
                f"give another, as {EXAMPLE}"
            )
    if abs(scale) < SMALLEST:
        raise ConversionError(f"the scale {scale:g} makes every input the same; give another number, as {EXAMPLE}")
    return Preprocessing(scale, offset)


def checked_range(given: Any) -> tuple[float, float]:
    """The two ends of an input range. Raises ConversionError where they are no two finite numbers of float32."""
    try:
        low, high = map(_number, given)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (abs(low) <= LARGEST and abs(high) <= LARGEST):
        raise ConversionError(f"the input range {given!r}: give two finite numbers of float32, as 0, 1 or -1, 1")
    return low, high


def _number(value: Any) -> float:
    """NaN for what is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):  # the last: an int beyond every float
        return math.nan
