"""Which function of the library is for which op on integers: int8 and uint8 inputs, int8 filters."""

from __future__ import annotations

from xlite.interpreter.kernels.base import Kernel, OpSpec
from xlite.interpreter.kernels.c import params
from xlite.schema.records import TYPE_CHECKING
from xlite.schema.types import DType, OpKind

if TYPE_CHECKING:
    from typing import Callable

    # A function of kernels.py: (name, kind, parameters, condition, name of the workspace function) -> Kernel
    Make = Callable[..., Kernel]

F32, I32, I8, U8, BIT = DType.FLOAT32, DType.INT32, DType.INT8, DType.UINT8, DType.BIT
_LETTERS = {BIT: "b", I8: "i8", U8: "u8", I32: "i32", F32: "f32"}
_PAIRS = ((U8, I8), (U8, BIT), (I8, I8), (I8, BIT), (BIT, I8))


def kernels(make: Make) -> tuple[Kernel, ...]:
    """All of them, each made by ``make``."""
    return (*_filtered(make), *_between_floats(make), *_moved(make))


def _filtered(make: Make) -> list[Kernel]:
    found = []
    for name, kind, parameters, scratch in (
        ("xl_conv2d", OpKind.CONV_2D, params.conv_2d, "integer, f32_i8"),
        ("xl_depthwise_conv2d", OpKind.DEPTHWISE_CONV_2D, params.conv_2d, ""),
        ("xl_dense", OpKind.DENSE, params.dense, "f32_i8"),
    ):
        workspace = f"{name}_integer_workspace" if "integer" in scratch else ""
        for x, kernel in _PAIRS:
            for out in (BIT, I32, F32):
                full = f"{name}_{_LETTERS[x]}_{_LETTERS[kernel]}_{_LETTERS[out]}"
                found.append(make(full, kind, parameters, _dtypes(x, kernel, out=out), workspace))
        workspace = f"{name}_f32_i8_workspace" if "f32_i8" in scratch else ""
        found.append(make(f"{name}_f32_i8_f32", kind, parameters, _dtypes(F32, I8, out=F32), workspace))
    return found


def _between_floats(make: Make) -> list[Kernel]:
    found = [
        make(f"xl_quantize_f32_{_LETTERS[out]}", OpKind.QUANTIZE, params.quantize, _dtypes(F32, out=out))
        for out in (I8, U8)
    ]
    found += [
        make(f"xl_dequantize_{_LETTERS[x]}_f32", OpKind.DEQUANTIZE, params.quantize, _dtypes(x, out=F32))
        for x in (I8, U8, I32)
    ]
    return found


def _moved(make: Make) -> list[Kernel]:
    pools = [
        make(f"xl_max_pool2d_{_LETTERS[x]}", OpKind.MAX_POOL_2D, params.pool_2d, _dtypes(x, out=x))
        for x in (I8, U8)
    ]
    return [
        *pools,
        make("xl_concatenate_8", OpKind.CONCATENATE, params.concatenate, _bytes),
        make("xl_pad_8", OpKind.PAD, params.pad, _bytes),
        make("xl_transpose_8", OpKind.TRANSPOSE, params.transpose, _bytes),
        make("xl_slice_8", OpKind.SLICE, params.slice_, _bytes),
        make("xl_tile_8", OpKind.TILE, params.tile, _bytes),
    ]


def _dtypes(*inputs: DType, out: DType) -> Callable[[OpSpec], bool]:
    def supports(spec: OpSpec) -> bool:
        given = tuple(x.dtype for x in spec.inputs[: len(inputs)] if x is not None)
        return given == inputs and spec.outputs[0].dtype is out

    return supports


def _bytes(spec: OpSpec) -> bool:
    return spec.outputs[0].dtype in (I8, U8)
