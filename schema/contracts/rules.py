"""Rules that several ops share. Each raises :class:`ContractError` with one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xlite.schema.errors import VerifyError
from xlite.schema.types import MAX_RANK, RANGES, Activation, ActivationKind, DType, TensorType

MAX_PLANES = 8
MAX_MULTIPLIER = 64  # of an integer input
MAX_NUMBER = (1 << 15) - 1  # that an element of it counts as
MAX_IMAGE = 1 << 24  # of an image's height, width or depth
MAX_EXTENT = 1 << 16  # of a window, stride, dilation or padding
MAX_ELEMENTS = (1 << 31) - 1  # of one tensor, so that an index fits an int32


INTEGER_INPUTS = (DType.INT8, DType.UINT8)


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


def check_filter(kernel: TensorType, packed_axes: int, integers: bool = False) -> None:
    """integers: whether the op takes filters of int8, and x of int8 and uint8."""
    allowed = (DType.FLOAT32, DType.BIT, DType.INT8) if integers else (DType.FLOAT32, DType.BIT)
    require(kernel.dtype in allowed, f"filter cannot be {kernel.dtype.short}")
    wanted = packed_axes if kernel.dtype is DType.BIT else 1
    require(kernel.packed_axes == wanted, f"filter must have packed_axes {wanted}")


# Which of (alpha, max_value, threshold) each activation takes; the others keep their defaults.
_PARAMETERS: dict[ActivationKind, tuple[str, ...]] = {
    ActivationKind.RELU: ("alpha", "max_value", "threshold"),
    ActivationKind.ELU: ("alpha",),
    ActivationKind.CELU: ("alpha",),
    ActivationKind.HARD_SIGMOID: ("alpha", "threshold"),
    ActivationKind.SOFT_SHRINK: ("threshold",),
    ActivationKind.HARD_SHRINK: ("threshold",),
    ActivationKind.THRESHOLD: ("alpha", "threshold"),
    ActivationKind.SQUAREPLUS: ("alpha",),
    ActivationKind.CLIP: ("max_value", "threshold"),
}


def check_activation(activation: Activation) -> None:
    plain, taken = Activation(activation.kind), _PARAMETERS.get(activation.kind, ())
    for name in ("alpha", "max_value", "threshold"):
        value = getattr(activation, name)
        require(
            name in taken or value == getattr(plain, name), f"activation {activation.kind.name} takes no {name}"
        )
    lowest = activation.threshold == -math.inf and activation.kind is ActivationKind.CLIP
    require(math.isfinite(activation.alpha), "activation alpha is not finite")
    require(lowest or math.isfinite(activation.threshold), "activation threshold is not finite")
    if "max_value" in taken:
        require(activation.max_value >= activation.threshold, "activation max_value is below its threshold")
    if activation.kind is ActivationKind.CELU:
        require(activation.alpha != 0, "activation alpha is zero")


def filtered_output(inputs: Sequence[TensorType | None], options, channels: int, integers: bool = False) -> DType:
    """The dtype rule of ops with a filter; returns the output's dtype.

    ========= ======== ===== ==================================================================
    x         filter   out   computes
    ========= ======== ===== ==================================================================
    f32       f32, i8  f32   activation(dot * scale + bias)
    f32       bit      f32   activation(dot * scale + bias), the filter holding +1 and -1
    bit       bit, i8  f32   activation(float(dot) * scale + bias)
    bit       bit, i8  i32   dot
    bit       bit, i8  bit   -1 where dot < threshold, else +1
    i8, u8    bit, i8        as bits, of input_multiplier * x - input_zero_point
    ========= ======== ===== ==================================================================

    i8 and u8 are for ops that take ``integers``. A bit filter may come with a mask of its own shape: weights whose
    bit of it is 1 are 0 instead.
    """
    x, kernel, scale, bias, threshold, mask = inputs
    assert x is not None
    assert kernel is not None
    given = (DType.FLOAT32, *(INTEGER_INPUTS if integers else ()), DType.BIT)
    check_dtype(x, given, "x")
    check_input_numbers(x, options)
    check_channel_vector(scale, channels, DType.FLOAT32, "scale")
    check_channel_vector(bias, channels, DType.FLOAT32, "bias")
    check_channel_vector(threshold, channels, DType.INT32, "threshold")
    check_activation(options.activation)
    if mask is not None:
        require(kernel.dtype is DType.BIT, "a mask is for bit filters only")
        require(mask == kernel, f"mask {mask} must have the filter's type {kernel}")
    out = options.output_dtype
    if x.dtype is DType.FLOAT32:
        require(out is DType.FLOAT32, f"cannot give {out.short} from f32")
    else:
        wanted = "bit or i8" if integers else "bit"
        require(kernel.dtype is not DType.FLOAT32, f"a {x.dtype.short} input needs a {wanted} filter")
        require(kernel.dtype is DType.BIT or options.planes == 1, "bit planes need a bit filter")
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


def check_input_numbers(x: TensorType, options) -> None:
    """What an element of an integer input counts as fits an int16, which kernels multiply."""
    multiplier, zero_point = input_numbers(options)
    if x.dtype not in INTEGER_INPUTS:
        require(
            (multiplier, zero_point) == (1, 0), f"{x.dtype.short} has no input_multiplier and input_zero_point"
        )
        return
    require(1 <= multiplier <= MAX_MULTIPLIER, f"input_multiplier {multiplier} is not 1 to {MAX_MULTIPLIER}")
    fits = abs(zero_point) <= MAX_NUMBER and largest_number(x.dtype, options) <= MAX_NUMBER
    require(fits, f"input_zero_point {zero_point} leads beyond an int16")


def input_numbers(options) -> tuple[int, int]:
    """input_multiplier and input_zero_point; 1 and 0 where the op has none."""
    return getattr(options, "input_multiplier", 1), getattr(options, "input_zero_point", 0)


def largest_number(x: DType, options) -> int:
    """The largest magnitude that an element of x counts as, 1 for bits and what is no integer."""
    if x not in INTEGER_INPUTS:
        return 1
    multiplier, zero_point = input_numbers(options)
    return max(abs(multiplier * q - zero_point) for q in RANGES[x])


def window_output(x: TensorType, kernel_h: int, kernel_w: int, options) -> tuple[int, int]:
    """Output height and width of a convolution over x [N, H, W, C]."""
    check_pad_value(x, options.pad_value)
    return (
        slide(
            x.shape[1], span(kernel_h, options.dilation_h), options.stride_h, options.pad_top, options.pad_bottom
        ),
        slide(
            x.shape[2], span(kernel_w, options.dilation_w), options.stride_w, options.pad_left, options.pad_right
        ),
    )


def pool_output(x: TensorType, options) -> tuple[int, int]:
    """Output height and width of a pooling window; every window sees at least one real element."""
    check_window_size(options.window_h)
    check_window_size(options.window_w)
    inside = (
        max(options.pad_top, options.pad_bottom) < options.window_h
        and max(options.pad_left, options.pad_right) < options.window_w
    )
    require(inside, "the padding is as large as the window")
    return (
        slide(x.shape[1], options.window_h, options.stride_h, options.pad_top, options.pad_bottom),
        slide(x.shape[2], options.window_w, options.stride_w, options.pad_left, options.pad_right),
    )


def check_pad_value(x: TensorType, pad_value: int) -> None:
    require(pad_value in (-1, 0, 1), f"pad_value {pad_value} is not 0, 1 or -1")
    require(pad_value == 0 or x.dtype is DType.BIT, "pad_value +1 and -1 are for bit inputs only")


def check_window_size(taps: int) -> None:
    require(1 <= taps <= MAX_EXTENT, "a window is out of range")


def check_window(taps: int, dilation: int, stride: int, before: int, after: int) -> None:
    require(1 <= taps <= MAX_EXTENT and 1 <= dilation <= MAX_EXTENT, "a window or dilation is out of range")
    require(1 <= stride <= MAX_EXTENT, "a stride is out of range")
    require(min(before, after) >= 0 and max(before, after) <= MAX_EXTENT, "a padding is out of range")


def span(taps: int, dilation: int) -> int:
    """Elements from the first to the last tap of a window."""
    require(1 <= taps <= MAX_EXTENT and 1 <= dilation <= MAX_EXTENT, "a window or dilation is out of range")
    return (taps - 1) * dilation + 1


def slide(size: int, window: int, stride: int, before: int, after: int) -> int:
    """How many places a window of this span has along an axis of ``size`` elements that is padded."""
    require(0 <= before <= MAX_EXTENT and 0 <= after <= MAX_EXTENT, "a padding is out of range")
    require(1 <= stride <= MAX_EXTENT, "a stride is out of range")
    require(size <= MAX_IMAGE, "the image is too large")
    room = size + before + after - window
    require(window >= 1 and room >= 0, f"the window of {window} is larger than the padded input of {size}")
    return room // stride + 1
