"""The kernels of the C backend: for each function of the library, which op and which dtypes it is for."""

from __future__ import annotations

import ctypes

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec
from xlite.interpreter.kernels.c import integers, lookup, params, tiled, tiled_f32
from xlite.interpreter.kernels.c.calling import make_step
from xlite.interpreter.kernels.c.library import Library, available, load
from xlite.interpreter.kernels.c.steps import CStep
from xlite.schema.contracts.infer import same_rows
from xlite.schema.records import TYPE_CHECKING
from xlite.schema.types import DType, OpKind

if TYPE_CHECKING:
    from typing import Callable

    _Params = Callable[[OpSpec, Library], ctypes.Structure]
    _Supports = Callable[[OpSpec], bool]

F32, I32, BIT = DType.FLOAT32, DType.INT32, DType.BIT

# The parameters of the portable kernels, by name: for code that calls them in another way than make_step.
PARAMS: dict[str, _Params] = {}
WORKSPACES: dict[str, str] = {}  # and the functions that give their scratch, of those that take any


def _kernel(name: str, kind: OpKind, make_params: _Params, supports: _Supports, workspace: str = "") -> Kernel:
    """workspace: the library's function that gives the scratch bytes; empty where none are needed."""

    def scratch(spec: OpSpec) -> int:
        return load().workspace(workspace, make_params(spec, load())) if workspace else 0

    def prepare(spec: OpSpec, buffers: Buffers) -> CStep:
        return make_step(load(), name, make_params(spec, load()), spec, buffers)

    def usable(spec: OpSpec) -> bool:
        return available() and supports(spec)

    PARAMS[name] = make_params
    if workspace:
        WORKSPACES[name] = workspace
    return Kernel(name, "c", kind, prepare, supports=usable, workspace=scratch)


def _dtypes(*inputs: DType, out: DType) -> _Supports:
    def supports(spec: OpSpec) -> bool:
        given = tuple(x.dtype for x in spec.inputs[: len(inputs)] if x is not None)
        return given == inputs and spec.outputs[0].dtype is out

    return supports


def _filtered(name: str, kind: OpKind, make_params: _Params, scratch: str) -> list[Kernel]:
    """The five kernels of an op with a filter. scratch: what needs a workspace, of "bits" and "floats"."""
    bits = f"{name}_b_b_workspace" if "bits" in scratch else ""
    floats = f"{name}_f32_workspace" if "floats" in scratch else ""
    return [
        _kernel(f"{name}_b_b_b", kind, make_params, _dtypes(BIT, BIT, out=BIT), bits),
        _kernel(f"{name}_b_b_i32", kind, make_params, _dtypes(BIT, BIT, out=I32), bits),
        _kernel(f"{name}_b_b_f32", kind, make_params, _dtypes(BIT, BIT, out=F32), bits),
        _kernel(f"{name}_f32_b_f32", kind, make_params, _dtypes(F32, BIT, out=F32), floats),
        _kernel(f"{name}_f32_f32_f32", kind, make_params, _dtypes(F32, F32, out=F32), floats),
    ]


def _keeps_bytes(spec: OpSpec) -> bool:
    return spec.inputs[0] is not None and same_rows(spec.inputs[0], spec.outputs[0])


def _repacks(spec: OpSpec) -> bool:
    return not _keeps_bytes(spec)


_F32, _BITS = _dtypes(F32, out=F32), _dtypes(BIT, out=BIT)

# In order of preference where an op has several.
KERNELS: tuple[Kernel, ...] = (
    *tiled.KERNELS,
    *tiled_f32.KERNELS,
    *lookup.KERNELS,
    *_filtered("xl_conv2d", OpKind.CONV_2D, params.conv_2d, "bits, floats"),
    *_filtered("xl_depthwise_conv2d", OpKind.DEPTHWISE_CONV_2D, params.conv_2d, ""),
    *_filtered("xl_dense", OpKind.DENSE, params.dense, "bits"),
    *_filtered("xl_conv3d", OpKind.CONV_3D, params.conv_3d, "bits, floats"),
    *_filtered("xl_conv3d_transpose", OpKind.CONV_3D_TRANSPOSE, params.conv_3d, "bits, floats"),
    *_filtered("xl_locally_connected2d", OpKind.LOCALLY_CONNECTED_2D, params.conv_2d, "bits, floats"),
    _kernel("xl_batch_norm_f32", OpKind.BATCH_NORM, params.rows, _F32),
    _kernel("xl_sign_f32_b", OpKind.SIGN, params.rows, _dtypes(F32, out=BIT)),
    _kernel("xl_unpack_b_f32", OpKind.UNPACK, params.rows, _dtypes(BIT, out=F32)),
    _kernel("xl_activation_f32", OpKind.ACTIVATION, params.activation, _F32),
    _kernel("xl_prelu_f32", OpKind.PRELU, params.prelu, _F32),
    _kernel("xl_softmax_f32", OpKind.SOFTMAX, params.rows, _F32),
    _kernel("xl_max_pool2d_f32", OpKind.MAX_POOL_2D, params.pool_2d, _F32),
    _kernel("xl_max_pool2d_b", OpKind.MAX_POOL_2D, params.pool_2d, _BITS),
    _kernel("xl_average_pool2d_f32", OpKind.AVERAGE_POOL_2D, params.pool_2d, _F32),
    _kernel("xl_add_f32", OpKind.ADD, params.binary, _F32),
    _kernel("xl_subtract_f32", OpKind.SUBTRACT, params.binary, _F32),
    _kernel("xl_multiply_f32", OpKind.MULTIPLY, params.binary, _F32),
    _kernel("xl_divide_f32", OpKind.DIVIDE, params.binary, _F32),
    _kernel("xl_maximum_f32", OpKind.MAXIMUM, params.binary, _F32),
    _kernel("xl_minimum_f32", OpKind.MINIMUM, params.binary, _F32),
    _kernel("xl_bit_planes_f32_b", OpKind.BIT_PLANES, params.planes, _dtypes(F32, out=BIT)),
    _kernel("xl_from_planes_b_f32", OpKind.FROM_PLANES, params.planes, _dtypes(BIT, out=F32)),
    _kernel("xl_max_pool3d_f32", OpKind.MAX_POOL_3D, params.pool_3d, _F32),
    _kernel("xl_average_pool3d_f32", OpKind.AVERAGE_POOL_3D, params.pool_3d, _F32),
    _kernel("xl_reduce_f32", OpKind.REDUCE, params.reduce, _F32),
    _kernel("xl_concatenate_f32", OpKind.CONCATENATE, params.concatenate, _F32),
    _kernel("xl_concatenate_b", OpKind.CONCATENATE, params.concatenate, _BITS),
    _kernel("xl_reshape_copy", OpKind.RESHAPE, params.whole, _keeps_bytes),
    _kernel("xl_reshape_b", OpKind.RESHAPE, params.reshape_bits, _repacks),
    _kernel("xl_pad_f32", OpKind.PAD, params.pad, _F32),
    _kernel("xl_pad_b", OpKind.PAD, params.pad, _BITS),
    _kernel("xl_transpose_f32", OpKind.TRANSPOSE, params.transpose, _F32),
    _kernel("xl_transpose_b", OpKind.TRANSPOSE, params.transpose, _BITS),
    _kernel("xl_slice_f32", OpKind.SLICE, params.slice_, _F32),
    _kernel("xl_slice_b", OpKind.SLICE, params.slice_, _BITS),
    _kernel("xl_tile_f32", OpKind.TILE, params.tile, _F32),
    _kernel("xl_tile_b", OpKind.TILE, params.tile, _BITS),
    _kernel("xl_resize_bilinear2d_f32", OpKind.RESIZE_BILINEAR_2D, params.resize, _F32),
    _kernel("xl_embedding_f32_f32_f32", OpKind.EMBEDDING, params.embedding, _dtypes(F32, F32, out=F32)),
    _kernel("xl_embedding_i32_f32_f32", OpKind.EMBEDDING, params.embedding, _dtypes(I32, F32, out=F32)),
    *integers.kernels(_kernel),
)
