"""From an op's types and options to the parameter struct that its C kernel reads."""

from __future__ import annotations

import ctypes
import math

from xlite.interpreter.kernels.base import OpSpec
from xlite.interpreter.kernels.c import structs
from xlite.interpreter.kernels.c.library import Library
from xlite.schema.types import WORD_BITS, Activation, ActivationKind, DType, TensorType

_FUNCTIONS = {
    ActivationKind.RELU: "xl_relu",
    ActivationKind.SIGMOID: "xl_sigmoid",
    ActivationKind.TANH: "xl_tanh",
    ActivationKind.HARD_TANH: "xl_hard_tanh",
}


def conv_2d(spec: OpSpec, library: Library) -> structs.Conv2DParams:
    """For CONV_2D and DEPTHWISE_CONV_2D."""
    x, kernel, y, options = spec.inputs[0], spec.inputs[1], spec.outputs[0], spec.op.options
    window = kernel.shape[-3:-1]  # O, KH, KW, I or KH, KW, C * M: the two axes before the last
    return structs.Conv2DParams(
        activation=_activation(options.activation, library),
        window=_window(x, y, window, options, (options.dilation_h, options.dilation_w)),
        batch=x.shape[0],
        in_c=x.shape[3],
        out_c=y.shape[3],
        pad_value=options.pad_value,
        groups=options.groups,
    )


def dense(spec: OpSpec, library: Library) -> structs.DenseParams:
    units, features = spec.inputs[1].shape
    activation = _activation(spec.op.options.activation, library)
    return structs.DenseParams(activation, _rows(spec.inputs[0]), features, units)


def rows(spec: OpSpec, library: Library) -> structs.RowsParams:
    """For BATCH_NORM, SIGN, UNPACK and SOFTMAX."""
    return structs.RowsParams(_rows(spec.inputs[0]), spec.inputs[0].shape[-1])


def count(spec: OpSpec, library: Library) -> structs.CountParams:
    """For ADD, and RESHAPE as a copy."""
    return structs.CountParams(math.prod(spec.inputs[0].storage_shape))


def activation(spec: OpSpec, library: Library) -> structs.ActivationParams:
    return structs.ActivationParams(_activation(spec.op.options.activation, library), spec.inputs[0].elements)


def prelu(spec: OpSpec, library: Library) -> structs.PreluParams:
    x, slope = spec.inputs
    return structs.PreluParams(len(x.shape), _axes(x.shape), _axes((1, *slope.shape)))


def pool_2d(spec: OpSpec, library: Library) -> structs.Pool2DParams:
    x, y, options = spec.inputs[0], spec.outputs[0], spec.op.options
    window = _window(x, y, (options.window_h, options.window_w), options, (1, 1))
    return structs.Pool2DParams(window, x.shape[0], x.shape[3])


def concatenate(spec: OpSpec, library: Library) -> structs.ConcatenateParams:
    return structs.ConcatenateParams(math.prod(spec.inputs[0].shape[: _joined_axis(spec)]), len(spec.inputs))


def part_extents(spec: OpSpec) -> list[int]:
    """CONCATENATE: elements of each input that lie together; of bits joined along another axis than the last,
    those of its whole words."""
    axis = _joined_axis(spec)
    if spec.inputs[0].dtype is DType.BIT and axis < len(spec.inputs[0].shape) - 1:
        return [math.prod(x.storage_shape[axis:]) * WORD_BITS for x in spec.inputs]
    return [math.prod(x.shape[axis:]) for x in spec.inputs]


def reshape_bits(spec: OpSpec, library: Library) -> structs.ReshapeParams:
    x, y = spec.inputs[0], spec.outputs[0]
    return structs.ReshapeParams(_rows(x), x.shape[-1], _rows(y), y.shape[-1])


def pad(spec: OpSpec, library: Library) -> structs.PadParams:
    shape, options = spec.inputs[0].shape, spec.op.options
    before, after = options.paddings[0::2], options.paddings[1::2]
    return structs.PadParams(len(shape), _axes(shape), _axes(before), _axes(after), options.value)


def _activation(given: Activation, library: Library) -> structs.Activation:
    function = _FUNCTIONS.get(given.kind)
    apply = library.address(function) if function else None
    return structs.Activation(apply, given.alpha, given.max_value, given.threshold)


def _window(x: TensorType, y: TensorType, window, options, dilation) -> structs.Window:
    return structs.Window(
        *x.shape[1:3],
        *y.shape[1:3],
        *window,
        options.stride_h,
        options.stride_w,
        *dilation,
        options.pad_top,
        options.pad_left,
    )


def _rows(x: TensorType) -> int:
    return math.prod(x.shape[:-1])


def _axes(values) -> ctypes.Array:
    return (ctypes.c_int32 * structs.MAX_RANK)(*values)


def _joined_axis(spec: OpSpec) -> int:
    return spec.op.options.axis % len(spec.inputs[0].shape)
