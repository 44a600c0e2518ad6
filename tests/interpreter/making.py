"""What makes one op with random operands. Values are logical: float32 or int32 arrays, int8 +1 and -1 for bits."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xlite.interpreter.kernels.base import OpSpec
from xlite.schema.contracts import infer
from xlite.schema.types import RANGES, Activation, ActivationKind, DType, Op, OpKind, Options, TensorType

F32, I32, I8, U8, BIT = DType.FLOAT32, DType.INT32, DType.INT8, DType.UINT8, DType.BIT
PAIRS_OF_INTEGERS = ((U8, I8), (U8, BIT), (I8, I8), (I8, BIT), (BIT, I8), (F32, I8))
CHANNELS = (1, 3, 31, 32, 33, 64, 70)


# (alpha, max_value, threshold) that an activation is drawn with; the others take none
_PARAMETERS = {
    ActivationKind.RELU: [(0.0, math.inf, 0.0), (0.25, 6.0, 0.0), (0.1, 6.0, 0.5), (0.25, math.inf, -1.0)],
    ActivationKind.ELU: [(1.0, math.inf, 0.0), (0.7, math.inf, 0.0)],
    ActivationKind.CELU: [(1.0, math.inf, 0.0), (0.7, math.inf, 0.0)],
    ActivationKind.HARD_SIGMOID: [(1 / 6, math.inf, 0.5), (0.2, math.inf, 0.5)],
    ActivationKind.SOFT_SHRINK: [(0.0, math.inf, 0.5), (0.0, math.inf, 0.3)],
    ActivationKind.HARD_SHRINK: [(0.0, math.inf, 0.5), (0.0, math.inf, 0.3)],
    ActivationKind.THRESHOLD: [(-2.0, math.inf, 0.3), (0.0, math.inf, 1.0)],
    ActivationKind.SQUAREPLUS: [(4.0, math.inf, 0.0), (0.3, math.inf, 0.0)],
    ActivationKind.CLIP: [(0.0, 1.5, -0.5), (0.0, math.inf, 0.1), (0.0, 0.5, -math.inf)],
}


def activation_of(kind: ActivationKind, pick: random.Random) -> Activation:
    """Some activation of a kind."""
    return Activation(kind, *pick.choice(_PARAMETERS.get(kind, [(0.0, math.inf, 0.0)])))


@dataclass(frozen=True)
class Case:
    op: Op
    types: tuple[TensorType | None, ...]
    values: tuple[np.ndarray | None, ...]
    output: TensorType

    @property
    def spec(self) -> OpSpec:
        return OpSpec(self.op, self.types, (self.output,))


class Maker:
    """Random values and the case they make."""

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)
        self.rng = np.random.default_rng(seed)
        self.types: list[TensorType | None] = []
        self.values: list[np.ndarray | None] = []

    def add(self, shape: Sequence[int], dtype: DType, packed_axes: int = 1) -> None:
        shape = tuple(shape)
        if dtype is BIT:
            value = self.rng.choice(np.array([-1, 1], np.int8), size=shape)
        elif dtype in (I8, U8):
            low, high = RANGES[dtype]
            value = self.rng.integers(low, high + 1, size=shape).astype(dtype.numpy)
            value.reshape(-1)[:2] = [low, high][: value.size]
        elif dtype is I32:
            value = self.rng.integers(-20, 21, size=shape).astype(np.int32)
        else:
            value = self.rng.normal(size=shape).astype(np.float32)
        self.give(value, dtype, packed_axes)

    def give(self, value: np.ndarray | None, dtype: DType = F32, packed_axes: int = 1) -> None:
        self.types.append(None if value is None else TensorType(value.shape, dtype, packed_axes))
        self.values.append(value)

    def case(self, kind: OpKind, options: Options | None = None) -> Case:
        (output,) = infer(kind, self.types, options)
        op = Op(kind, tuple(range(len(self.types))), (len(self.types),), options, "op")
        return Case(op, tuple(self.types), tuple(self.values), output)

    def activation(self) -> Activation:
        return activation_of(self.pick.choice(list(ActivationKind)), self.pick)

    def dtypes(self) -> tuple[DType, DType, DType]:
        """Of x, filter and output."""
        return self.pick.choice(
            [(F32, F32, F32), (F32, BIT, F32), (BIT, BIT, F32), (BIT, BIT, I32), (BIT, BIT, BIT), (BIT, BIT, BIT)]
        )

    def integer_dtypes(self) -> tuple[DType, DType, DType]:
        """The same where x or the filter is of bytes."""
        x, filters = self.pick.choice(PAIRS_OF_INTEGERS)
        return x, filters, F32 if x is F32 else self.pick.choice([F32, I32, BIT])

    def numbers(self, x: DType) -> dict:
        """What elements of integers count as."""
        if x not in (I8, U8):
            return {}
        multiplier, zero_point = self.pick.choice(
            [(1, 0), (1, RANGES[x][0]), (1, 77), (2, 255), (5, -300), (64, 0)]
        )
        return {"input_multiplier": multiplier, "input_zero_point": zero_point}

    def planes(self, x: DType) -> int:
        return self.pick.choice([1, 1, 1, 2, 3, 8]) if x is BIT else 1

    def finish(self, channels: int, out: DType, length: int) -> Activation:
        """Scale, bias, threshold and mask, some of them absent; returns the activation. The filter is slot 1."""
        for _ in ("scale", "bias"):
            if out is F32 and self.pick.random() < 0.7:
                self.add((channels,), F32)
            else:
                self.give(None)
        if out is BIT:
            length *= {U8: 200, I8: 200}.get(self.types[0].dtype, 1) * (80 if self.types[1].dtype is I8 else 1)
            threshold = self.rng.integers(-length // 3 - 1, length // 3 + 2, size=channels).astype(np.int32)
            threshold[:: max(1, channels // 3)] = self.pick.choice([-(2**31), 2**31 - 1, 0])
            self.give(threshold, I32)
        else:
            self.give(None)
        filters = self.types[1]
        if filters.dtype is BIT and self.pick.random() < 0.3:
            self.add(filters.shape, BIT, filters.packed_axes)
        else:
            self.give(None)
        return self.activation() if out is F32 else Activation()

    def window(self, bits: bool) -> dict:
        """Stride, dilation and padding of a convolution."""
        pads = [self.pick.choice([0, 0, 1, 2]) for _ in range(4)]
        names = ("pad_top", "pad_bottom", "pad_left", "pad_right")
        return {
            "stride_h": self.pick.choice([1, 1, 2, 3]),
            "stride_w": self.pick.choice([1, 1, 2]),
            "dilation_h": self.pick.choice([1, 1, 2]),
            "dilation_w": self.pick.choice([1, 1, 3]),
            "pad_value": self.pick.choice([0, 0, 1, -1]) if bits else 0,
            **dict(zip(names, pads)),
        }
