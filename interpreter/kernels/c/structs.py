"""The structs of ``xlite.h`` as ctypes. Field for field the same; what they mean stands there."""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_float, c_int32, c_uint32, c_uint64, c_void_p

ABI_VERSION = 4
MAX_INPUTS = 6
MAX_RANK = 6


class Op(ctypes.Structure):
    _fields_ = [
        ("run", c_void_p),
        ("params", c_void_p),
        ("inputs", c_void_p * MAX_INPUTS),
        ("out", c_void_p),
        ("workspace", c_void_p),
        ("workspace_bytes", c_uint32),
        ("tag", c_uint32),
        ("threads", c_void_p),
    ]


class Activation(ctypes.Structure):
    _fields_ = [("apply", c_void_p), ("alpha", c_float), ("max_value", c_float), ("threshold", c_float)]


class Window(ctypes.Structure):
    _fields_ = [
        ("in_h", c_int32),
        ("in_w", c_int32),
        ("out_h", c_int32),
        ("out_w", c_int32),
        ("window_h", c_int32),
        ("window_w", c_int32),
        ("stride_h", c_int32),
        ("stride_w", c_int32),
        ("dilation_h", c_int32),
        ("dilation_w", c_int32),
        ("pad_top", c_int32),
        ("pad_left", c_int32),
    ]


class Conv2DParams(ctypes.Structure):
    _fields_ = [
        ("activation", Activation),
        ("window", Window),
        ("batch", c_int32),
        ("in_c", c_int32),
        ("out_c", c_int32),
        ("pad_value", c_int32),
        ("groups", c_int32),
        ("planes", c_int32),
        ("masked", c_int32),
        ("input_multiplier", c_int32),
        ("input_zero_point", c_int32),
    ]


class Axis(ctypes.Structure):
    _fields_ = [
        ("in", c_int32),
        ("out", c_int32),
        ("window", c_int32),
        ("stride", c_int32),
        ("dilation", c_int32),
        ("pad", c_int32),
    ]


class Conv3DParams(ctypes.Structure):
    _fields_ = [
        ("activation", Activation),
        ("axis", Axis * 3),
        ("batch", c_int32),
        ("in_c", c_int32),
        ("out_c", c_int32),
        ("pad_value", c_int32),
        ("groups", c_int32),
        ("planes", c_int32),
        ("masked", c_int32),
    ]


class DenseParams(ctypes.Structure):
    _fields_ = [
        ("activation", Activation),
        ("rows", c_int32),
        ("features", c_int32),
        ("units", c_int32),
        ("planes", c_int32),
        ("masked", c_int32),
        ("input_multiplier", c_int32),
        ("input_zero_point", c_int32),
    ]


class RowsParams(ctypes.Structure):
    _fields_ = [("rows", c_int32), ("channels", c_int32)]


class BytesParams(ctypes.Structure):
    _fields_ = [("bytes", c_int32)]


class QuantizeParams(ctypes.Structure):
    _fields_ = [("count", c_int32), ("scale", c_float), ("zero_point", c_int32)]


class BinaryParams(ctypes.Structure):
    _fields_ = [("rank", c_int32), ("a_shape", c_int32 * MAX_RANK), ("b_shape", c_int32 * MAX_RANK)]


class PlanesParams(ctypes.Structure):
    _fields_ = [("rows", c_int32), ("channels", c_int32), ("planes", c_int32), ("kind", c_int32)]


class ActivationParams(ctypes.Structure):
    _fields_ = [("activation", Activation), ("count", c_int32)]


class PreluParams(ctypes.Structure):
    _fields_ = [("rank", c_int32), ("shape", c_int32 * MAX_RANK), ("slope_shape", c_int32 * MAX_RANK)]


class Pool2DParams(ctypes.Structure):
    _fields_ = [("window", Window), ("batch", c_int32), ("channels", c_int32)]


class Pool3DParams(ctypes.Structure):
    _fields_ = [("axis", Axis * 3), ("batch", c_int32), ("channels", c_int32)]


class Part(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("extent", c_int32)]


class ConcatenateParams(ctypes.Structure):
    _fields_ = [("rows", c_int32), ("count", c_int32)]


class ReshapeParams(ctypes.Structure):
    _fields_ = [("in_rows", c_int32), ("in_bits", c_int32), ("out_rows", c_int32), ("out_bits", c_int32)]


class PadParams(ctypes.Structure):
    _fields_ = [
        ("rank", c_int32),
        ("shape", c_int32 * MAX_RANK),
        ("before", c_int32 * MAX_RANK),
        ("after", c_int32 * MAX_RANK),
        ("value", c_float),
    ]


class TransposeParams(ctypes.Structure):
    _fields_ = [("rank", c_int32), ("shape", c_int32 * MAX_RANK), ("permutation", c_int32 * MAX_RANK)]


class SliceParams(ctypes.Structure):
    _fields_ = [
        ("rank", c_int32),
        ("shape", c_int32 * MAX_RANK),
        ("begin", c_int32 * MAX_RANK),
        ("size", c_int32 * MAX_RANK),
        ("stride", c_int32 * MAX_RANK),
    ]


class TileParams(ctypes.Structure):
    _fields_ = [("rank", c_int32), ("shape", c_int32 * MAX_RANK), ("multiples", c_int32 * MAX_RANK)]


class ReduceParams(ctypes.Structure):
    _fields_ = [
        ("kind", c_int32),
        ("rank", c_int32),
        ("shape", c_int32 * MAX_RANK),
        ("reduced", c_int32 * MAX_RANK),
    ]


class ResizeParams(ctypes.Structure):
    _fields_ = [
        ("batch", c_int32),
        ("in_h", c_int32),
        ("in_w", c_int32),
        ("out_h", c_int32),
        ("out_w", c_int32),
        ("channels", c_int32),
    ]


class EmbeddingParams(ctypes.Structure):
    _fields_ = [("count", c_int32), ("rows", c_int32), ("columns", c_int32)]


class Threads(ctypes.Structure):
    _fields_ = [("count", c_int32), ("run", c_void_p)]


class TiledConv2DParams(ctypes.Structure):
    _fields_ = [
        ("conv", Conv2DParams),
        ("isa", c_void_p),
        ("filters", c_void_p),
        ("folds", c_void_p),
        ("threads", c_int32),
    ]


class Timer(ctypes.Structure):
    _fields_ = [("started", c_uint64), ("nanoseconds", ctypes.POINTER(c_uint64))]


class StructSize(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("bytes", c_uint32)]


# By the name in the header: what a library's own sizes are compared with.
STRUCTS: dict[str, type[ctypes.Structure]] = {
    "xl_op": Op,
    "xl_activation": Activation,
    "xl_window": Window,
    "xl_conv2d_params": Conv2DParams,
    "xl_axis": Axis,
    "xl_conv3d_params": Conv3DParams,
    "xl_dense_params": DenseParams,
    "xl_rows_params": RowsParams,
    "xl_bytes_params": BytesParams,
    "xl_quantize_params": QuantizeParams,
    "xl_binary_params": BinaryParams,
    "xl_planes_params": PlanesParams,
    "xl_activation_params": ActivationParams,
    "xl_prelu_params": PreluParams,
    "xl_pool2d_params": Pool2DParams,
    "xl_pool3d_params": Pool3DParams,
    "xl_part": Part,
    "xl_concatenate_params": ConcatenateParams,
    "xl_reshape_params": ReshapeParams,
    "xl_pad_params": PadParams,
    "xl_transpose_params": TransposeParams,
    "xl_slice_params": SliceParams,
    "xl_tile_params": TileParams,
    "xl_reduce_params": ReduceParams,
    "xl_resize_params": ResizeParams,
    "xl_embedding_params": EmbeddingParams,
    "xl_threads": Threads,
    "xl_tiled_conv2d_params": TiledConv2DParams,
    "xl_timer": Timer,
}
