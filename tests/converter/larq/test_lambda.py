"""Lambda layers: the code in them is never run; replacements by name say what they do."""

from __future__ import annotations

import numpy as np
import pytest

import xlite.converter
from tests.converter.evaluate import evaluate
from tests.converter.larq.building import lambda_layer, lowered, model_of
from xlite.converter.frontend.model import Call, KerasLayer, Ref
from xlite.converter.lowering import code, lower
from xlite.schema.errors import UnsupportedLayerError
from xlite.schema.types import OpKind


@pytest.fixture(autouse=True)
def _own_replacements(monkeypatch):
    """What a test registers is gone after it."""
    monkeypatch.setattr(code, "_REPLACEMENTS", list(code._REPLACEMENTS))


def doubled(ctx, x):
    return ctx.add(OpKind.ADD, [x, x])


def run(layer, shape=(2,)):
    x = np.float32([[1.5, -2.0]])
    return evaluate(lowered(layer, shape=shape), x)[0]


def keras_3_code(**known):
    return {"class_name": "__lambda__", "config": {"code": "4wE=", **known}}


@pytest.mark.parametrize(
    ("pattern", "layer"),
    [
        ("twice", lambda_layer("twice")),
        ("tw*", lambda_layer("twice_3")),
        ("twice", lambda_layer("nested/twice")),
        ("nested/*", lambda_layer("nested/twice")),
        ("double", lambda_layer("code", "double", function_type="function")),
        ("double", lambda_layer("code", {"class_name": "function", "config": "double", "module": "my.blocks"})),
    ],
)
def test_a_replacement_is_found_by_layer_or_function(pattern, layer):
    xlite.converter.lowering.lambda_layer(pattern)(doubled)
    np.testing.assert_array_equal(run(layer), [[3.0, -4.0]])


def test_a_module_restricts_a_replacement():
    xlite.converter.lowering.lambda_layer("*", module="my.blocks")(doubled)
    np.testing.assert_array_equal(run(lambda_layer(module="my.blocks")), [[3.0, -4.0]])
    with pytest.raises(UnsupportedLayerError, match="'code'"):
        run(lambda_layer(module="your.blocks"))


def test_the_last_registration_counts():
    xlite.converter.lowering.lambda_layer("code")(lambda ctx, x: x)
    xlite.converter.lowering.lambda_layer("co*")(doubled)
    np.testing.assert_array_equal(run(lambda_layer()), [[3.0, -4.0]])


@pytest.mark.parametrize(
    "layer",
    [
        lambda_layer(value=["4wE=\n", [1.0], [2.0, "x"]], arguments={"times": 3}, module="m"),
        lambda_layer(
            value={
                "class_name": "__lambda__",
                "config": {"code": "4wE=", "defaults": [1.0], "closure": [2.0, "x"]},
            },
            arguments={"times": 3},
            module="m",
        ),
    ],
    ids=["keras 2", "keras 3"],
)
def test_what_the_file_says_besides_the_code(layer):
    found = []

    @xlite.converter.lowering.lambda_layer("code")
    def look(ctx, x):
        found.append(xlite.converter.lowering.code_in(ctx))
        return x

    run(layer)
    (read,) = found
    assert (read.function, read.module, read.defaults, read.closure, read.arguments) == (
        "",
        "m",
        [1.0],
        [2.0, "x"],
        {"times": 3},
    )


@pytest.mark.parametrize(
    ("layer", "mend"),
    [
        (lambda_layer("my_code"), 'lambda_layer("my_code")'),
        (lambda_layer("my_code", "double"), 'lambda_layer("double")'),
        (
            lambda_layer("my_code", keras_3_code()),
            'lambda_layer("my_code")',
        ),
        (lambda_layer("my_code", 7), 'lambda_layer("my_code")'),
    ],
)
def test_unknown_code_is_refused_with_the_mend(layer, mend):
    with pytest.raises(UnsupportedLayerError) as caught:
        run(layer)
    assert "'my_code'" in str(caught.value)
    assert mend in str(caught.value)


# -- larq-zoo ------------------------------------------------------------------------------------------------


def test_block_outputs_of_real_to_binary_nets_are_names():
    layer = lambda_layer("r2b_bnn_block_2_out", module="larq_zoo.literature.real_to_bin_nets")
    np.testing.assert_array_equal(run(layer), [[1.5, -2.0]])


def zoo_call(name, *args, **kwargs):
    return lambda_layer(name, ["4wE=\n", None, [list(args), kwargs, name]], module="larq_zoo.core.utils")


def test_split_and_concat_of_meliusnet():
    """The channels come apart and together again, in another order."""
    split, concat = zoo_call("split", 4, axis=-1), zoo_call("concat", axis=-1)
    concat.calls = [Call([[Ref("split", 0, i) for i in (3, 1, 0, 2)]])]
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 8)).astype(np.float32)
    (got,) = evaluate(lowered(split, concat), x)
    np.testing.assert_array_equal(got, x[..., [6, 7, 2, 3, 0, 1, 4, 5]])


@pytest.mark.parametrize("narrow", [3, 8])
def test_improvement_blocks_add_to_the_last_channels(narrow):
    module = "larq_zoo.literature.meliusnet"
    cut = KerasLayer("cut", "Conv2D", "Conv2D", {"filters": narrow, "kernel_size": 1, "use_bias": False})
    cut.weights = [np.eye(8, narrow, dtype=np.float32)[None, None]]
    merge = lambda_layer("section_0_block_0_improve_merge", ["4wE=\n", None, [8]], module=module)
    merge.calls = [Call([[Ref("x"), Ref("cut")]])]
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 8)).astype(np.float32)
    wanted = x.astype(np.float64)
    wanted[..., 8 - narrow :] += x[..., :narrow]
    (got,) = evaluate(lower(model_of(cut, merge)), x)
    np.testing.assert_allclose(got, wanted)


def test_a_tensorflow_function_without_a_lowering_is_named():
    with pytest.raises(UnsupportedLayerError, match=r"tf\.no_such_op"):
        lowered(zoo_call("no_such_op"))
    with pytest.raises(UnsupportedLayerError, match=r"'split'.*which TensorFlow function"):
        lowered(lambda_layer("split", module="larq_zoo.core.utils"))
