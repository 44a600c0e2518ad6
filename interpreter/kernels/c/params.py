"""From an op's types and options to the parameter struct that its C kernel reads."""

from __future__ import annotations

import ctypes
import math

from xlite.interpreter.kernels.base import OpSpec
from xlite.interpreter.kernels.c import structs
from xlite.interpreter.kernels.c.library import Library
from xlite.schema.types import WORD_BITS, Activation, ActivationKind, DType, TensorType


def conv_2d(spec: OpSpec, library: Library) -> structs.Conv2DParams:
    """For CONV_2D, DEPTHWISE_CONV_2D and LOCALLY_CONNECTED_2D."""
    x, kernel, y, options = spec.inputs[0], spec.inputs[1], spec.outputs[0], spec.op.options
    window = kernel.shape[-3:-1]  # the two axes before the last
    return structs.Conv2DParams(
        activation=_activation(options.activation, library),
        window=_window(x, y, window, options, (options.dilation_h, options.dilation_w)),
        batch=x.shape[0],
        in_c=x.shape[3],
        out_c=y.shape[3],
        pad_value=options.pad_value,
        groups=options.groups,
        planes=options.planes,
        masked=_masked(spec),
        input_multiplier=options.input_multiplier,
        input_zero_point=options.input_zero_point,
    )


def conv_3d(spec: OpSpec, library: Library) -> structs.Conv3DParams:
    """For CONV_3D and CONV_3D_TRANSPOSE."""
    x, kernel, y, options = spec.inputs[0], spec.inputs[1], spec.outputs[0], spec.op.options
    dilation = options.dilation_d, options.dilation_h, options.dilation_w
    return structs.Conv3DParams(
        activation=_activation(options.activation, library),
        axis=_axes_3d(x, y, kernel.shape[1:4], options, dilation),
        batch=x.shape[0],
        in_c=x.shape[4],
        out_c=y.shape[4],
        pad_value=options.pad_value,
        groups=options.groups,
        planes=options.planes,
        masked=_masked(spec),
    )


def dense(spec: OpSpec, library: Library) -> structs.DenseParams:
    (units, features), options = spec.inputs[1].shape, spec.op.options
    activation = _activation(options.activation, library)
    return structs.DenseParams(
        activation=activation,
        rows=_rows(spec.inputs[0]),
        features=features,
        units=units,
        planes=options.planes,
        masked=_masked(spec),
        input_multiplier=options.input_multiplier,
        input_zero_point=options.input_zero_point,
    )


def dense_as_conv_2d(spec: OpSpec, library: Library) -> structs.Conv2DParams:
    """DENSE as the convolution of one image, whose pixels are the rows of x, with windows of one pixel."""
    (units, features), options = spec.inputs[1].shape, spec.op.options
    pixels = _rows(spec.inputs[0])
    return structs.Conv2DParams(
        activation=_activation(options.activation, library),
        window=structs.Window(1, pixels, 1, pixels, 1, 1, 1, 1, 1, 1, 0, 0),
        batch=1,
        in_c=features * options.planes,
        out_c=units,
        pad_value=0,
        groups=1,
        planes=options.planes,
        masked=_masked(spec),
        input_multiplier=options.input_multiplier,
        input_zero_point=options.input_zero_point,
    )


def rows(spec: OpSpec, library: Library) -> structs.RowsParams:
    """For BATCH_NORM, SIGN, UNPACK and SOFTMAX."""
    return structs.RowsParams(_rows(spec.inputs[0]), spec.inputs[0].shape[-1])


def whole(spec: OpSpec, library: Library) -> structs.BytesParams:
    """For RESHAPE as a copy."""
    return structs.BytesParams(spec.inputs[0].nbytes)


def quantize(spec: OpSpec, library: Library) -> structs.QuantizeParams:
    """For QUANTIZE and DEQUANTIZE."""
    options = spec.op.options
    return structs.QuantizeParams(spec.inputs[0].elements, options.scale, options.zero_point)


def binary(spec: OpSpec, library: Library) -> structs.BinaryParams:
    """For ADD, SUBTRACT, MULTIPLY, DIVIDE, MAXIMUM and MINIMUM."""
    a, b = spec.inputs
    return structs.BinaryParams(len(a.shape), _axes(a.shape), _axes(b.shape))


def planes(spec: OpSpec, library: Library) -> structs.PlanesParams:
    """For BIT_PLANES and FROM_PLANES."""
    floats = spec.inputs[0] if spec.inputs[0].dtype is DType.FLOAT32 else spec.outputs[0]
    options = spec.op.options
    return structs.PlanesParams(_rows(floats), floats.shape[-1], options.planes, int(options.kind))


def activation(spec: OpSpec, library: Library) -> structs.ActivationParams:
    return structs.ActivationParams(_activation(spec.op.options.activation, library), spec.inputs[0].elements)


def prelu(spec: OpSpec, library: Library) -> structs.PreluParams:
    x, slope = spec.inputs
    return structs.PreluParams(len(x.shape), _axes(x.shape), _axes((1, *slope.shape)))


def pool_2d(spec: OpSpec, library: Library) -> structs.Pool2DParams:
    x, y, options = spec.inputs[0], spec.outputs[0], spec.op.options
    window = _window(x, y, (options.window_h, options.window_w), options, (1, 1))
    return structs.Pool2DParams(window, x.shape[0], x.shape[3])


def pool_3d(spec: OpSpec, library: Library) -> structs.Pool3DParams:
    x, y, options = spec.inputs[0], spec.outputs[0], spec.op.options
    window = options.window_d, options.window_h, options.window_w
    return structs.Pool3DParams(_axes_3d(x, y, window, options, (1, 1, 1)), x.shape[0], x.shape[4])


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


def transpose(spec: OpSpec, library: Library) -> structs.TransposeParams:
    shape = spec.inputs[0].shape
    return structs.TransposeParams(len(shape), _axes(shape), _axes(spec.op.options.permutation))


def slice_(spec: OpSpec, library: Library) -> structs.SliceParams:
    shape, options = spec.inputs[0].shape, spec.op.options
    size = spec.outputs[0].shape  # the options' own, but for the batch
    return structs.SliceParams(len(shape), _axes(shape), _axes(options.begin), _axes(size), _axes(options.stride))


def tile(spec: OpSpec, library: Library) -> structs.TileParams:
    shape = spec.inputs[0].shape
    return structs.TileParams(len(shape), _axes(shape), _axes(spec.op.options.multiples))


def reduce(spec: OpSpec, library: Library) -> structs.ReduceParams:
    shape, options = spec.inputs[0].shape, spec.op.options
    reduced = [int(axis in options.axes) for axis in range(len(shape))]
    return structs.ReduceParams(int(options.kind), len(shape), _axes(shape), _axes(reduced))


def resize(spec: OpSpec, library: Library) -> structs.ResizeParams:
    batch, height, width, channels = spec.inputs[0].shape
    options = spec.op.options
    return structs.ResizeParams(batch, height, width, options.height, options.width, channels)


def embedding(spec: OpSpec, library: Library) -> structs.EmbeddingParams:
    indices, table = spec.inputs
    return structs.EmbeddingParams(indices.elements, *table.shape)


def _activation(given: Activation, library: Library) -> structs.Activation:
    """The functions are named as the kinds."""
    plain = given.kind is ActivationKind.NONE
    apply = None if plain else library.address(f"xl_{given.kind.name.lower()}")
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


def _axes_3d(x: TensorType, y: TensorType, window, options, dilation) -> ctypes.Array:
    strides = options.stride_d, options.stride_h, options.stride_w
    pads = options.pad_front, options.pad_top, options.pad_left
    fields = zip(x.shape[1:4], y.shape[1:4], window, strides, dilation, pads)
    return (structs.Axis * 3)(*(structs.Axis(*values) for values in fields))


def _masked(spec: OpSpec) -> int:
    """1 if some weights are 0. An op that is not of a file may name no slot for it."""
    return int(len(spec.inputs) > 5 and spec.inputs[5] is not None)


def _rows(x: TensorType) -> int:
    return math.prod(x.shape[:-1])


def _axes(values) -> ctypes.Array:
    return (ctypes.c_int32 * structs.MAX_RANK)(*values)


def _joined_axis(spec: OpSpec) -> int:
    return spec.op.options.axis % len(spec.inputs[0].shape)
