"""Models that the tests of the schema floor share."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from xlite.schema import (
    Activation,
    ActivationKind,
    ActivationOptions,
    ConcatenateOptions,
    Conv2DOptions,
    CustomOptions,
    DenseOptions,
    DType,
    Metadata,
    Model,
    Op,
    OpKind,
    PadOptions,
    Plan,
    Pool2DOptions,
    Preprocessing,
    ReshapeOptions,
    Tensor,
    TensorType,
    infer,
)
from xlite.schema.bits import pack_signs
from xlite.schema.types import (
    Conv3DOptions,
    PlanesKind,
    PlanesOptions,
    Pool3DOptions,
    QuantizeOptions,
    ReduceKind,
    ReduceOptions,
    ResizeOptions,
    SliceOptions,
    TileOptions,
    TransposeOptions,
)

F32, I32, I8, U8, BIT = DType.FLOAT32, DType.INT32, DType.INT8, DType.UINT8, DType.BIT


class Builder:
    """Puts a model together op by op; output types come from the contracts, so what it makes is valid."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.RandomState(seed)  # its numbers are the same in every numpy
        self.tensors: list[Tensor] = []
        self.ops: list[Op] = []
        self.inputs: list[int] = []
        self.outputs: list[int] = []

    def tensor(self, name: str, tensor_type: TensorType, data: np.ndarray | None = None) -> int:
        self.tensors.append(Tensor(name, tensor_type, data))
        return len(self.tensors) - 1

    def input(self, *shape: int, dtype: DType = F32, name: str = "input") -> int:
        self.inputs.append(self.tensor(name, TensorType(shape, dtype)))
        return self.inputs[-1]

    def floats(self, *shape: int, name: str = "floats") -> int:
        return self.tensor(name, TensorType(shape, F32), self.rng.normal(size=shape).astype("<f4"))

    def ints(self, *shape: int, name: str = "ints") -> int:
        return self.tensor(name, TensorType(shape, I32), self.rng.randint(-9, 9, shape).astype("<i4"))

    def bytes(self, *shape: int, name: str = "bytes") -> int:
        return self.tensor(name, TensorType(shape, I8), self.rng.randint(-128, 128, shape).astype("i1"))

    def bits(self, *shape: int, packed_axes: int = 1, name: str = "bits") -> int:
        words = pack_signs(self.rng.normal(size=shape), packed_axes)
        return self.tensor(name, TensorType(shape, BIT, packed_axes), words)

    def op(
        self, kind: OpKind, inputs: list[int], options=None, name: str = "", out: TensorType | None = None
    ) -> int:
        types = infer(kind, [None if i < 0 else self.tensors[i].type for i in inputs], options)
        result = types[0] if types else out
        output = self.tensor(f"{name}/out", result)
        self.ops.append(Op(kind, tuple(inputs), (output,), options, name))
        return output

    def type(self, index: int) -> TensorType:
        return self.tensors[index].type

    def model(self, outputs: list[int], metadata: Metadata | None = None) -> Model:
        model = Model(self.tensors, self.ops, tuple(self.inputs), tuple(outputs), None, metadata or Metadata())
        return replace(model, plan=simple_plan(model))


def simple_plan(model: Model) -> Plan:
    """Every activation in its own place."""
    offsets, top = [], 0
    for tensor in model.tensors:
        offsets.append(-1 if tensor.is_constant else top)
        top += 0 if tensor.is_constant else -(-tensor.type.nbytes // 16) * 16
    return Plan(tuple(offsets), top, top // 2)


def small_model() -> Model:
    """sign -> binary convolution -> softmax, as small as a file with everything in it can be."""
    b = Builder()
    x = b.input(1, 4, 4, 2)
    bits = b.op(OpKind.SIGN, [x], name="sign")
    relu = Activation(ActivationKind.RELU, alpha=0.25, max_value=6.0)
    filters, scale = b.bits(3, 3, 3, 2, packed_axes=3, name="filter"), b.floats(3, name="scale")
    conv = b.op(OpKind.CONV_2D, [bits, filters, scale, -1, -1], Conv2DOptions(activation=relu), "conv")
    flat = b.op(OpKind.RESHAPE, [conv], ReshapeOptions((12,)), "flatten")
    y = b.op(OpKind.SOFTMAX, [flat], name="softmax")
    metadata = Metadata(producer="xlite test", labels=["a", "b"], preprocessing=Preprocessing(1 / 256))
    metadata.entries["accuracy"] = "0.5"
    return b.model([y], metadata)


def first_ops_model() -> Model:
    """What data/v1_0.xlite holds: one of each kind of op that format 1.0 has."""
    b = Builder(1)
    return replace(b.model(_first_ops(b), _metadata()), version_minor=0)


def second_ops_model() -> Model:
    """What data/v1_1.xlite holds: one of each kind of op that format 1.1 has."""
    b = Builder(1)
    return replace(b.model([*_first_ops(b), *_later_ops(b)], _metadata()), version_minor=1)


def every_op_model() -> Model:
    """One of each kind of op, each dtype of output, optional inputs present and absent, an op of the user's. It is
    what data/v1_2.xlite holds; when the format grows, keep it as it is and add to a copy."""
    b = Builder(1)
    return b.model([*_first_ops(b), *_later_ops(b), *_integer_ops(b)], _metadata())


def _first_ops(b: Builder) -> list[int]:
    """Adds the ops of format 1.0; returns the outputs."""
    same = {"pad_top": 1, "pad_bottom": 1, "pad_left": 1, "pad_right": 1}
    x = b.input(1, 6, 6, 3, name="image")
    x = b.op(OpKind.PAD, [x], PadOptions((0, 0, 1, 1, 1, 1, 0, 0), 0.5), "pad")
    relu6 = Conv2DOptions(activation=Activation(ActivationKind.RELU, max_value=6.0))
    x = b.op(OpKind.CONV_2D, [x, b.floats(5, 3, 3, 3), -1, b.floats(5), -1], relu6, "float_conv")
    x = b.op(OpKind.BATCH_NORM, [x, b.floats(5), b.floats(5)], name="batch_norm")
    x = b.op(OpKind.PRELU, [x, b.floats(1, 1, 5)], name="prelu")
    x = b.op(OpKind.ACTIVATION, [x], ActivationOptions(Activation(ActivationKind.TANH)), "tanh")
    x = b.op(OpKind.SIGN, [x], name="sign")
    pool = Pool2DOptions(window_h=2, window_w=2, stride_h=2, stride_w=2)
    x = b.op(OpKind.MAX_POOL_2D, [x, b.bits(5, name="flip")], pool, "pool")
    to_bits = Conv2DOptions(**same, pad_value=-1, output_dtype=BIT)
    bits = b.op(OpKind.DEPTHWISE_CONV_2D, [x, b.bits(3, 3, 5), -1, -1, b.ints(5)], to_bits, "depthwise")
    to_ints = Conv2DOptions(output_dtype=I32)
    ints = b.op(OpKind.CONV_2D, [bits, b.bits(4, 2, 2, 5, packed_axes=3), -1, -1, -1], to_ints, "ints")
    filters = b.bits(40, 1, 1, 5, packed_axes=3)
    a = b.op(OpKind.CONV_2D, [bits, filters, b.floats(40), b.floats(40), -1], Conv2DOptions(), "a")
    c = b.op(OpKind.CONV_2D, [bits, filters, b.floats(40), -1, -1], Conv2DOptions(), "c")
    x = b.op(OpKind.ADD, [a, c], name="add")
    x = b.op(OpKind.CONCATENATE, [x, b.op(OpKind.UNPACK, [bits], name="unpack")], ConcatenateOptions(-1), "join")
    x = b.op(OpKind.AVERAGE_POOL_2D, [x], Pool2DOptions(window_h=3, window_w=3), "average")
    x = b.op(OpKind.RESHAPE, [x], ReshapeOptions((45,)), "flatten")
    x = b.op(OpKind.DENSE, [x, b.bits(10, 45), b.floats(10), -1, -1], DenseOptions(), "dense")
    x = b.op(OpKind.SOFTMAX, [x], name="softmax")
    custom = CustomOptions("Custom>Calibrate", b'{"t": 2}')
    x = b.op(OpKind.CUSTOM, [x, b.floats(10)], custom, "calibrate", out=TensorType((1, 10), F32))
    return [x, ints]


def _later_ops(b: Builder) -> list[int]:
    """Adds the kinds and options that came with format 1.1; returns the outputs."""
    image = b.input(1, 6, 6, 3, name="second image")
    planes = b.op(OpKind.BIT_PLANES, [image], PlanesOptions(PlanesKind.DOREFA, 2), "quantize")
    filters, mask = b.bits(4, 3, 3, 3, packed_axes=3), b.bits(4, 3, 3, 3, packed_axes=3, name="mask")
    ternary = Conv2DOptions(planes=2, pad_top=1, activation=Activation(ActivationKind.CLIP, 0.0, 6.0, -math.inf))
    x = b.op(OpKind.CONV_2D, [planes, filters, b.floats(4), -1, -1, mask], ternary, "ternary")
    back = b.op(OpKind.FROM_PLANES, [planes], PlanesOptions(PlanesKind.DOREFA, 2), "back")
    x = b.op(OpKind.SUBTRACT, [b.floats(1, 1, 1, 4), x], name="subtract")
    x = b.op(OpKind.MULTIPLY, [x, b.floats(1, 5, 4, 1)], name="multiply")
    x = b.op(OpKind.DIVIDE, [x, b.floats(1, 1, 1, 1)], name="divide")
    x = b.op(OpKind.MAXIMUM, [x, x], name="maximum")
    x = b.op(OpKind.MINIMUM, [x, b.floats(1, 1, 1, 4)], name="minimum")
    x = b.op(OpKind.ACTIVATION, [x], ActivationOptions(Activation(ActivationKind.CELU, alpha=0.5)), "celu")
    local = b.floats(4, 3, 2, 2, 2, 4)
    x = b.op(OpKind.LOCALLY_CONNECTED_2D, [x, local, b.floats(2), b.floats(2)], Conv2DOptions(), "local")
    x = b.op(OpKind.RESIZE_BILINEAR_2D, [x], ResizeOptions(3, 5), "resize")
    x = b.op(OpKind.TRANSPOSE, [x], TransposeOptions((0, 3, 1, 2)), "transpose")
    x = b.op(OpKind.SLICE, [x], SliceOptions((0, 1, 0, 0), (1, 1, 2, 3), (1, 1, 2, 2)), "slice")
    x = b.op(OpKind.TILE, [x], TileOptions((1, 2, 1, 1)), "tile")
    mean = b.op(OpKind.REDUCE, [x], ReduceOptions(ReduceKind.MEAN, (1, 3)), "mean")
    volume = b.op(OpKind.RESHAPE, [back], ReshapeOptions((3, 6, 2, 3)), "volume")
    filters_3d = b.bits(2, 1, 2, 2, 3, packed_axes=4)
    volume = b.op(OpKind.CONV_3D, [volume, filters_3d], Conv3DOptions(pad_top=1), "conv_3d")
    volume = b.op(OpKind.MAX_POOL_3D, [volume], Pool3DOptions(window_h=2, stride_h=2), "max_3d")
    up = Conv3DOptions(stride_h=2, stride_w=2, output_d=3, output_h=6, output_w=2, groups=2)
    volume = b.op(OpKind.CONV_3D_TRANSPOSE, [volume, b.floats(2, 1, 2, 2, 1)], up, "up")
    volume = b.op(OpKind.AVERAGE_POOL_3D, [volume], Pool3DOptions(window_d=3), "average_3d")
    words = b.op(OpKind.EMBEDDING, [mean, b.floats(5, 3, name="table")], name="embedding")
    step = b.op(OpKind.BIT_PLANES, [words], PlanesOptions(PlanesKind.HEAVISIDE, 1), "step")
    return [volume, step]


def _integer_ops(b: Builder) -> list[int]:
    """Adds the kinds and options that came with format 1.2; returns the outputs."""
    image = b.input(1, 6, 6, 3, dtype=U8, name="bytes")
    b.tensors[image].scale, b.tensors[image].zero_point = 0.5, 128
    x = b.op(OpKind.PAD, [image], PadOptions((0, 0, 1, 0, 0, 0, 0, 0), 255.0), "pad_bytes")
    x = b.op(OpKind.MAX_POOL_2D, [x], Pool2DOptions(window_h=2), "pool_bytes")
    x = b.op(OpKind.CONCATENATE, [x, image], ConcatenateOptions(-1), "join_bytes")
    x = b.op(OpKind.SLICE, [x], SliceOptions((0, 0, 0, 2), (1, 6, 6, 3), (1, 1, 1, 1)), "slice_bytes")
    halves = Conv2DOptions(pad_top=1, output_dtype=BIT, input_multiplier=2, input_zero_point=255)
    bits = b.op(OpKind.CONV_2D, [x, b.bits(5, 3, 3, 3, packed_axes=3), -1, -1, b.ints(5)], halves, "stem")
    ints = b.op(OpKind.CONV_2D, [bits, b.bytes(4, 2, 2, 5)], Conv2DOptions(output_dtype=I32), "bits_by_bytes")
    scores = b.op(OpKind.DEQUANTIZE, [ints], QuantizeOptions(F32, 0.25), "scores")
    x = b.op(OpKind.QUANTIZE, [scores], QuantizeOptions(I8, 0.125, -3), "quantize_bytes")
    b.tensors[x].scale, b.tensors[x].zero_point = 0.125, -3
    x = b.op(OpKind.TRANSPOSE, [x], TransposeOptions((0, 2, 1, 3)), "transpose_bytes")
    to_floats = Conv2DOptions(input_zero_point=-3, activation=Activation(ActivationKind.RELU))
    filters = b.bytes(2, 2, 8, name="depthwise_bytes")
    y = b.op(OpKind.DEPTHWISE_CONV_2D, [x, filters, b.floats(8), b.floats(8)], to_floats, "depthwise_bytes")
    x = b.op(OpKind.RESHAPE, [x], ReshapeOptions((48,)), "flatten_bytes")
    x = b.op(OpKind.TILE, [x], TileOptions((1, 2)), "tile_bytes")
    x = b.op(OpKind.DENSE, [x, b.bytes(10, 96), b.floats(10)], DenseOptions(input_zero_point=-3), "dense_bytes")
    x = b.op(OpKind.DENSE, [x, b.bytes(3, 10)], DenseOptions(), "weights_of_bytes")
    return [y, x]


def _metadata() -> Metadata:
    return Metadata(
        producer="xlite 0.1.0",
        source_name="model.h5",
        source_sha256="0" * 64,
        source_format="keras 3.15.1 h5",
        model_name="every_op",
        labels=["T-shirt/top", "Hose", "", "上衣"],
        preprocessing=Preprocessing(1 / 128, -1.0),
        entries={"accuracy": "0.91", "": "no key"},
    )


def chain_model(ops: int) -> Model:
    """Alternating ACTIVATION and BATCH_NORM on a (1, 4) tensor."""
    b = Builder()
    x = b.input(1, 4)
    scale = b.floats(4)
    for index in range(ops):
        if index % 2:
            x = b.op(OpKind.BATCH_NORM, [x, scale, scale], name=f"norm_{index}")
        else:
            x = b.op(OpKind.ACTIVATION, [x], ActivationOptions(Activation(ActivationKind.RELU)), f"relu_{index}")
    return b.model([x])


def assert_same(a: Model, b: Model) -> None:
    """Every field equal, constants bit for bit (NaN included)."""
    assert [t.name for t in a.tensors] == [t.name for t in b.tensors]
    assert [t.type for t in a.tensors] == [t.type for t in b.tensors]
    assert [(t.scale, t.zero_point) for t in a.tensors] == [(t.scale, t.zero_point) for t in b.tensors]
    for x, y in zip(a.tensors, b.tensors):
        assert x.is_constant == y.is_constant
        if x.is_constant:
            assert x.data.dtype == y.data.dtype
            assert x.data.shape == y.data.shape
            assert x.data.tobytes() == y.data.tobytes()
    assert a.ops == b.ops
    assert (a.inputs, a.outputs, a.plan, a.metadata) == (b.inputs, b.outputs, b.plan, b.metadata)
    assert (a.version_major, a.version_minor) == (b.version_major, b.version_minor)


# -- random models -------------------------------------------------------------------------------------------

_TEXT = st.text(max_size=12)
_FLOAT = st.floats(width=32, allow_nan=False, allow_infinity=False)


# (alpha, threshold) to choose from, where a kind needs or takes them
_PARAMETERS = {
    ActivationKind.ELU: [(1.0, 0.0), (0.25, 0.0)],
    ActivationKind.CELU: [(1.0, 0.0), (-0.5, 0.0)],
    ActivationKind.HARD_SIGMOID: [(0.25, 0.5)],
    ActivationKind.SOFT_SHRINK: [(0.0, 0.5)],
    ActivationKind.THRESHOLD: [(-2.0, 0.5)],
    ActivationKind.SQUAREPLUS: [(4.0, 0.0)],
}


@st.composite
def activations(draw: st.DrawFn) -> Activation:
    kind = draw(st.sampled_from(ActivationKind))
    if kind not in (ActivationKind.RELU, ActivationKind.CLIP):
        alpha, threshold = draw(st.sampled_from(_PARAMETERS.get(kind, [(0.0, 0.0)])))
        return Activation(kind, alpha, threshold=threshold)
    threshold, room = draw(st.sampled_from([0.0, -1.5, 2.25])), draw(st.sampled_from([0.0, 6.0, math.inf]))
    alpha = draw(st.sampled_from([0.0, 0.25])) if kind is ActivationKind.RELU else 0.0
    return Activation(kind, alpha, threshold + room, threshold)


@st.composite
def metadatas(draw: st.DrawFn) -> Metadata:
    raw = draw(st.none() | st.builds(Preprocessing, _FLOAT, _FLOAT))
    entries = draw(st.dictionaries(_TEXT, _TEXT, max_size=3))
    return Metadata(*(draw(_TEXT) for _ in range(5)), draw(st.lists(_TEXT, max_size=4)), raw, entries)


@st.composite
def models(draw: st.DrawFn, max_ops: int = 8) -> Model:
    """A valid model: a chain of ops that fit what came before, with a branch here and there."""
    b = Builder(draw(st.integers(0, 99)))
    extent = st.integers(1, 6)
    shape = (1, draw(extent), draw(extent), draw(st.sampled_from([1, 3, 31, 32, 33, 64])))
    x = b.input(*shape, name=draw(_TEXT))
    for _ in range(draw(st.integers(0, max_ops))):
        steps = _float_steps if b.type(x).dtype is F32 else _bit_steps
        x = draw(st.sampled_from(steps))(draw, b, x)
    outputs = [x]
    if draw(st.booleans()):
        extra = draw(st.sampled_from([i for i, t in enumerate(b.tensors) if not t.is_constant]))
        outputs += [extra] if extra != x else []
    model = b.model(outputs, draw(metadatas()))
    return replace(model, plan=draw(st.sampled_from([None, model.plan])))


def _conv(draw: st.DrawFn, b: Builder, x: int) -> int:
    _, height, width, channels = b.type(x).shape
    kernel_h, kernel_w = draw(st.integers(1, min(3, height))), draw(st.integers(1, min(3, width)))
    filters = draw(st.sampled_from([1, 2, 33]))
    binary = b.type(x).dtype is BIT
    out = draw(st.sampled_from([F32, I32, BIT])) if binary else F32
    strides = {"stride_h": draw(st.integers(1, 2)), "stride_w": draw(st.integers(1, 2))}
    options = Conv2DOptions(**strides, pad_left=draw(st.integers(0, 2)), output_dtype=out)
    if binary:
        options = replace(options, pad_value=draw(st.sampled_from([-1, 0, 1])))
    if out is F32:
        options = replace(options, activation=draw(activations()))
    shape = (filters, kernel_h, kernel_w, channels)
    packed = binary or draw(st.booleans())
    kernel = b.bits(*shape, packed_axes=3) if packed else b.floats(*shape)
    scale = b.floats(filters) if out is F32 and draw(st.booleans()) else -1
    bias = b.floats(filters) if out is F32 and draw(st.booleans()) else -1
    threshold = b.ints(filters) if out is BIT else -1
    mask = b.bits(*shape, packed_axes=3) if packed and draw(st.booleans()) else -1
    y = b.op(OpKind.CONV_2D, [x, kernel, scale, bias, threshold, mask], options, draw(_TEXT))
    if out is not I32:
        return y
    b.outputs.append(y)
    return x


def _sign(draw: st.DrawFn, b: Builder, x: int) -> int:
    return b.op(OpKind.SIGN, [x], name=draw(_TEXT))


def _norm(draw: st.DrawFn, b: Builder, x: int) -> int:
    channels = b.type(x).shape[-1]
    return b.op(OpKind.BATCH_NORM, [x, b.floats(channels), b.floats(channels)], name=draw(_TEXT))


def _add(draw: st.DrawFn, b: Builder, x: int) -> int:
    return b.op(OpKind.ADD, [x, b.op(OpKind.SOFTMAX, [x])], name=draw(_TEXT))


def _pad(draw: st.DrawFn, b: Builder, x: int) -> int:
    value = draw(st.sampled_from([1.0, -1.0]) if b.type(x).dtype is BIT else _FLOAT)
    return b.op(OpKind.PAD, [x], PadOptions((0, 0, draw(st.integers(0, 2)), 0, 1, 0, 0, 0), value), draw(_TEXT))


def _pool(draw: st.DrawFn, b: Builder, x: int) -> int:
    channels = b.type(x).shape[-1]
    flip = b.bits(channels) if b.type(x).dtype is BIT and draw(st.booleans()) else -1
    return b.op(OpKind.MAX_POOL_2D, [x, flip], Pool2DOptions(stride_h=2), draw(_TEXT))


def _join(draw: st.DrawFn, b: Builder, x: int) -> int:
    return b.op(OpKind.CONCATENATE, [x, x], ConcatenateOptions(draw(st.sampled_from([1, 2, 3, -1]))))


def _unpack(draw: st.DrawFn, b: Builder, x: int) -> int:
    return b.op(OpKind.UNPACK, [x], name=draw(_TEXT))


def _pairwise(draw: st.DrawFn, b: Builder, x: int) -> int:
    kind = draw(st.sampled_from([OpKind.ADD, OpKind.SUBTRACT, OpKind.MULTIPLY, OpKind.DIVIDE, OpKind.MINIMUM]))
    constant = b.floats(*(draw(st.sampled_from([1, d])) for d in b.type(x).shape))
    first = kind is OpKind.SUBTRACT and draw(st.booleans())
    return b.op(kind, [constant, x] if first else [x, constant], name=draw(_TEXT))


def _planes(draw: st.DrawFn, b: Builder, x: int) -> int:
    kind = draw(st.sampled_from(PlanesKind))
    options = PlanesOptions(kind, 1 if kind is PlanesKind.HEAVISIDE else draw(st.integers(1, 8)))
    planes = b.op(OpKind.BIT_PLANES, [x], options, draw(_TEXT))
    return b.op(OpKind.FROM_PLANES, [planes], options) if draw(st.booleans()) else planes


def _transpose(draw: st.DrawFn, b: Builder, x: int) -> int:
    return b.op(OpKind.TRANSPOSE, [x], TransposeOptions((0, *draw(st.permutations([1, 2, 3])))), draw(_TEXT))


def _slice(draw: st.DrawFn, b: Builder, x: int) -> int:
    begin = [draw(st.integers(0, d - 1)) for d in b.type(x).shape]
    stride = [1, *(draw(st.integers(1, 3)) for _ in begin[1:])]
    size = [(d - 1 - i) // s + 1 for d, i, s in zip(b.type(x).shape, begin, stride)]
    return b.op(OpKind.SLICE, [x], SliceOptions(tuple(begin), tuple(size), tuple(stride)), draw(_TEXT))


def _tile(draw: st.DrawFn, b: Builder, x: int) -> int:
    multiples = (1, draw(st.integers(1, 2)), 1, draw(st.integers(1, 2)))
    return b.op(OpKind.TILE, [x], TileOptions(multiples), draw(_TEXT))


def _reduce(draw: st.DrawFn, b: Builder, x: int) -> int:
    axes = tuple(sorted(draw(st.sets(st.integers(1, 3), min_size=1))))
    return b.op(OpKind.REDUCE, [x], ReduceOptions(draw(st.sampled_from(ReduceKind)), axes, True), draw(_TEXT))


def _custom(draw: st.DrawFn, b: Builder, x: int) -> int:
    options = CustomOptions(draw(st.text(min_size=1, max_size=12)), draw(st.binary(max_size=9)))
    return b.op(OpKind.CUSTOM, [x], options, draw(_TEXT), out=b.type(x))


_moves = [_pad, _pool, _join, _transpose, _slice, _tile, _custom]
_float_steps = [_conv, _sign, _norm, _add, _pairwise, _planes, _reduce, *_moves]
_bit_steps = [_conv, _unpack, *_moves]
