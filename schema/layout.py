"""The tables of ``xlite.fbs`` as data: what the decoder walks a file by.

Fields stand in the order of their slots; a test compares every slot, kind, default and alignment with what
flatc says about ``xlite.fbs``, so that this description cannot drift from it.
"""

from __future__ import annotations

import math

from xlite.schema.limits import MAX_BUFFERS, MAX_ENTRIES, MAX_LABELS, MAX_OPS, MAX_TENSORS
from xlite.schema.records import TYPE_CHECKING, record

if TYPE_CHECKING:
    from typing import Any, Optional

SCALARS = {"bool": "<?", "u8": "<B", "i8": "<b", "u16": "<H", "i32": "<i", "i64": "<q", "u64": "<Q", "f32": "<f"}


@record(frozen=True)
class Field:
    """One field. ``kind`` is a key of ``SCALARS``, ``string``, ``table``, ``union``, or a vector of one of these
    in brackets. A union takes two slots, its type and its value. ``of``: the table, or the union's members in
    order. ``align``: of a vector's first element, in bytes, where the schema asks for more than the element.
    ``limit``: the longest vector that a reader takes.
    """

    name: str
    kind: str
    default: Any = None
    of: Any = None
    align: Optional[int] = None
    limit: Optional[int] = None


@record(frozen=True)
class Table:
    name: str
    fields: tuple[Field, ...]


def _scalars(kind: str, **defaults: Any) -> tuple[Field, ...]:
    return tuple(Field(name, kind, default) for name, default in defaults.items())


_STRIDES = _scalars("i32", stride_h=1, stride_w=1)
_PADS = _scalars("i32", pad_top=0, pad_bottom=0, pad_left=0, pad_right=0)
_PADS_3D = (*_scalars("i32", pad_front=0, pad_back=0), *_PADS)

ACTIVATION = Table(
    "Activation",
    (Field("kind", "u8", 0), *_scalars("f32", alpha=0.0, max_value=math.inf, threshold=0.0)),
)
_ACTIVATED = Field("activation", "table", of=ACTIVATION)

CONV_2D_OPTIONS = Table(
    "Conv2DOptions",
    (
        *_STRIDES,
        *_scalars("i32", dilation_h=1, dilation_w=1),
        *_PADS,
        Field("pad_value", "i8", 0),
        Field("groups", "i32", 1),
        Field("output_dtype", "u8", 0),
        _ACTIVATED,
        *_scalars("i32", planes=1, input_multiplier=1, input_zero_point=0),
    ),
)
DENSE_OPTIONS = Table(
    "DenseOptions",
    (
        Field("output_dtype", "u8", 0),
        _ACTIVATED,
        *_scalars("i32", planes=1, input_multiplier=1, input_zero_point=0),
    ),
)
ACTIVATION_OPTIONS = Table("ActivationOptions", (_ACTIVATED,))
POOL_2D_OPTIONS = Table("Pool2DOptions", (*_scalars("i32", window_h=1, window_w=1), *_STRIDES, *_PADS))
CONCATENATE_OPTIONS = Table("ConcatenateOptions", (Field("axis", "i32", -1),))
RESHAPE_OPTIONS = Table("ReshapeOptions", (Field("shape", "[i32]", ()),))
PAD_OPTIONS = Table("PadOptions", (Field("paddings", "[i32]", ()), Field("value", "f32", 0.0)))
CUSTOM_OPTIONS = Table("CustomOptions", (Field("name", "string", ""), Field("data", "[u8]")))

CONV_3D_OPTIONS = Table(
    "Conv3DOptions",
    (
        *_scalars("i32", stride_d=1, stride_h=1, stride_w=1),
        *_scalars("i32", dilation_d=1, dilation_h=1, dilation_w=1),
        *_PADS_3D,
        *_scalars("i32", output_d=0, output_h=0, output_w=0),
        Field("pad_value", "i8", 0),
        Field("groups", "i32", 1),
        Field("output_dtype", "u8", 0),
        _ACTIVATED,
        Field("planes", "i32", 1),
    ),
)
POOL_3D_OPTIONS = Table(
    "Pool3DOptions",
    (
        *_scalars("i32", window_d=1, window_h=1, window_w=1),
        *_scalars("i32", stride_d=1, stride_h=1, stride_w=1),
        *_PADS_3D,
    ),
)
PLANES_OPTIONS = Table("PlanesOptions", (Field("kind", "u8", 0), Field("planes", "i32", 1)))
TRANSPOSE_OPTIONS = Table("TransposeOptions", (Field("permutation", "[i32]", ()),))
SLICE_OPTIONS = Table("SliceOptions", tuple(Field(name, "[i32]", ()) for name in ("begin", "size", "stride")))
TILE_OPTIONS = Table("TileOptions", (Field("multiples", "[i32]", ()),))
REDUCE_OPTIONS = Table(
    "ReduceOptions", (Field("kind", "u8", 0), Field("axes", "[i32]", ()), Field("keepdims", "bool", False))
)
RESIZE_OPTIONS = Table("ResizeOptions", _scalars("i32", height=1, width=1))
QUANTIZE_OPTIONS = Table(
    "QuantizeOptions", (Field("output_dtype", "u8", 0), Field("scale", "f32", 1.0), Field("zero_point", "i32", 0))
)

# The members of the union OpOptions; its type byte is 1 for the first, 0 for none.
OP_OPTIONS = (
    CONV_2D_OPTIONS,
    DENSE_OPTIONS,
    ACTIVATION_OPTIONS,
    POOL_2D_OPTIONS,
    CONCATENATE_OPTIONS,
    RESHAPE_OPTIONS,
    PAD_OPTIONS,
    CUSTOM_OPTIONS,
    CONV_3D_OPTIONS,
    POOL_3D_OPTIONS,
    PLANES_OPTIONS,
    TRANSPOSE_OPTIONS,
    SLICE_OPTIONS,
    TILE_OPTIONS,
    REDUCE_OPTIONS,
    RESIZE_OPTIONS,
    QUANTIZE_OPTIONS,
)

OP = Table(
    "Op",
    (
        Field("kind", "u16", 0),
        Field("inputs", "[i32]", ()),
        Field("outputs", "[i32]", ()),
        Field("options", "union", of=OP_OPTIONS),
        Field("name", "string", ""),
    ),
)
TENSOR = Table(
    "Tensor",
    (
        Field("name", "string", ""),
        Field("shape", "[i32]", ()),
        Field("dtype", "u8", 0),
        Field("buffer", "i32", -1),
        Field("packed_axes", "u8", 1),
        Field("scale", "f32", 0.0),
        Field("zero_point", "i32", 0),
    ),
)
BUFFER = Table("Buffer", (Field("data", "[u8]", align=16),))
PLAN = Table(
    "Plan",
    (Field("offsets", "[i64]", ()), Field("arena_bytes", "u64", 0), Field("lower_bound", "u64", 0)),
)
KEY_VALUE = Table("KeyValue", (Field("key", "string", ""), Field("value", "string", "")))
PREPROCESSING = Table("Preprocessing", _scalars("f32", scale=1.0, offset=0.0))
METADATA = Table(
    "Metadata",
    (
        Field("producer", "string", ""),
        Field("source_name", "string", ""),
        Field("source_sha256", "string", ""),
        Field("source_format", "string", ""),
        Field("model_name", "string", ""),
        Field("labels", "[string]", (), limit=MAX_LABELS),
        Field("preprocessing", "table", of=PREPROCESSING),
        Field("entries", "[table]", of=KEY_VALUE, limit=MAX_ENTRIES),
    ),
)
MODEL = Table(
    "Model",
    (
        Field("version_major", "u16", 0),
        Field("version_minor", "u16", 0),
        Field("tensors", "[table]", of=TENSOR, limit=MAX_TENSORS),
        Field("buffers", "[table]", of=BUFFER, limit=MAX_BUFFERS),
        Field("ops", "[table]", of=OP, limit=MAX_OPS),
        Field("inputs", "[i32]", ()),
        Field("outputs", "[i32]", ()),
        Field("plan", "table", of=PLAN),
        Field("metadata", "table", of=METADATA),
    ),
)
TABLES = (*OP_OPTIONS, ACTIVATION, OP, TENSOR, BUFFER, PLAN, KEY_VALUE, PREPROCESSING, METADATA, MODEL)
