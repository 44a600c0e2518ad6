"""Rules that several ops share. Each raises :class:`ContractError` with one sentence."""

from __future__ import annotations

import math

from xlite.schema.errors import VerifyError
from xlite.schema.types import MAX_RANK, Activation, ActivationKind, DType, TensorType

MAX_EXTENT = 1 << 16  # of a window, stride, dilation or padding
MAX_ELEMENTS = (1 << 31) - 1  # of one tensor, so that an index fits an int32


class ContractError(VerifyError):
    """An op breaks its contract; the message is the rule, without the op's name."""


def require(holds: bool, rule: str) -> None:
    if not holds:
        raise ContractError(rule)


def check_size(x: TensorType) -> None:
    """Rank, extents and the number of elements are within what kernels index with an int32."""
    shape = x.shape
    rank = len(shape)
    require(1 <= rank <= MAX_RANK, f"rank {rank} is not 1 to {MAX_RANK}")
    if min(shape) < 1 or max(shape) > MAX_ELEMENTS:
        raise ContractError(f"shape {shape} has an axis out of range")
    if x.elements > MAX_ELEMENTS:
        raise ContractError(f"shape {shape} has more than 2^31 - 1 elements")
    if not 1 <= x.packed_axes <= rank:
        raise ContractError(f"packed_axes {x.packed_axes} is out of range")
    if x.nbytes > MAX_ELEMENTS:
        raise ContractError(f"shape {shape} takes more than 2^31 - 1 bytes")


def check_rank(x: TensorType, rank: int, name: str) -> None:
    require(len(x.shape) == rank, f"{name} must have {rank} axes, has {len(x.shape)}")


def check_dtype(x: TensorType, allowed: tuple[DType, ...], name: str) -> None:
    wanted = " or ".join(d.short for d in allowed)
    require(x.dtype in allowed, f"{name} must be {wanted}, is {x.dtype.short}")
    require(x.packed_axes == 1, f"{name} must pack its last axis alone")


def check_channel_vector(x: TensorType | None, channels: int, dtype: DType, name: str) -> None:
    if x is not None:
        check_dtype(x, (dtype,), name)
        require(x.shape == (channels,), f"{name} must have shape ({channels},), has {x.shape}")


def check_filter(kernel: TensorType, packed_axes: int) -> None:
    require(kernel.dtype in (DType.FLOAT32, DType.BIT), f"filter cannot be {kernel.dtype.short}")
    wanted = packed_axes if kernel.dtype is DType.BIT else 1
    require(kernel.packed_axes == wanted, f"filter must have packed_axes {wanted}")


def check_activation(activation: Activation) -> None:
    if activation.kind is ActivationKind.RELU:
        require(math.isfinite(activation.alpha), "activation alpha is not finite")
        require(math.isfinite(activation.threshold), "activation threshold is not finite")
        require(activation.max_value >= activation.threshold, "activation max_value is below its threshold")
    else:
        plain = Activation(activation.kind)
        require(activation == plain, "only RELU takes activation parameters")


def filtered_output(x, kernel, scale, bias, threshold, options, channels: int) -> DType:
    """The dtype rule of CONV_2D, DEPTHWISE_CONV_2D and DENSE; returns the output's dtype.

    ==== ====== ===== ==================================================================
    x    filter out   computes
    ==== ====== ===== ==================================================================
    f32  f32    f32   activation(dot + bias)
    f32  bit    f32   activation(dot * scale + bias), the filter holding +1 and -1
    bit  bit    f32   activation(float(dot) * scale + bias)
    bit  bit    i32   dot
    bit  bit    bit   -1 where dot < threshold, else +1
    ==== ====== ===== ==================================================================
    """
    check_dtype(x, (DType.FLOAT32, DType.BIT), "x")
    check_channel_vector(scale, channels, DType.FLOAT32, "scale")
    check_channel_vector(bias, channels, DType.FLOAT32, "bias")
    check_channel_vector(threshold, channels, DType.INT32, "threshold")
    check_activation(options.activation)
    out = options.output_dtype
    if x.dtype is DType.FLOAT32:
        require(out is DType.FLOAT32, f"cannot give {out.short} from f32")
        require(kernel.dtype is DType.BIT or scale is None, "scale is for bit filters only")
    else:
        require(kernel.dtype is DType.BIT, "a bit input needs a bit filter")
        require(out in (DType.FLOAT32, DType.INT32, DType.BIT), f"cannot give {out.short}")
    if out is DType.BIT:
        require(threshold is not None, "a bit output needs a threshold")
    else:
        require(threshold is None, "a threshold is for bit outputs only")
    if out is not DType.FLOAT32:
        require(scale is None and bias is None, f"scale and bias are for f32 outputs, not {out.short}")
        plain = options.activation.kind is ActivationKind.NONE
        require(plain, f"an activation is for f32 outputs, not {out.short}")
    return out


def window_output(x: TensorType, kernel_h: int, kernel_w: int, options) -> tuple[int, int]:
    """Output height and width of a convolution over x [N, H, W, C]."""
    require(options.pad_value in (-1, 0, 1), f"pad_value {options.pad_value} is not 0, 1 or -1")
    require(options.pad_value == 0 or x.dtype is DType.BIT, "pad_value +1 and -1 are for bit inputs only")
    extents = (kernel_h, kernel_w, options.dilation_h, options.dilation_w)
    require(all(1 <= e <= MAX_EXTENT for e in extents), "a window or dilation is out of range")
    span_h = (kernel_h - 1) * options.dilation_h + 1
    span_w = (kernel_w - 1) * options.dilation_w + 1
    return _slide(x, span_h, span_w, options)


def pool_output(x: TensorType, options) -> tuple[int, int]:
    """Output height and width of a pooling window; every window sees at least one real element."""
    windows = (options.window_h, options.window_w)
    require(all(1 <= w <= MAX_EXTENT for w in windows), "a window is out of range")
    inside = (
        max(options.pad_top, options.pad_bottom) < options.window_h
        and max(options.pad_left, options.pad_right) < options.window_w
    )
    require(inside, "the padding is as large as the window")
    return _slide(x, *windows, options)


def _slide(x: TensorType, span_h: int, span_w: int, options) -> tuple[int, int]:
    pads = (options.pad_top, options.pad_bottom, options.pad_left, options.pad_right)
    require(all(0 <= p <= MAX_EXTENT for p in pads), "a padding is out of range")
    strides = (options.stride_h, options.stride_w)
    require(all(1 <= s <= MAX_EXTENT for s in strides), "a stride is out of range")
    room_h = x.shape[1] + options.pad_top + options.pad_bottom - span_h
    room_w = x.shape[2] + options.pad_left + options.pad_right - span_w
    require(room_h >= 0 and room_w >= 0, f"the window {span_h}x{span_w} is larger than the padded input")
    require(max(x.shape[1], x.shape[2]) <= 1 << 24, "the image is too large")
    return room_h // options.stride_h + 1, room_w // options.stride_w + 1
