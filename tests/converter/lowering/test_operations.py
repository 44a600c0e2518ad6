"""Nodes of ``keras.ops`` in functional models against Keras."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed")
pytestmark = pytest.mark.keras

from tests.converter.evaluate import evaluate  # noqa: E402
from tests.converter.lowering.checking import check, inputs_of  # noqa: E402
from xlite.converter.frontend import read  # noqa: E402
from xlite.converter.lowering import contraction, lower, lowering  # noqa: E402
from xlite.converter.lowering.elementwise import applied  # noqa: E402
from xlite.schema.errors import UnsupportedLayerError  # noqa: E402
from xlite.schema.types import ActivationKind, OpKind  # noqa: E402

ops = keras.ops
VECTOR = np.array([0.5, -1.0, 2.0, 0.25], np.float32)
GRID = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)


def unary(function, shape=(2, 3, 4)):
    inputs = keras.Input(shape)
    return check(keras.Model(inputs, function(inputs)))


def pairwise(function, a=(2, 3, 4), b=(2, 3, 4)):
    inputs = [keras.Input(a), keras.Input(b)]
    return check(keras.Model(inputs, function(*inputs)))


ARITHMETIC = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "maximum": ops.maximum,
    "minimum": ops.minimum,
    "divide": lambda a, b: ops.divide(a, ops.abs(b) + 0.5),
}


@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic_of_tensors(name):
    pairwise(ARITHMETIC[name])
    pairwise(ARITHMETIC[name], (2, 1, 4), (1, 3, 4))
    pairwise(lambda a, b: ARITHMETIC[name](a, a))


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "maximum", "minimum"])
@pytest.mark.parametrize("constant", [3, -0.75, VECTOR, GRID, GRID[None, None], GRID[:, :1]], ids=np.shape)
def test_arithmetic_with_constants(name, constant):
    unary(lambda x: ARITHMETIC[name](x, constant))
    unary(lambda x: getattr(ops, name)(constant, x))


@pytest.mark.parametrize("constant", [3, VECTOR, GRID], ids=np.shape)
def test_division(constant):
    unary(lambda x: ops.divide(x, constant))
    unary(lambda x: ops.divide(constant, ops.abs(x) + 0.5))


def test_scales_and_offsets_become_batch_norms():
    graph = unary(lambda x: (x * VECTOR + 0.5) - 3)
    assert [node.kind for node in graph.nodes] == [OpKind.BATCH_NORM] * 3


FUNCTIONS = {
    "abs": ops.abs,
    "negative": ops.negative,
    "square": ops.square,
    "sqrt": lambda x: ops.sqrt(ops.abs(x)),
    "rsqrt": lambda x: ops.rsqrt(ops.abs(x) + 0.5),
    "exp": ops.exp,
    "log": lambda x: ops.log(ops.abs(x) + 0.5),
    "round": ops.round,
    "floor": ops.floor,
    "ceil": ops.ceil,
    "sign": ops.sign,
    "reciprocal": lambda x: ops.reciprocal(ops.abs(x) + 0.5),
    "squared": lambda x: x**2,
    "cubed": lambda x: x**3,
    "fourth": lambda x: ops.power(x, 4),
    "root": lambda x: ops.power(ops.abs(x), 0.5),
    "clip": lambda x: ops.clip(x, -0.5, 1.5),
    "clip to 1": lambda x: ops.clip(x, -1, 1),
    "clip to 6": lambda x: ops.clip(x, 0, 6),
    "identity": lambda x: ops.cast(x, "float32") + 1,
    "matmul": lambda x: ops.matmul(x, GRID.T),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name):
    unary(FUNCTIONS[name])


PLAIN = """relu relu6 sigmoid tanh selu softplus softsign silu hard_silu hard_tanh hard_sigmoid log_sigmoid
tanh_shrink sparse_plus sparse_sigmoid squareplus soft_shrink hard_shrink glu elu celu leaky_relu gelu softmax
log_softmax"""


@pytest.mark.parametrize("name", PLAIN.split())
def test_activation(name):
    unary(getattr(ops, name))


def test_activation_options():
    unary(lambda x: ops.leaky_relu(x, 0.3))
    unary(lambda x: ops.elu(x, alpha=0.5))
    unary(lambda x: ops.celu(x, alpha=0.5))
    unary(lambda x: ops.gelu(x, approximate=False))
    unary(lambda x: ops.softmax(x, axis=1))
    unary(lambda x: ops.log_softmax(x, axis=1))
    unary(lambda x: ops.glu(x, axis=1))
    unary(lambda x: ops.threshold(x, 0.5, -2.0))
    unary(lambda x: ops.normalize(x, axis=-1))


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod", "var", "std", "logsumexp"])
def test_reduction(name):
    function = getattr(ops, name)
    unary(lambda x: function(x, axis=1))
    unary(lambda x: function(x, axis=(1, -1)))
    unary(lambda x: function(x, axis=-1, keepdims=True))
    unary(lambda x: function(x, axis=(1, 2, 3), keepdims=True))


SHAPES = {
    "reshape": lambda x: ops.reshape(x, (-1, 6, 4)),
    "reshape to one": lambda x: ops.reshape(x, (-1, 24)),
    "transpose": lambda x: ops.transpose(x, (0, 3, 1, 2)),
    "moveaxis": lambda x: ops.moveaxis(x, 1, -1),
    "moveaxis of two": lambda x: ops.moveaxis(x, (3, 1), (1, 2)),
    "swapaxes": lambda x: ops.swapaxes(x, 1, -1),
    "expand_dims": lambda x: ops.expand_dims(x, 2),
    "expand_dims behind": lambda x: ops.expand_dims(x, -1),
    "squeeze": lambda x: ops.squeeze(ops.expand_dims(x, 1), 1),
    "stack": lambda x: ops.stack([x, x * 2.0], axis=2),
    "split": lambda x: ops.split(x, 2, axis=-1)[1],
    "split at": lambda x: ops.split(x, [1, 3], axis=-1),
    "unstack": lambda x: ops.unstack(x, axis=2)[1],
    "tile": lambda x: ops.tile(x, (1, 2, 1, 3)),
    "repeat": lambda x: ops.repeat(x, 3, axis=2),
    "flip": lambda x: ops.flip(x, axis=2),
    "roll": lambda x: ops.roll(x, 1, axis=3),
    "pad": lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 0), (0, 1)), constant_values=0.5),
    "reflect": lambda x: ops.pad(x, ((0, 0), (1, 0), (1, 2), (0, 3)), mode="reflect"),
    "symmetric": lambda x: ops.pad(x, ((0, 0), (2, 1), (0, 0), (0, 4)), mode="symmetric"),
    "max_pool": lambda x: ops.max_pool(x, 2, 1, padding="same"),
    "average_pool": lambda x: ops.average_pool(x, (1, 2), padding="valid"),
    "resize": lambda x: ops.image.resize(x, (4, 5)),
    "depth to space": lambda x: ops.reshape(
        ops.transpose(ops.reshape(x, (-1, 2, 3, 2, 2, 1)), (0, 1, 3, 2, 4, 5)), (-1, 4, 6, 1)
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shape(name):
    unary(SHAPES[name])


@pytest.mark.parametrize("axis", [1, -1])
def test_concatenate(axis):
    pairwise(lambda a, b: ops.concatenate([a, b], axis=axis))


INDICES = {
    "range": np.s_[:, 1:3],
    "step": np.s_[:, ::2, 1:],
    "number": np.s_[:, 1],
    "negative": np.s_[:, -1, -3:-1],
    "ellipsis": np.s_[..., 0],
    "between": np.s_[:, ..., 1:2],
    "new axis": np.s_[:, None, 1],
    "reversed": np.s_[:, ::-1],
    "reversed step": np.s_[:, :, ::-2],
    "all": np.s_[:, :],
}


@pytest.mark.parametrize("name", INDICES)
def test_get_item(name):
    unary(lambda x: x[INDICES[name]] + 1, (4, 5, 3))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: ops.sin(x), r'keras\.ops\.Sin.*@xlite\.converter\.lowering\("keras\.ops\.Sin"\)'),
        (lambda x: x[0:1, :], "part of the batch"),
        (lambda x: ops.mean(x, axis=0, keepdims=True), "batch"),
        (lambda x: ops.transpose(x), "batch"),
        (lambda x: ops.pad(x, ((1, 0), (0, 0), (0, 0), (0, 0))), "batch"),
        (lambda x: ops.einsum("bijk,bijk->bi", x, x), "keras.ops.Einsum"),
        (lambda x: x**1.7, "power"),
        (lambda x: ops.matmul(x, ops.transpose(x[:, 0], (0, 2, 1))), "tensors of 4 and 3 axes"),
        (lambda x: ops.cast(x, "int32"), "int32"),
    ],
)
def test_what_is_refused(function, message):
    with pytest.raises(UnsupportedLayerError, match=message):
        unary(function)


@pytest.mark.parametrize(
    ("a", "b"),
    [((3, 4), (4, 5)), ((1, 4), (4, 1)), ((2, 3, 4), (2, 4, 5)), ((2, 3, 4), (1, 4, 2)), ((1, 3, 4), (3, 4, 2))],
)
def test_matmul_of_tensors(a, b):
    pairwise(ops.matmul, a, b)


@pytest.mark.parametrize(
    ("axes", "a", "b"),
    [
        (1, (4,), (4,)),
        (-1, (3, 4), (5, 4)),
        ((2, 1), (3, 4), (4, 5)),
        (1, (4, 3), (4, 2)),
        ((2, 1), (3, 4), (4,)),
    ],
)
@pytest.mark.parametrize("normalize", [False, True])
def test_dot(axes, a, b, normalize):
    layer = keras.layers.Dot(axes=axes, normalize=normalize)
    pairwise(lambda x, y: layer([x, y]), a, b)


def test_products_that_are_too_many_are_refused(monkeypatch):
    monkeypatch.setattr(contraction, "MOST_PRODUCTS", 59)
    with pytest.raises(UnsupportedLayerError, match="60 products"):
        pairwise(ops.matmul, (3, 4), (4, 5))


def test_an_operation_of_the_user():
    @lowering("keras.ops.Cosh")
    def cosh(ctx, x):
        half = [applied(ctx, y, ActivationKind.EXP) for y in (x, applied(ctx, x, ActivationKind.NEGATE))]
        return ctx.add(OpKind.MULTIPLY, [ctx.add(OpKind.ADD, half), ctx.literal(np.full((1, 1, 1, 1), 0.5))])

    unary(ops.cosh)


def test_a_layer_of_the_same_name_is_another():
    unary(lambda x: keras.layers.Softmax(axis=1)(ops.softmax(x, axis=2)))
    pairwise(lambda a, b: keras.layers.Add()([ops.add(a, 2.0), b]))


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_operations_in_files(suffix, tmp_path):
    """A .h5 tells the operation Add from the layer Add by what it does not write."""
    a, b = keras.Input((4, 3)), keras.Input((1, 3))
    y = ops.maximum(keras.layers.Add()([a, b]), ops.add(a, 2.0) * keras.layers.Multiply()([a, b]))
    model = keras.Model([a, b], ops.clip(keras.layers.Dense(2)(y)[:, 1:, :], -1, 1))
    path = tmp_path / f"model.{suffix}"
    model.save(path)
    xs = inputs_of(model)
    np.testing.assert_allclose(
        evaluate(lower(read(path)), *xs)[0], model.predict_on_batch(xs), rtol=1e-5, atol=1e-6
    )
