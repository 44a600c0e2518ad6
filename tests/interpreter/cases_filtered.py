"""Ops with a filter."""

from __future__ import annotations

from tests.interpreter.making import BIT, CHANNELS, I8, Case, Maker
from xlite.schema.types import Conv2DOptions, Conv3DOptions, DenseOptions, DType, OpKind


def conv_2d(seed: int) -> Case:
    m = Maker(seed)
    return _conv_2d(m, *m.dtypes())


def conv_2d_of_integers(seed: int) -> Case:
    m = Maker(seed)
    return _conv_2d(m, *m.integer_dtypes())


def _conv_2d(m: Maker, x: DType, filters: DType, out: DType) -> Case:
    groups, planes = m.pick.choice([1, 1, 1, 2, 3]), m.planes(x) if filters is not I8 else 1
    depth, per_group = m.pick.choice(CHANNELS), m.pick.choice([1, 3, 5, 32, 33])
    kernel_h, kernel_w = m.pick.choice([(1, 1), (3, 3), (3, 2), (1, 5)])
    m.add((m.pick.choice([1, 2]), m.pick.randint(5, 9), m.pick.randint(13, 16), planes * depth * groups), x)
    m.add((per_group * groups, kernel_h, kernel_w, depth), filters, 3 if filters is BIT else 1)
    activation = m.finish(per_group * groups, out, kernel_h * kernel_w * depth)
    options = {"groups": groups, "planes": planes, "output_dtype": out, "activation": activation, **m.numbers(x)}
    return m.case(OpKind.CONV_2D, Conv2DOptions(**options, **m.window(x is BIT)))


def depthwise_conv_2d(seed: int) -> Case:
    m = Maker(seed)
    return _depthwise_conv_2d(m, *m.dtypes())


def depthwise_conv_2d_of_integers(seed: int) -> Case:
    m = Maker(seed)
    return _depthwise_conv_2d(m, *m.integer_dtypes())


def _depthwise_conv_2d(m: Maker, x: DType, filters: DType, out: DType) -> Case:
    planes = m.planes(x) if filters is not I8 else 1
    channels, multiplier = m.pick.choice(CHANNELS), m.pick.choice([1, 1, 2, 3])
    kernel_h, kernel_w = m.pick.choice([(1, 1), (3, 3), (2, 4)])
    m.add((m.pick.choice([1, 2]), m.pick.randint(5, 9), m.pick.randint(10, 13), planes * channels), x)
    m.add((kernel_h, kernel_w, channels * multiplier), filters)
    activation = m.finish(channels * multiplier, out, kernel_h * kernel_w)
    options = {"output_dtype": out, "activation": activation, "planes": planes, **m.numbers(x)}
    return m.case(OpKind.DEPTHWISE_CONV_2D, Conv2DOptions(**options, **m.window(x is BIT)))


def dense(seed: int) -> Case:
    m = Maker(seed)
    return _dense(m, *m.dtypes())


def dense_of_integers(seed: int) -> Case:
    m = Maker(seed)
    return _dense(m, *m.integer_dtypes())


def _dense(m: Maker, x: DType, filters: DType, out: DType) -> Case:
    planes = m.planes(x) if filters is not I8 else 1
    features, units = m.pick.choice((*CHANNELS, 257)), m.pick.choice(CHANNELS)
    m.add((m.pick.choice([1, 3]), *m.pick.choice([(), (4,), (2, 3)]), planes * features), x)
    m.add((units, features), filters)
    return m.case(OpKind.DENSE, DenseOptions(out, m.finish(units, out, features), planes, **m.numbers(x)))


def _steps_3d(m: Maker) -> dict:
    return {f"{what}_{axis}": m.pick.choice([1, 1, 2]) for what in ("stride", "dilation") for axis in "dhw"}


def _operands_3d(m: Maker, x, filters, planes: int, groups: int) -> None:
    """A small volume and 3D filters for it."""
    depth, per_group = m.pick.choice([1, 3, 32, 33]), m.pick.choice([1, 3, 33])
    window = m.pick.choice([(1, 1, 1), (2, 2, 2), (1, 3, 2), (3, 1, 2)])
    image = m.pick.randint(2, 5), m.pick.randint(3, 6), m.pick.randint(3, 5)
    m.add((m.pick.choice([1, 2]), *image, planes * groups * depth), x)
    m.add((per_group * groups, *window, depth), filters, 4 if filters is BIT else 1)


_PADS_3D = ("pad_front", "pad_back", "pad_top", "pad_bottom", "pad_left", "pad_right")


def conv_3d(seed: int) -> Case:
    m = Maker(seed)
    x, filters, out = m.dtypes()
    planes, groups = m.planes(x), m.pick.choice([1, 1, 2])
    _operands_3d(m, x, filters, planes, groups)
    shape = m.types[1].shape
    activation = m.finish(shape[0], out, m.types[1].elements // shape[0])
    pads = {name: m.pick.choice([0, 0, 1, 2]) for name in _PADS_3D}
    pad_value = m.pick.choice([0, 0, 1, -1]) if x is BIT else 0
    options = {"groups": groups, "planes": planes, "output_dtype": out, "activation": activation}
    return m.case(OpKind.CONV_3D, Conv3DOptions(**options, **pads, **_steps_3d(m), pad_value=pad_value))


def conv_3d_transpose(seed: int) -> Case:
    """Outputs that are cut, and outputs that reach beyond the last place of the filter."""
    m = Maker(seed)
    x, filters, out = m.dtypes()
    planes, groups = m.planes(x), m.pick.choice([1, 1, 2])
    _operands_3d(m, x, filters, planes, groups)
    volume, shape = m.types[0].shape, m.types[1].shape
    activation = m.finish(shape[0], out, m.types[1].elements // shape[0])
    options = {"groups": groups, "planes": planes, "output_dtype": out, "activation": activation, **_steps_3d(m)}
    for axis, size, taps, ends in zip("dhw", volume[1:4], shape[1:4], zip(_PADS_3D[::2], _PADS_3D[1::2])):
        stride, dilation = options[f"stride_{axis}"], options[f"dilation_{axis}"]
        full = (size - 1) * stride + (taps - 1) * dilation + 1
        before = m.pick.randint(0, min(2, full - 1))
        after = m.pick.randint(0, min(2, full - 1 - before))
        options.update(zip(ends, (before, after)))
        options[f"output_{axis}"] = full - before - after + m.pick.randint(0, stride - 1)
    return m.case(OpKind.CONV_3D_TRANSPOSE, Conv3DOptions(**options))


def locally_connected_2d(seed: int) -> Case:
    m = Maker(seed)
    x, filters, out = m.dtypes()
    planes, depth, channels = m.planes(x), m.pick.choice([1, 3, 32, 33]), m.pick.choice([1, 3, 33])
    height, width = m.pick.randint(5, 7), m.pick.randint(6, 8)
    kernel_h, kernel_w = m.pick.choice([(1, 1), (3, 2), (2, 2)])
    window = m.window(x is BIT)
    padded = (
        height + window["pad_top"] + window["pad_bottom"] - (kernel_h - 1) * window["dilation_h"] - 1,
        width + window["pad_left"] + window["pad_right"] - (kernel_w - 1) * window["dilation_w"] - 1,
    )
    places = padded[0] // window["stride_h"] + 1, padded[1] // window["stride_w"] + 1
    m.add((m.pick.choice([1, 2]), height, width, planes * depth), x)
    m.add((*places, channels, kernel_h, kernel_w, depth), filters, 3 if filters is BIT else 1)
    activation = m.finish(channels, out, kernel_h * kernel_w * depth)
    options = Conv2DOptions(output_dtype=out, activation=activation, planes=planes, **window)
    return m.case(OpKind.LOCALLY_CONNECTED_2D, options)
