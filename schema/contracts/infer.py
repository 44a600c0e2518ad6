"""Output types of an op from its input types and options, with every rule checked on the way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Callable, Optional

from xlite.schema.contracts import rules
from xlite.schema.contracts.rules import ContractError, require
from xlite.schema.contracts.slots import SLOTS
from xlite.schema.types import (
    MAX_RANK,
    OPTIONS_OF_KIND,
    ActivationKind,
    DType,
    OpKind,
    Options,
    TensorType,
)

__all__ = ["ContractError", "infer", "inplace_inputs"]

Types = Sequence[Optional[TensorType]]
Checked = Sequence[Any]  # the same after _check_arity: None in optional slots only
F32, I32, BIT = DType.FLOAT32, DType.INT32, DType.BIT


def infer(kind: OpKind, inputs: Types, options: Options | None) -> list[TensorType] | None:
    """Types of the outputs of one op, or None for ``CUSTOM``, whose types only its author knows.

    inputs: one type a slot, None for an absent optional one. Raises :class:`ContractError` with the broken
    rule; the caller adds which op it was.
    """
    wanted = OPTIONS_OF_KIND.get(kind)
    if wanted is None:
        require(options is None, "takes no options")
    else:
        require(isinstance(options, wanted), f"needs {wanted.__name__}")
    _check_arity(kind, inputs)
    if kind is OpKind.CUSTOM:
        return None
    outputs = [_RULES[kind](inputs, options)]
    for output in outputs:
        rules.check_size(output)
    return outputs


def inplace_inputs(kind: OpKind, inputs: Types, outputs: Sequence[TensorType]) -> tuple[int, ...]:
    """Slots whose memory the (only) output may take over, because the kernels read each element before they
    write it. Empty where the op cannot run in place."""
    if kind in _ELEMENTWISE:
        candidates: tuple[int, ...] = (0,)
    elif kind is OpKind.ADD:
        candidates = (0, 1)
    elif kind is OpKind.RESHAPE:
        x = inputs[0]
        candidates = (0,) if x is not None and same_rows(x, outputs[0]) else ()
    else:
        candidates = ()
    return tuple(i for i in candidates if inputs[i] is not None and _same_bytes(inputs[i], outputs[0]))


def same_rows(x: TensorType, y: TensorType) -> bool:
    """True if a reshape from ``x`` to ``y`` leaves the stored bytes as they are. Rows of bits keep their
    padding, so the rows must be equal or whole words on both sides."""
    if x.dtype is not BIT or x.shape[-1] == y.shape[-1]:
        return True
    return x.shape[-1] % 32 == 0 and y.shape[-1] % 32 == 0


_ELEMENTWISE = frozenset({OpKind.BATCH_NORM, OpKind.ACTIVATION, OpKind.PRELU, OpKind.SOFTMAX})


def _same_bytes(x: TensorType | None, y: TensorType) -> bool:
    return x is not None and x.dtype is y.dtype and x.nbytes == y.nbytes


def _check_arity(kind: OpKind, inputs: Types) -> None:
    slots = SLOTS[kind]
    if slots is None:
        require(len(inputs) >= 1, "needs at least one input")
        require(all(i is not None for i in inputs), "has an absent input")
    else:
        require(len(inputs) == len(slots), f"needs {len(slots)} inputs, has {len(inputs)}")
        for slot, given in zip(slots, inputs):
            require(slot.optional or given is not None, f"input '{slot.name}' is absent")
    for given in inputs:
        if given is not None:
            rules.check_size(given)


def _conv_2d(inputs: Checked, options) -> TensorType:
    x, kernel, scale, bias, threshold = inputs
    rules.check_rank(x, 4, "x")
    rules.check_rank(kernel, 4, "filter")
    out_c, kernel_h, kernel_w, in_c = kernel.shape
    rules.check_filter(kernel, packed_axes=3)
    require(1 <= options.groups <= out_c, f"groups {options.groups} is out of range")
    require(out_c % options.groups == 0, f"groups {options.groups} does not divide the {out_c} filters")
    require(
        x.shape[3] == in_c * options.groups,
        f"x has {x.shape[3]} channels, the filter wants {in_c * options.groups}",
    )
    out_h, out_w = rules.window_output(x, kernel_h, kernel_w, options)
    dtype = rules.filtered_output(x, kernel, scale, bias, threshold, options, out_c)
    return TensorType((x.shape[0], out_h, out_w, out_c), dtype)


def _depthwise_conv_2d(inputs: Checked, options) -> TensorType:
    x, kernel, scale, bias, threshold = inputs
    rules.check_rank(x, 4, "x")
    rules.check_rank(kernel, 3, "filter")
    kernel_h, kernel_w, out_c = kernel.shape
    rules.check_filter(kernel, packed_axes=1)
    require(options.groups == 1, "a depthwise convolution has no groups")
    require(out_c % x.shape[3] == 0, f"{out_c} filters are no multiple of {x.shape[3]} channels")
    out_h, out_w = rules.window_output(x, kernel_h, kernel_w, options)
    dtype = rules.filtered_output(x, kernel, scale, bias, threshold, options, out_c)
    return TensorType((x.shape[0], out_h, out_w, out_c), dtype)


def _dense(inputs: Checked, options) -> TensorType:
    x, kernel, scale, bias, threshold = inputs
    require(len(x.shape) >= 2, "x needs a batch axis and features")
    rules.check_rank(kernel, 2, "filter")
    rules.check_filter(kernel, packed_axes=1)
    units, features = kernel.shape
    require(x.shape[-1] == features, f"x has {x.shape[-1]} features, the filter wants {features}")
    dtype = rules.filtered_output(x, kernel, scale, bias, threshold, options, units)
    return TensorType((*x.shape[:-1], units), dtype)


def _batch_norm(inputs: Checked, options) -> TensorType:
    x, scale, offset = inputs
    rules.check_dtype(x, (F32,), "x")
    rules.check_channel_vector(scale, x.shape[-1], F32, "scale")
    rules.check_channel_vector(offset, x.shape[-1], F32, "offset")
    return x


def _sign(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (F32,), "x")
    return TensorType(x.shape, BIT)


def _unpack(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (BIT,), "x")
    return TensorType(x.shape, F32)


def _activation(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (F32,), "x")
    rules.check_activation(options.activation)
    require(options.activation.kind is not ActivationKind.NONE, "activation NONE is no op")
    return x


def _prelu(inputs: Checked, options) -> TensorType:
    x, slope = inputs
    rules.check_dtype(x, (F32,), "x")
    rules.check_dtype(slope, (F32,), "slope")
    require(len(slope.shape) == len(x.shape) - 1, "slope must have one axis less than x")
    fits = all(s in (1, d) for s, d in zip(slope.shape, x.shape[1:]))
    require(fits, f"slope {slope} does not broadcast to {x}")
    return x


def _softmax(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (F32,), "x")
    return x


def _max_pool_2d(inputs: Checked, options) -> TensorType:
    x, flip = inputs
    rules.check_dtype(x, (F32, BIT), "x")
    if flip is not None:
        require(x.dtype is BIT, "flip is for bits only")
        rules.check_channel_vector(flip, x.shape[-1], BIT, "flip")
    return _pool(x, options)


def _average_pool_2d(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (F32,), "x")
    return _pool(x, options)


def _pool(x: TensorType, options) -> TensorType:
    rules.check_rank(x, 4, "x")
    out_h, out_w = rules.pool_output(x, options)
    return TensorType((x.shape[0], out_h, out_w, x.shape[3]), x.dtype)


def _add(inputs: Checked, options) -> TensorType:
    a, b = inputs
    rules.check_dtype(a, (F32,), "a")
    rules.check_dtype(b, (F32,), "b")
    require(a.shape == b.shape, f"shapes {a} and {b} differ")
    return a


def _concatenate(inputs: Checked, options) -> TensorType:
    first = inputs[0]
    rank = len(first.shape)
    rules.check_dtype(first, (F32, BIT), "x")
    axis = options.axis + rank if options.axis < 0 else options.axis
    require(1 <= axis < rank, f"axis {options.axis} is out of range for rank {rank}")
    total = 0
    for x in inputs:
        require(x.dtype is first.dtype, "inputs differ in dtype")
        require(x.packed_axes == 1, "an activation packs its last axis")
        require(len(x.shape) == rank, "inputs differ in rank")
        rest = (*x.shape[:axis], *x.shape[axis + 1 :])
        require(rest == (*first.shape[:axis], *first.shape[axis + 1 :]), f"{x} does not join {first}")
        total += x.shape[axis]
    return TensorType((*first.shape[:axis], total, *first.shape[axis + 1 :]), first.dtype)


def _reshape(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (F32, I32, BIT), "x")
    require(1 <= len(options.shape) <= MAX_RANK - 1, "shape must have 1 to 5 axes besides the batch")
    require(all(d >= 1 for d in options.shape), f"shape {options.shape} has an axis below 1")
    same = math.prod(options.shape) == math.prod(x.shape[1:])
    require(same, f"{x} does not hold the elements of shape {options.shape}")
    return TensorType((x.shape[0], *options.shape), x.dtype)


def _pad(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (F32, BIT), "x")
    pads = options.paddings
    require(len(pads) == 2 * len(x.shape), f"needs {2 * len(x.shape)} paddings, has {len(pads)}")
    require(all(0 <= p <= rules.MAX_EXTENT for p in pads), "a padding is out of range")
    require(pads[0] == pads[1] == 0, "the batch axis cannot be padded")
    require(math.isfinite(options.value), "the padding value is not finite")
    require(x.dtype is not BIT or options.value in (1.0, -1.0), "bits are padded with +1 or -1 only")
    shape = tuple(d + pads[2 * i] + pads[2 * i + 1] for i, d in enumerate(x.shape))
    return TensorType(shape, x.dtype)


_RULES: dict[OpKind, Callable[..., TensorType]] = {
    OpKind.CONV_2D: _conv_2d,
    OpKind.DEPTHWISE_CONV_2D: _depthwise_conv_2d,
    OpKind.DENSE: _dense,
    OpKind.BATCH_NORM: _batch_norm,
    OpKind.SIGN: _sign,
    OpKind.UNPACK: _unpack,
    OpKind.ACTIVATION: _activation,
    OpKind.PRELU: _prelu,
    OpKind.SOFTMAX: _softmax,
    OpKind.MAX_POOL_2D: _max_pool_2d,
    OpKind.AVERAGE_POOL_2D: _average_pool_2d,
    OpKind.ADD: _add,
    OpKind.CONCATENATE: _concatenate,
    OpKind.RESHAPE: _reshape,
    OpKind.PAD: _pad,
}
