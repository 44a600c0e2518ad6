"""Numbers, structs and arrays as C99 text: exact, and the same on every machine."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from xlite.interpreter.kernels.c import structs
from xlite.schema.types import DType

_WIDTH = 110

C_TYPES: dict[DType, str] = {
    DType.FLOAT32: "float",
    DType.INT32: "int32_t",
    DType.INT8: "int8_t",
    DType.UINT8: "uint8_t",
    DType.BIT: "uint32_t",
}

STRUCT_NAMES = {struct: name for name, struct in structs.STRUCTS.items()}


class FunctionNames:
    """Stands in for the loaded library where parameters hold a function: its address is a number of our own, from
    which the name is found again."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def address(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return 1 + self.names.index(name)

    def name(self, address: int) -> str:
        return self.names[address - 1]


def number(value: Any, dtype: DType) -> str:
    """One element, exact. Floats have as few digits as bring the same float32 back."""
    if dtype is DType.FLOAT32:
        return float32(float(value))
    if dtype is DType.BIT:
        return f"0x{int(value):08x}u"
    # -2147483648 is no literal of C but an expression whose type is too wide
    return "(-2147483647 - 1)" if int(value) == -(2**31) else str(int(value))


def float32(value: float) -> str:
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "-INFINITY" if value < 0 else "INFINITY"
    text = np.format_float_scientific(np.float32(value), unique=True, trim="-", exp_digits=1)
    if 1e-4 <= abs(value) < 1e7 or value == 0:
        text = np.format_float_positional(np.float32(value), unique=True, trim="0")
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def array(values: np.ndarray, dtype: DType) -> str:
    """The elements in lines, for between the braces of an initializer."""
    return "\n".join(lines([number(v, dtype) for v in values.reshape(-1)]))


def lines(items: Sequence[str]) -> Iterator[str]:
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > _WIDTH:
            yield line
            line = "   "
        line += f" {item},"
    if line.strip():
        yield line


def struct(value: Any, functions: FunctionNames) -> str:
    """A parameter struct as an initializer, every field by position."""
    if isinstance(value, ctypes.Array):
        return "{" + ", ".join(struct(item, functions) for item in value) + "}"
    if isinstance(value, structs.Activation):
        apply = functions.name(value.apply) if value.apply else "NULL"
        numbers = (value.alpha, value.max_value, value.threshold)
        return "{" + ", ".join([apply, *(float32(x) for x in numbers)]) + "}"
    if isinstance(value, ctypes.Structure):
        fields = (getattr(value, name) for name, *_ in value._fields_)
        return "{" + ", ".join(struct(item, functions) for item in fields) + "}"
    if isinstance(value, float):
        return float32(value)
    return number(value, DType.INT32)
