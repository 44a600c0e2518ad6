"""Quantizers against their closed forms: exact forward values, gradients, aliases and config round trips."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from xlite import quantizers  # noqa: E402
from xlite.schema.errors import TrainingError  # noqa: E402

# The smallest normal number: TensorFlow takes subnormal ones for zero, so the sign of -1e-45 is +1 there.
TINY = np.finfo(np.float32).tiny


def probes(*edges):
    """Random values with every trap injected: both zeros, each edge with its neighbours, extremes."""
    values = [0.0, -0.0, TINY, -TINY, 3e38, -3e38]
    for edge in (1.0, *edges):
        for signed in (np.float32(edge), -np.float32(edge)):
            values += [signed, np.nextafter(signed, np.float32(9)), np.nextafter(signed, np.float32(-9))]
    random = np.random.default_rng(7).normal(0, 1.2, 600 - len(values))
    return np.concatenate([np.array(values, np.float32), random.astype(np.float32)]).reshape(20, 30)


def sign(x):
    return np.where(x < 0, np.float32(-1), np.float32(1))


def window(x, clip):
    return np.ones_like(x) if clip is None else (np.abs(x) <= np.float32(clip)).astype(np.float32)


CASES = [
    *(
        pytest.param(quantizers.SteSign(c), sign, lambda x, c=c: window(x, c), id=f"ste_sign-{c}")
        for c in (1.0, 0.3, 1.25, None)
    ),
    pytest.param(quantizers.ApproxSign(), sign, lambda x: 2 - 2 * np.minimum(np.abs(x), 1), id="approx_sign"),
]


def gradient(function, x, upstream, compiled):
    """``d sum(function(x) * upstream) / d x`` from TensorFlow, eager or traced (or traced and XLA-compiled)."""
    tf = pytest.importorskip("tensorflow")

    def run(value):
        with tf.GradientTape() as tape:
            tape.watch(value)
            outputs = function(value)
        return outputs, tape.gradient(outputs, value, output_gradients=tf.constant(upstream))

    if compiled != "eager":
        run = tf.function(run, jit_compile=compiled == "xla")
    outputs, slope = run(tf.constant(x))
    return outputs.numpy(), slope.numpy()


@pytest.mark.parametrize("compiled", ["eager", "graph", "xla"])
@pytest.mark.parametrize(("quantizer", "forward", "factor"), CASES)
def test_forward_is_exact_and_gradient_is_the_closed_form(quantizer, forward, factor, compiled):
    x = probes(0.3, 1.25)
    upstream = np.random.default_rng(1).normal(size=x.shape).astype(np.float32)
    outputs, slope = gradient(quantizer, x, upstream, compiled)
    np.testing.assert_array_equal(outputs, forward(x))
    np.testing.assert_array_equal(slope, upstream * factor(x))


@pytest.mark.parametrize("compiled", ["eager", "graph", "xla"])
@pytest.mark.parametrize("shape", [(9,), (37, 5), (3, 3, 8, 6), (3, 3, 4, 2)])
@pytest.mark.parametrize("clip", [1.0, 0.5, None])
def test_magnitude_aware_sign_has_two_exact_levels_per_filter(shape, clip, compiled):
    x = np.random.default_rng(3).normal(0, 0.7, shape).astype(np.float32)
    x.flat[:6] = 0.0, -0.0, 1.0, -1.0, 0.5, -0.5
    upstream = np.random.default_rng(4).normal(size=shape).astype(np.float32)
    outputs, slope = gradient(quantizers.MagnitudeAwareSign(clip), x, upstream, compiled)
    axes = tuple(range(len(shape) - 1))
    alpha = np.mean(np.abs(x.astype(np.float64)), axis=axes, keepdims=True)
    levels = np.abs(outputs)
    # One level per last-axis channel, to the bit: the converter packs on that proof.
    np.testing.assert_array_equal(levels, np.broadcast_to(levels[(slice(0, 1),) * len(axes)], shape))
    np.testing.assert_array_equal(outputs, levels * sign(x))
    np.testing.assert_allclose(levels, np.broadcast_to(alpha, shape), rtol=1e-6)
    np.testing.assert_array_equal(slope, upstream * (levels * window(x, clip)))


@pytest.mark.parametrize("name", ["ste_sign", "approx_sign"])
def test_not_a_number_and_infinities_follow_the_comparison(name):
    x = np.array([np.nan, np.inf, -np.inf], np.float32)
    outputs, slope = gradient(quantizers.get(name), x, np.ones(3, np.float32), "eager")
    np.testing.assert_array_equal(outputs, [1, 1, -1])
    np.testing.assert_array_equal(slope[1:], [0, 0])
    assert not np.isnan(slope[0])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("name", ["ste_sign", "approx_sign", "magnitude_aware_sign"])
def test_dtype_is_kept(name, dtype):
    x = keras.ops.cast(np.linspace(-2, 2, 12).reshape(4, 3), dtype)
    outputs = quantizers.get(name)(x)
    assert keras.backend.standardize_dtype(outputs.dtype) == dtype
    if name != "magnitude_aware_sign":
        assert set(np.unique(keras.ops.convert_to_numpy(keras.ops.cast(outputs, "float32")))) == {-1.0, 1.0}


@pytest.mark.parametrize("alias", ["ste_sign", "approx_sign", "magnitude_aware_sign"])
def test_alias_function_class_and_class_name_mean_the_same(alias):
    expected = type(quantizers.get(alias))
    function = getattr(quantizers, alias)
    spellings = [alias, function, expected, expected.__name__, f"xlite>{expected.__name__}"]
    for spelling in spellings:
        assert type(quantizers.get(spelling)) is expected
    x = np.linspace(-1.5, 1.5, 24, dtype=np.float32).reshape(6, 4)
    np.testing.assert_array_equal(function(x), quantizers.get(alias)(x))


FUNCTIONS = {alias: kind for alias, kind in quantizers._ALIASES.items() if hasattr(quantizers, alias)}


def test_only_what_has_a_state_is_no_function():
    assert set(quantizers._ALIASES) - set(FUNCTIONS) == {"annealed_sign"}


@pytest.mark.parametrize("alias", FUNCTIONS)
def test_functions_take_what_their_classes_take(alias):
    taken, options = (
        list(inspect.signature(function).parameters.values())[1:]
        for function in (getattr(quantizers, alias), FUNCTIONS[alias].__init__)
    )
    if alias != "no_op":  # whose option says something of the place where it stands, and nothing of values
        assert [(p.name, p.default) for p in taken] == [
            (p.name, p.default) for p in options if p.kind is p.POSITIONAL_OR_KEYWORD
        ]


@pytest.mark.parametrize(
    "quantizer",
    [
        quantizers.SteSign(),
        quantizers.SteSign(1.25),
        quantizers.SteSign(None),
        quantizers.ApproxSign(),
        quantizers.MagnitudeAwareSign(0.1),
        None,
    ],
    ids=repr,
)
def test_config_round_trip_through_json(quantizer):
    config = json.loads(json.dumps(quantizers.serialize(quantizer)))
    restored = quantizers.get(config)
    assert type(restored) is type(quantizer)
    if quantizer is not None:
        assert config["registered_name"] == f"xlite>{type(quantizer).__name__}"
        assert restored.get_config() == quantizer.get_config()


def test_any_callable_is_a_quantizer():
    def mine(x):
        return x

    assert quantizers.get(mine) is mine
    dense = keras.layers.Dense(2)
    assert quantizers.get(dense) is dense


@pytest.mark.parametrize(("wrong", "meant"), [("ste_sing", "ste_sign"), ("ApproxSgn", "ApproxSign")])
def test_unknown_alias_suggests_the_nearest_and_lists_all(wrong, meant):
    with pytest.raises(TrainingError) as caught:
        quantizers.get(wrong)
    message = str(caught.value)
    assert wrong in message
    assert f"did you mean {meant!r}" in message
    names = message.rpartition("known aliases: ")[2].split(", ")
    assert names == sorted(names)
    assert {"approx_sign", "dorefa", "magnitude_aware_sign", "no_op", "ste_sign", "ste_tern"} <= set(names)


@pytest.mark.parametrize("identifier", ["dorefa-w1a2-xyz", 3, ["ste_sign"]])
def test_what_is_no_quantizer_is_refused(identifier):
    with pytest.raises(TrainingError, match="magnitude_aware_sign"):
        quantizers.get(identifier)


@pytest.mark.parametrize("clip", [0, -1.0, float("nan")])
@pytest.mark.parametrize("kind", [quantizers.SteSign, quantizers.MagnitudeAwareSign])
def test_clip_value_out_of_range_is_refused(kind, clip):
    with pytest.raises(TrainingError, match="clip_value"):
        kind(clip)


@pytest.mark.parametrize("extension", ["h5", "keras"])
def test_quantizers_work_as_activations_and_survive_saving(tmp_path, extension):
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(5, activation=quantizers.SteSign(0.7)),
            keras.layers.Activation(quantizers.approx_sign),
        ]
    )
    path = tmp_path / f"model.{extension}"
    model.save(path)
    loaded = keras.saving.load_model(path)
    x = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)
    outputs = loaded.predict(x, verbose=0)
    np.testing.assert_array_equal(outputs, model.predict(x, verbose=0))
    assert set(np.unique(outputs)) == {-1.0, 1.0}
    assert loaded.layers[0].activation.get_config() == {"clip_value": 0.7}
