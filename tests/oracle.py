"""What every op computes, in float64 and plain loops over the window: what all backends are tested against.

Values are logical: bits are +1 and -1, so nothing here knows of words, packing or backends. It shares no code with
any kernel.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Callable, Optional

import numpy as np

from xlite.schema.types import RANGES, Activation, ActivationKind, DType, Op, OpKind, PlanesKind, ReduceKind

Array = np.ndarray
Inputs = Sequence[Optional[Array]]


def evaluate(op: Op, inputs: Inputs) -> Array:
    """The output of one op: float64 for f32, int64 for i32, int8 +1 and -1 for bits.

    inputs: logical arrays, one a slot of the op's contract (bits as +1 and -1), None where one is absent; optional
    ones at the end need not be named.
    """
    return _RULES[op.kind](op, [None if x is None else np.asarray(x, np.float64) for x in inputs])


def magnitude(op: Op, inputs: Inputs) -> Array:
    """For each output of an op with a filter, the sum of the magnitudes of all that is added up in it: what
    rounding errors are proportional to."""
    given = [None if x is None else np.abs(np.asarray(x, np.float64)) for x in inputs]
    if getattr(op.options, "input_zero_point", 0):
        op = replace(op, options=replace(op.options, input_zero_point=-abs(op.options.input_zero_point)))
    given[5:] = [None if mask is None else np.asarray(mask, np.float64) for mask in inputs[5:]]
    if hasattr(op.options, "pad_value"):
        op = replace(op, options=replace(op.options, pad_value=abs(op.options.pad_value)))
    return _scaled(_dot(op, given), *_slots(given, 6)[2:4])


def tolerance(op: Op, inputs: Inputs, relative: float = 1e-5) -> Array:
    """How far each float output of a right kernel may lie from :func:`evaluate`: ``relative`` to what was added up
    on the way, which a sum can cancel to almost nothing, and seen through the activation. Not finite where an
    activation near its pole tells nothing."""
    given = [None if x is None else np.asarray(x, np.float64) for x in inputs]
    if op.kind in _DOTS:
        a = op.options.activation
        before = _scaled(_dot(op, given), *_slots(given, 6)[2:4])
        error = relative * magnitude(op, inputs)
        after = _activate(before, a)
        with np.errstate(invalid="ignore"):
            spread = sum(np.abs(_activate(before + e, a) - after) for e in (error, -error))
        return spread + relative * _activation_size(before, a)
    if op.kind is OpKind.ACTIVATION:
        return relative * _activation_size(given[0], op.options.activation)
    if op.kind in _SUMS:
        return relative * np.abs(evaluate(op, [None if x is None else np.abs(x) for x in given]))
    return relative * np.abs(evaluate(op, inputs))


# -- windows -------------------------------------------------------------------------------------------------

# of one axis: stride, dilation, padding before and after
_AxisOf = tuple[int, int, int, int]


def _axes(options, count: int) -> list[_AxisOf]:
    """Of height and width, or of depth, height and width."""
    ends = {"d": ("front", "back"), "h": ("top", "bottom"), "w": ("left", "right")}
    return [
        (
            getattr(options, f"stride_{axis}"),
            getattr(options, f"dilation_{axis}", 1),
            *(getattr(options, f"pad_{end}") for end in ends[axis]),
        )
        for axis in "dhw"[-count:]
    ]


def _windows(x: Array, taps: Sequence[int], options, fill: float) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Every tap of the window, with the elements [N, ..., C] that it sees of x padded with ``fill``."""
    axes = _axes(options, len(taps))
    padded = np.pad(x, ((0, 0), *((before, after) for _, _, before, after in axes), (0, 0)), constant_values=fill)
    spans = [(t - 1) * dilation + 1 for t, (_, dilation, _, _) in zip(taps, axes)]
    places = [(size - span) // stride + 1 for size, span, (stride, _, _, _) in zip(padded.shape[1:], spans, axes)]
    for tap in itertools.product(*(range(t) for t in taps)):
        seen = padded
        for axis, (t, count, (stride, dilation, _, _)) in enumerate(zip(tap, places, axes), 1):
            first = t * dilation
            seen = seen[(slice(None),) * axis + (slice(first, first + stride * count, stride),)]
        yield tap, seen


# -- ops with a filter ---------------------------------------------------------------------------------------


def _per_group(seen: Array, weights: Array, groups: int) -> Array:
    """(..., groups * I) with (O, I) -> (..., O); filter o belongs to group o // (O / groups)."""
    depth = weights.shape[1]
    parts = [
        np.matmul(seen[..., g * depth : (g + 1) * depth], filters.T)
        for g, filters in enumerate(weights.reshape(groups, -1, depth))
    ]
    return parts[0] if groups == 1 else np.concatenate(parts, axis=-1)


def _conv_dot(options, x: Array, kernel: Array) -> Array:
    """Of two or three spatial axes; the filter is (O, ..., I)."""
    seen = _windows(x, kernel.shape[1:-1], options, options.pad_value)
    return sum(_per_group(values, kernel[(slice(None), *tap)], options.groups) for tap, values in seen)


def _depthwise_dot(options, x: Array, kernel: Array) -> Array:
    multiplier, total = kernel.shape[2] // x.shape[3], 0.0
    for tap, seen in _windows(x, kernel.shape[:2], options, options.pad_value):
        total = total + np.repeat(seen, multiplier, axis=3) * kernel[tap]
    return total


def _dense_dot(options, x: Array, kernel: Array) -> Array:
    return np.matmul(x, kernel.T)


def _transpose_dot(options, x: Array, kernel: Array) -> Array:
    """Every element of x adds the filter to the full output, of which a part is cut out."""
    axes = _axes(options, 3)
    extents = (options.output_d, options.output_h, options.output_w)
    out = np.zeros((len(x), *extents, len(kernel)))
    for tap in itertools.product(*(range(t) for t in kernel.shape[1:4])):
        for place in itertools.product(*(range(size) for size in x.shape[1:4])):
            at = [i * s + t * d - before for i, t, (s, d, before, _) in zip(place, tap, axes)]
            if all(0 <= o < extent for o, extent in zip(at, extents)):
                values = x[(slice(None), *place)]
                out[(slice(None), *at)] += _per_group(values, kernel[(slice(None), *tap)], options.groups)
    return out


def _local_dot(options, x: Array, kernel: Array) -> Array:
    """A filter (O, KH, KW, C) for every pixel of the output."""
    total = 0.0
    for (i, j), seen in _windows(x, kernel.shape[3:5], options, options.pad_value):
        total = total + np.einsum("nhwc,hwoc->nhwo", seen, kernel[:, :, :, i, j])
    return total


_DOTS: dict[OpKind, Callable[..., Array]] = {
    OpKind.CONV_2D: _conv_dot,
    OpKind.DEPTHWISE_CONV_2D: _depthwise_dot,
    OpKind.DENSE: _dense_dot,
    OpKind.CONV_3D: _conv_dot,
    OpKind.CONV_3D_TRANSPOSE: _transpose_dot,
    OpKind.LOCALLY_CONNECTED_2D: _local_dot,
}


def _dot(op: Op, inputs: Inputs) -> Array:
    """Plane p of x counts 2^p times; a weight is 0 where the mask's bit is 1. An element of integers counts as
    multiplier * x - zero point."""
    x, kernel, _, _, _, mask = _slots(inputs, 6)
    x = x * getattr(op.options, "input_multiplier", 1) - getattr(op.options, "input_zero_point", 0)
    if mask is not None:
        kernel = np.where(mask < 0, 0.0, kernel)
    planes = np.split(x, op.options.planes, axis=-1)
    return sum(2**p * _DOTS[op.kind](op.options, plane, kernel) for p, plane in enumerate(planes))


def _filtered(op: Op, inputs: Inputs) -> Array:
    dot, (scale, bias, threshold) = _dot(op, inputs), _slots(inputs, 6)[2:5]
    out = op.options.output_dtype
    if out is DType.INT32:
        return dot.astype(np.int64)
    if out is DType.BIT:
        return np.where(dot < threshold, -1, 1).astype(np.int8)
    return _activate(_scaled(dot, scale, bias), op.options.activation)


def _scaled(dot: Array, scale: Optional[Array], bias: Optional[Array]) -> Array:
    return dot * (1.0 if scale is None else scale) + (0.0 if bias is None else bias)


def _slots(inputs: Inputs, count: int) -> list[Optional[Array]]:
    return [*inputs, *[None] * (count - len(inputs))]


# -- activations ---------------------------------------------------------------------------------------------


def _erfc(x: Array) -> Array:
    return np.vectorize(math.erfc, otypes=[np.float64])(x)


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _relu(x: Array, a) -> Array:
    kept = np.where(x >= a.threshold, x, a.alpha * (x - a.threshold))
    return np.where(x >= a.max_value, a.max_value, kept)


def _soft_shrink(x: Array, a) -> Array:
    t = a.threshold
    return np.where(x > t, x - t, np.where(x < -t, x + t, 0.0))


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

_K = ActivationKind
# (x, activation with its parameters as the file's float32 holds them) -> y
_ACTIVATIONS: dict[ActivationKind, Callable[[Array, SimpleNamespace], Array]] = {
    _K.NONE: lambda x, a: x,
    _K.RELU: _relu,
    _K.SIGMOID: lambda x, a: _sigmoid(x),
    _K.TANH: lambda x, a: np.tanh(x),
    _K.HARD_TANH: lambda x, a: np.clip(x, -1.0, 1.0),
    _K.ELU: lambda x, a: np.where(x > 0, x, a.alpha * np.expm1(x)),
    _K.SELU: lambda x, a: _SELU_SCALE * np.where(x < 0, _SELU_ALPHA * np.expm1(x), x),
    _K.CELU: lambda x, a: np.maximum(x, 0.0) + a.alpha * np.expm1(np.minimum(x, 0.0) / a.alpha),
    _K.SOFTPLUS: lambda x, a: _softplus(x),
    _K.SOFTSIGN: lambda x, a: x / (1.0 + np.abs(x)),
    _K.SILU: lambda x, a: x * _sigmoid(x),
    _K.GELU: lambda x, a: 0.5 * x * _erfc(-x / math.sqrt(2.0)),
    _K.GELU_TANH: lambda x, a: x * _sigmoid(2.0 * math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)),
    _K.HARD_SIGMOID: lambda x, a: np.clip(a.alpha * x + a.threshold, 0.0, 1.0),
    _K.HARD_SILU: lambda x, a: x * np.clip(x + 3.0, 0.0, 6.0) / 6.0,
    _K.MISH: lambda x, a: x * np.tanh(_softplus(x)),
    _K.LOG_SIGMOID: lambda x, a: -_softplus(-x),
    _K.TANH_SHRINK: lambda x, a: x - np.tanh(x),
    _K.SOFT_SHRINK: _soft_shrink,
    _K.HARD_SHRINK: lambda x, a: np.where(np.abs(x) > a.threshold, x, 0.0),
    _K.THRESHOLD: lambda x, a: np.where(x > a.threshold, x, a.alpha),
    _K.SQUAREPLUS: lambda x, a: (x + np.sqrt(x * x + a.alpha)) / 2.0,
    _K.SPARSE_PLUS: lambda x, a: np.where(x <= -1, 0.0, np.where(x < 1, 0.25 * (x + 1.0) ** 2, x)),
    _K.SPARSE_SIGMOID: lambda x, a: np.where(x <= -1, 0.0, np.where(x >= 1, 1.0, 0.5 * (x + 1.0))),
    _K.CLIP: lambda x, a: np.clip(x, a.threshold, a.max_value),
    _K.ABS: lambda x, a: np.abs(x),
    _K.NEGATE: lambda x, a: -x,
    _K.SQUARE: lambda x, a: x * x,
    _K.SQRT: lambda x, a: np.sqrt(x),
    _K.RSQRT: lambda x, a: 1.0 / np.sqrt(x),
    _K.EXP: lambda x, a: np.exp(x),
    _K.LOG: lambda x, a: np.log(x),
    _K.ROUND: lambda x, a: np.round(x),  # half to even
    _K.FLOOR: lambda x, a: np.floor(x),
    _K.SIGN: lambda x, a: np.sign(x),
}


def _stored(a: Activation) -> SimpleNamespace:
    values = {name: float(np.float32(getattr(a, name))) for name in ("alpha", "max_value", "threshold")}
    return SimpleNamespace(**values)


def _activate(x: Array, a: Activation) -> Array:
    with np.errstate(all="ignore"):
        return _ACTIVATIONS[a.kind](x, _stored(a))


def _activation_size(x: Array, a: Activation) -> Array:
    """The largest magnitude on the way from x to its activation, where the last step can cancel."""
    y, stored = np.abs(_activate(x, a)), _stored(a)
    if a.kind in (_K.TANH_SHRINK, _K.SQUAREPLUS, _K.CELU, _K.SPARSE_PLUS, _K.SPARSE_SIGMOID):
        return np.maximum(y, np.abs(x))
    if a.kind is _K.HARD_SIGMOID:
        return np.minimum(np.abs(stored.alpha * x) + abs(stored.threshold), 1.0 + abs(stored.threshold))
    if a.kind is _K.RELU:
        return np.maximum(y, np.where(x < stored.threshold, abs(stored.alpha * stored.threshold), 0.0))
    return y


# -- integers ------------------------------------------------------------------------------------------------


def _quantize(op: Op, inputs: Inputs) -> Array:
    """The quotient is rounded to float32 before it is rounded to an integer, since a half decides."""
    low, high = RANGES[op.options.output_dtype]
    with np.errstate(all="ignore"):
        quotient = inputs[0].astype(np.float32) / np.float32(op.options.scale)
    steps = np.where(np.isnan(quotient), 0.0, np.round(quotient.astype(np.float64)))
    return np.clip(steps + op.options.zero_point, low, high).astype(np.int64)


def _dequantize(op: Op, inputs: Inputs) -> Array:
    return (inputs[0] - op.options.zero_point) * float(np.float32(op.options.scale))


# -- pools ---------------------------------------------------------------------------------------------------


def _window_of(options) -> tuple[int, ...]:
    deep = (options.window_d,) if hasattr(options, "window_d") else ()
    return (*deep, options.window_h, options.window_w)


def _max_pool(op: Op, inputs: Inputs) -> Array:
    x, flip = _slots(inputs, 2)
    sign = 1.0 if flip is None else flip
    seen = [values for _, values in _windows(x * sign, _window_of(op.options), op.options, -np.inf)]
    return np.max(seen, axis=0) * sign


def _average_pool(op: Op, inputs: Inputs) -> Array:
    window = _window_of(op.options)
    values = _windows(inputs[0], window, op.options, 0.0)
    inside = _windows(np.ones_like(inputs[0]), window, op.options, 0.0)
    return sum(v for _, v in values) / sum(n for _, n in inside)


# -- elements ------------------------------------------------------------------------------------------------


def _softmax(op: Op, inputs: Inputs) -> Array:
    powers = np.exp(inputs[0] - inputs[0].max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _bit_planes(op: Op, inputs: Inputs) -> Array:
    """+1 where digit p of the integer is 1. Products are rounded to float32 before they are rounded to integers,
    since a half decides; NaN counts as 0."""
    x, planes = np.nan_to_num(inputs[0], nan=0.0, posinf=np.inf, neginf=-np.inf), op.options.planes
    if op.options.kind is PlanesKind.HEAVISIDE:
        q = (x > 0).astype(int)
    else:
        clipped = np.clip(x, 0.0, 1.0).astype(np.float32)
        q = np.round(clipped * np.float32(2**planes - 1)).astype(int)
    return np.concatenate([np.where(q // 2**p % 2 == 1, 1, -1) for p in range(planes)], axis=-1).astype(np.int8)


def _from_planes(op: Op, inputs: Inputs) -> Array:
    planes = np.split(inputs[0], op.options.planes, axis=-1)
    q = sum(2**p * (plane > 0) for p, plane in enumerate(planes))
    return q / (2**op.options.planes - 1)  # by 1 for HEAVISIDE


def _resize_axis(x: Array, axis: int, size: int) -> Array:
    """Linear between the centres of elements; beyond the outermost centres it is constant."""
    centres = np.clip((np.arange(size) + 0.5) * x.shape[axis] / size - 0.5, 0.0, x.shape[axis] - 1.0)
    low = np.floor(centres).astype(int)
    high = np.minimum(low + 1, x.shape[axis] - 1)
    part = (centres - low).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
    return np.take(x, low, axis) * (1.0 - part) + np.take(x, high, axis) * part


def _resize(op: Op, inputs: Inputs) -> Array:
    return _resize_axis(_resize_axis(inputs[0], 1, op.options.height), 2, op.options.width)


def _reduce(op: Op, inputs: Inputs) -> Array:
    reducers = {
        ReduceKind.SUM: np.sum,
        ReduceKind.MEAN: np.mean,
        ReduceKind.MAX: np.max,
        ReduceKind.MIN: np.min,
        ReduceKind.PROD: np.prod,
    }
    return reducers[op.options.kind](inputs[0], axis=tuple(op.options.axes), keepdims=op.options.keepdims)


def _embedding(op: Op, inputs: Inputs) -> Array:
    """Indices are cut towards zero and then kept within the table; NaN is 0."""
    indices, table = inputs
    within = np.clip(np.where(np.isnan(indices), 0.0, np.trunc(indices)), 0, len(table) - 1)
    return table[within.astype(int)]


# -- shapes --------------------------------------------------------------------------------------------------


def _pad(op: Op, inputs: Inputs) -> Array:
    pads = np.reshape(op.options.paddings, (-1, 2))
    return np.pad(inputs[0], pads, constant_values=op.options.value)


def _slice(op: Op, inputs: Inputs) -> Array:
    x, o = inputs[0], op.options
    for axis in range(1, x.ndim):  # all of the batch
        x = np.take(x, o.begin[axis] + o.stride[axis] * np.arange(o.size[axis]), axis)
    return x


def _pairwise(function: Callable[[Array, Array], Array]) -> Callable[[Op, Inputs], Array]:
    def rule(op: Op, inputs: Inputs) -> Array:
        with np.errstate(all="ignore"):
            return function(inputs[0], inputs[1])

    return rule


_RULES: dict[OpKind, Callable[[Op, Inputs], Array]] = {
    **dict.fromkeys(_DOTS, _filtered),
    OpKind.BATCH_NORM: lambda op, inputs: inputs[0] * inputs[1] + inputs[2],
    OpKind.SIGN: lambda op, inputs: np.where(inputs[0] < 0, -1, 1),
    OpKind.UNPACK: lambda op, inputs: inputs[0],
    OpKind.ACTIVATION: lambda op, inputs: _activate(inputs[0], op.options.activation),
    OpKind.PRELU: lambda op, inputs: np.where(inputs[0] >= 0, inputs[0], inputs[1] * inputs[0]),
    OpKind.SOFTMAX: _softmax,
    OpKind.MAX_POOL_2D: _max_pool,
    OpKind.AVERAGE_POOL_2D: _average_pool,
    OpKind.MAX_POOL_3D: _max_pool,
    OpKind.AVERAGE_POOL_3D: _average_pool,
    OpKind.ADD: _pairwise(np.add),
    OpKind.SUBTRACT: _pairwise(np.subtract),
    OpKind.MULTIPLY: _pairwise(np.multiply),
    OpKind.DIVIDE: _pairwise(np.divide),
    OpKind.MAXIMUM: _pairwise(np.maximum),
    OpKind.MINIMUM: _pairwise(np.minimum),
    OpKind.BIT_PLANES: _bit_planes,
    OpKind.FROM_PLANES: _from_planes,
    OpKind.CONCATENATE: lambda op, inputs: np.concatenate(inputs, axis=op.options.axis),
    OpKind.RESHAPE: lambda op, inputs: inputs[0].reshape(inputs[0].shape[0], *op.options.shape),
    OpKind.PAD: _pad,
    OpKind.TRANSPOSE: lambda op, inputs: np.transpose(inputs[0], op.options.permutation),
    OpKind.SLICE: _slice,
    OpKind.TILE: lambda op, inputs: np.tile(inputs[0], op.options.multiples),
    OpKind.REDUCE: _reduce,
    OpKind.RESIZE_BILINEAR_2D: _resize,
    OpKind.EMBEDDING: _embedding,
    OpKind.QUANTIZE: _quantize,
    OpKind.DEQUANTIZE: _dequantize,
}

# sums whose error is relative to the same sum of magnitudes
_SUMS = frozenset(
    {
        OpKind.BATCH_NORM,
        OpKind.AVERAGE_POOL_2D,
        OpKind.AVERAGE_POOL_3D,
        OpKind.REDUCE,
        OpKind.RESIZE_BILINEAR_2D,
    }
)
