"""What a .xlite file says, as plain dataclasses: the one vocabulary that the converter, the file and the
interpreter share. The meaning of every field is in ``xlite.fbs``; names here are the same.
"""

from __future__ import annotations

import enum
import math
from functools import cached_property

import numpy as np

from xlite.schema.records import TYPE_CHECKING, field, record

if TYPE_CHECKING:
    from typing import Union

VERSION_MAJOR = 1
VERSION_MINOR = 2
FILE_IDENTIFIER = b"XLTE"
ALIGNMENT = 16  # bytes: of constants in the file and of tensors in the arena
WORD_BITS = 32
MAX_RANK = 6


class DType(enum.IntEnum):
    """Type of one element. ``BIT`` is one bit an element, packed into uint32 words; bit 1 means -1."""

    FLOAT32 = 0
    INT32 = 1
    INT8 = 2
    UINT8 = 3
    BIT = 4

    @property
    def numpy(self) -> np.dtype:
        """The numpy dtype that holds it; for ``BIT`` that of the bitpacked words (little-endian uint32)."""
        return _NUMPY[self]

    @property
    def short(self) -> str:
        """The name used in kernel names and tables: f32, i32, i8, u8, bit."""
        return _SHORT[self]


_NUMPY: dict[DType, np.dtype] = {
    DType.FLOAT32: np.dtype("<f4"),
    DType.INT32: np.dtype("<i4"),
    DType.INT8: np.dtype("i1"),
    DType.UINT8: np.dtype("u1"),
    DType.BIT: np.dtype("<u4"),
}
# The smallest and the largest value of the integers.
RANGES: dict[DType, tuple[int, int]] = {
    DType.INT32: (-(2**31), 2**31 - 1),
    DType.INT8: (-128, 127),
    DType.UINT8: (0, 255),
}
_SHORT = {DType.FLOAT32: "f32", DType.INT32: "i32", DType.INT8: "i8", DType.UINT8: "u8", DType.BIT: "bit"}


class OpKind(enum.IntEnum):
    """What an op computes; see ``xlite.fbs`` for each, ``schema/contracts`` for its inputs and rules."""

    CUSTOM = 0
    CONV_2D = 1
    DEPTHWISE_CONV_2D = 2
    DENSE = 3
    BATCH_NORM = 4
    SIGN = 5
    UNPACK = 6
    ACTIVATION = 7
    PRELU = 8
    SOFTMAX = 9
    MAX_POOL_2D = 10
    AVERAGE_POOL_2D = 11
    ADD = 12
    CONCATENATE = 13
    RESHAPE = 14
    PAD = 15
    CONV_3D = 16
    CONV_3D_TRANSPOSE = 17
    LOCALLY_CONNECTED_2D = 18
    MAX_POOL_3D = 19
    AVERAGE_POOL_3D = 20
    SUBTRACT = 21
    MULTIPLY = 22
    DIVIDE = 23
    MAXIMUM = 24
    MINIMUM = 25
    BIT_PLANES = 26
    FROM_PLANES = 27
    TRANSPOSE = 28
    SLICE = 29
    TILE = 30
    REDUCE = 31
    RESIZE_BILINEAR_2D = 32
    EMBEDDING = 33
    QUANTIZE = 34
    DEQUANTIZE = 35


class ActivationKind(enum.IntEnum):
    """Element-wise activations that an op can apply to its float output."""

    NONE = 0
    RELU = 1
    SIGMOID = 2
    TANH = 3
    HARD_TANH = 4
    ELU = 5
    SELU = 6
    CELU = 7
    SOFTPLUS = 8
    SOFTSIGN = 9
    SILU = 10
    GELU = 11
    GELU_TANH = 12
    HARD_SIGMOID = 13
    HARD_SILU = 14
    MISH = 15
    LOG_SIGMOID = 16
    TANH_SHRINK = 17
    SOFT_SHRINK = 18
    HARD_SHRINK = 19
    THRESHOLD = 20
    SQUAREPLUS = 21
    SPARSE_PLUS = 22
    SPARSE_SIGMOID = 23
    CLIP = 24
    ABS = 25
    NEGATE = 26
    SQUARE = 27
    SQRT = 28
    RSQRT = 29
    EXP = 30
    LOG = 31
    ROUND = 32
    FLOOR = 33
    SIGN = 34


class PlanesKind(enum.IntEnum):
    """How BIT_PLANES makes an integer q of a float: DoReFa-Net's quantizer (arXiv 1606.06160) or the Heaviside
    step."""

    DOREFA = 0
    HEAVISIDE = 1


class ReduceKind(enum.IntEnum):
    SUM = 0
    MEAN = 1
    MAX = 2
    MIN = 3
    PROD = 4


@record(frozen=True)
class Activation:
    """``alpha``, ``max_value`` and ``threshold`` are those of Keras's ReLU; what they are to the other kinds that
    take any stands in ``xlite.fbs``."""

    kind: ActivationKind = ActivationKind.NONE
    alpha: float = 0.0
    max_value: float = math.inf
    threshold: float = 0.0


NO_ACTIVATION = Activation()


@record(frozen=True)
class Conv2DOptions:
    stride_h: int = 1
    stride_w: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    pad_top: int = 0
    pad_bottom: int = 0
    pad_left: int = 0
    pad_right: int = 0
    pad_value: int = 0
    groups: int = 1
    output_dtype: DType = DType.FLOAT32
    activation: Activation = NO_ACTIVATION
    planes: int = 1
    input_multiplier: int = 1
    input_zero_point: int = 0


@record(frozen=True)
class DenseOptions:
    output_dtype: DType = DType.FLOAT32
    activation: Activation = NO_ACTIVATION
    planes: int = 1
    input_multiplier: int = 1
    input_zero_point: int = 0


@record(frozen=True)
class ActivationOptions:
    activation: Activation = NO_ACTIVATION


@record(frozen=True)
class Pool2DOptions:
    window_h: int = 1
    window_w: int = 1
    stride_h: int = 1
    stride_w: int = 1
    pad_top: int = 0
    pad_bottom: int = 0
    pad_left: int = 0
    pad_right: int = 0


@record(frozen=True)
class ConcatenateOptions:
    axis: int = -1


@record(frozen=True)
class ReshapeOptions:
    """``shape`` has no batch axis."""

    shape: tuple[int, ...] = ()


@record(frozen=True)
class PadOptions:
    """``paddings`` holds (before, after) flattened for every axis, batch included."""

    paddings: tuple[int, ...] = ()
    value: float = 0.0


@record(frozen=True)
class CustomOptions:
    name: str = ""
    data: bytes = b""


@record(frozen=True)
class Conv3DOptions:
    """``output_*`` are for CONV_3D_TRANSPOSE alone, 0 elsewhere; its paddings are cut off its full output."""

    stride_d: int = 1
    stride_h: int = 1
    stride_w: int = 1
    dilation_d: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    pad_front: int = 0
    pad_back: int = 0
    pad_top: int = 0
    pad_bottom: int = 0
    pad_left: int = 0
    pad_right: int = 0
    output_d: int = 0
    output_h: int = 0
    output_w: int = 0
    pad_value: int = 0
    groups: int = 1
    output_dtype: DType = DType.FLOAT32
    activation: Activation = NO_ACTIVATION
    planes: int = 1


@record(frozen=True)
class Pool3DOptions:
    window_d: int = 1
    window_h: int = 1
    window_w: int = 1
    stride_d: int = 1
    stride_h: int = 1
    stride_w: int = 1
    pad_front: int = 0
    pad_back: int = 0
    pad_top: int = 0
    pad_bottom: int = 0
    pad_left: int = 0
    pad_right: int = 0


@record(frozen=True)
class PlanesOptions:
    kind: PlanesKind = PlanesKind.DOREFA
    planes: int = 1


@record(frozen=True)
class TransposeOptions:
    """``permutation`` has an entry an axis; the batch stays first."""

    permutation: tuple[int, ...] = ()


@record(frozen=True)
class SliceOptions:
    """Element i of an axis is ``begin + i * stride``, ``size`` of them; an entry an axis, batch included."""

    begin: tuple[int, ...] = ()
    size: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()


@record(frozen=True)
class TileOptions:
    """``multiples`` has an entry an axis, 1 for the batch."""

    multiples: tuple[int, ...] = ()


@record(frozen=True)
class ReduceOptions:
    """``axes`` ascend and never hold the batch."""

    kind: ReduceKind = ReduceKind.SUM
    axes: tuple[int, ...] = ()
    keepdims: bool = False


@record(frozen=True)
class ResizeOptions:
    height: int = 1
    width: int = 1


@record(frozen=True)
class QuantizeOptions:
    """``output_dtype`` is INT8 or UINT8 for QUANTIZE, FLOAT32 for DEQUANTIZE."""

    output_dtype: DType = DType.FLOAT32
    scale: float = 1.0
    zero_point: int = 0


if TYPE_CHECKING:
    Options = Union[
        Conv2DOptions,
        DenseOptions,
        ActivationOptions,
        Pool2DOptions,
        ConcatenateOptions,
        ReshapeOptions,
        PadOptions,
        CustomOptions,
        Conv3DOptions,
        Pool3DOptions,
        PlanesOptions,
        TransposeOptions,
        SliceOptions,
        TileOptions,
        ReduceOptions,
        ResizeOptions,
        QuantizeOptions,
    ]
else:
    Options = object  # for annotations alone: importing typing takes longer than this module

# Which options table an op carries; kinds that are not listed carry none.
OPTIONS_OF_KIND: dict[OpKind, type] = {
    OpKind.CUSTOM: CustomOptions,
    OpKind.CONV_2D: Conv2DOptions,
    OpKind.DEPTHWISE_CONV_2D: Conv2DOptions,
    OpKind.DENSE: DenseOptions,
    OpKind.ACTIVATION: ActivationOptions,
    OpKind.MAX_POOL_2D: Pool2DOptions,
    OpKind.AVERAGE_POOL_2D: Pool2DOptions,
    OpKind.CONCATENATE: ConcatenateOptions,
    OpKind.RESHAPE: ReshapeOptions,
    OpKind.PAD: PadOptions,
    OpKind.CONV_3D: Conv3DOptions,
    OpKind.CONV_3D_TRANSPOSE: Conv3DOptions,
    OpKind.LOCALLY_CONNECTED_2D: Conv2DOptions,
    OpKind.MAX_POOL_3D: Pool3DOptions,
    OpKind.AVERAGE_POOL_3D: Pool3DOptions,
    OpKind.BIT_PLANES: PlanesOptions,
    OpKind.FROM_PLANES: PlanesOptions,
    OpKind.TRANSPOSE: TransposeOptions,
    OpKind.SLICE: SliceOptions,
    OpKind.TILE: TileOptions,
    OpKind.REDUCE: ReduceOptions,
    OpKind.RESIZE_BILINEAR_2D: ResizeOptions,
    OpKind.QUANTIZE: QuantizeOptions,
    OpKind.DEQUANTIZE: QuantizeOptions,
}


@record(frozen=True)
class TensorType:
    """Shape (elements, batch first for activations) and dtype; for ``BIT`` also how rows are packed."""

    shape: tuple[int, ...]
    dtype: DType
    packed_axes: int = 1

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def storage_shape(self) -> tuple[int, ...]:
        """Shape of the numpy array that holds the tensor: of words for ``BIT``, else ``shape`` itself.

        A bit tensor (N, H, W, C) is held as uint32 (N, H, W, ceil(C / 32)); a bit filter (O, H, W, I) with
        ``packed_axes=3`` as uint32 (O, ceil(H * W * I / 32)).
        """
        if self.dtype is not DType.BIT:
            return self.shape
        split = len(self.shape) - self.packed_axes
        row = math.prod(self.shape[split:])
        return (*self.shape[:split], -(-row // WORD_BITS))

    @cached_property
    def nbytes(self) -> int:
        return math.prod(self.storage_shape) * self.dtype.numpy.itemsize

    def __str__(self) -> str:
        return f"{self.dtype.short}[{','.join(map(str, self.shape))}]"


@record
class Tensor:
    """A value: an activation (``data`` is None) or a constant (``data`` has ``type.storage_shape``).

    ``scale`` and ``zero_point`` say, of integers, which numbers they stand for: ``(q - zero_point) * scale``. A
    scale of 0 says nothing. They are for people and for what feeds a model; no op looks at them.
    """

    name: str
    type: TensorType
    data: np.ndarray | None = None
    scale: float = 0.0
    zero_point: int = 0

    @property
    def is_constant(self) -> bool:
        return self.data is not None


@record
class Op:
    """``inputs`` and ``outputs`` are indices into ``Model.tensors``; -1 is an absent optional input."""

    kind: OpKind
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Options | None = None
    name: str = ""

    @property
    def label(self) -> str:
        """What messages and tables call it: the custom op's name or the kind in lower case."""
        if isinstance(self.options, CustomOptions):
            return self.options.name
        return self.kind.name.lower()


@record
class Plan:
    """Where each tensor lies in the arena, in bytes, for batch 1 (-1: a constant)."""

    offsets: tuple[int, ...]
    arena_bytes: int
    lower_bound: int


@record
class Preprocessing:
    """How raw input becomes the model's: ``float32(raw) * scale + offset``."""

    scale: float = 1.0
    offset: float = 0.0


@record
class Metadata:
    producer: str = ""
    source_name: str = ""
    source_sha256: str = ""
    source_format: str = ""
    model_name: str = ""
    labels: list[str] = field(default_factory=list)
    preprocessing: Preprocessing | None = None
    entries: dict[str, str] = field(default_factory=dict)


@record
class Model:
    """A whole file. ``ops`` are in running order; ``plan`` may be None (then the interpreter plans)."""

    tensors: list[Tensor]
    ops: list[Op]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    plan: Plan | None = None
    metadata: Metadata = field(default_factory=Metadata)
    version_major: int = VERSION_MAJOR
    version_minor: int = VERSION_MINOR
