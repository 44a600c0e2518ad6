"""Every builder of the zoo: converts in full, gives what Keras gives, has the published size and a float twin."""

from __future__ import annotations

import math

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import xlite  # noqa: E402
from tests.xlite.zoo.networks import MACS, PARAMETERS, SMALL  # noqa: E402
from xlite import zoo  # noqa: E402
from xlite.layers import RSign  # noqa: E402
from xlite.schema.errors import TrainingError  # noqa: E402
from xlite.zoo.random_weights import pictures  # noqa: E402

pytestmark = pytest.mark.keras

WEIGHTS_ONLY = {("binary_alexnet", "conv1")}  # an image's pixels against binary weights


@pytest.fixture(autouse=True)
def _fresh_session():
    yield
    keras.backend.clear_session()


def small(name, **kwargs):
    return getattr(zoo, name)(**{**SMALL[name], **kwargs})


def is_binary(layer):
    return getattr(layer, "kernel_quantizer", None) is not None


def macs(layer):
    """Multiply-accumulates of one image, from the shapes that Keras gives the layer."""
    places = math.prod(layer.output.shape[1:-1])
    planes = getattr(getattr(layer, "input_quantizer", None), "k_bit", 1)  # each plane of bits counts
    return places * math.prod(layer.kernel.shape) * planes


@pytest.mark.parametrize("name", zoo.BUILDERS)
def test_packs_in_full_and_gives_what_keras_gives(name):
    model = zoo.randomize(small(name), seed=3)
    result = xlite.convert(model, strict=True)
    binary = [layer for layer in model.layers if is_binary(layer)]
    only = {layer.name for layer in binary if (name, layer.name) in WEIGHTS_ONLY}
    rows = {row.name: row for row in result.report.layers}
    assert {layer.name for layer in binary if rows[layer.name].status != "packed"} == only
    expected = sum(macs(layer) for layer in binary if layer.name not in only)
    assert result.report.macs["bitxbit"] == expected > 0
    images = pictures(model.input_shape[1:], 2, np.random.default_rng(11))
    found = xlite.verify(model, result.data, images)
    assert found.ok, found.first_diverging or found.unexplained
    assert len(found.tensors) > len(binary)  # it was compared layer by layer


@pytest.mark.parametrize("name", PARAMETERS)
def test_has_the_published_size(name):
    model = getattr(zoo, name)()
    assert model.count_params() == PARAMETERS[name]
    if name in MACS:
        counts = {True: 0, False: 0}
        for layer in model.layers:
            if hasattr(layer, "kernel"):
                counts[is_binary(layer)] += macs(layer)
        assert (counts[True], counts[False]) == MACS[name]


def test_every_builder_has_its_size_here():
    assert set(PARAMETERS) == set(SMALL) == set(zoo.BUILDERS)


@pytest.mark.parametrize("name", zoo.BUILDERS)
def test_float_twin_is_the_same_network_without_quantizers(name):
    net, twin = small(name), small(name, binary=False)
    signs = [layer for layer in net.layers if isinstance(layer, RSign)]
    shifts = {id(weight) for layer in signs for weight in layer.weights}
    assert [tuple(w.shape) for w in net.weights if id(w) not in shifts] == [tuple(w.shape) for w in twin.weights]
    assert [layer.name for layer in net.layers if layer not in signs] == [layer.name for layer in twin.layers]
    assert not any(is_binary(layer) or isinstance(layer, RSign) for layer in twin.layers)
    assert twin.output_shape == net.output_shape
    assert set(xlite.convert(twin).report.macs) == {"f32xf32"}

    activated = small(name, binary=False, float_activation="relu")
    quantized = [layer for layer in net.layers if getattr(layer, "input_quantizer", None) is not None]
    wanted = {f"{layer.name}_input" for layer in quantized} | {layer.name for layer in signs}
    assert {layer.name for layer in activated.layers} - {layer.name for layer in twin.layers} == wanted != set()
    assert all(activated.get_layer(name).activation is keras.activations.relu for name in wanted)


def test_sizes_that_cannot_be_are_refused():
    for width in (0, -0.5, float("nan")):
        with pytest.raises(TrainingError, match=r"width=.*above 0"):
            small("tiny_quicknet", width=width)
    for shape in ((97, 128, 3), (96, 120, 3), (None, None, 3)):
        with pytest.raises(TrainingError, match=r"multiples of 16"):
            zoo.tiny_segmenter(input_shape=shape)


LEAST = {
    "binary_alexnet": 57,
    "dorefanet": 44,
    "person_net": 13,
    "quicknet": 29,
    "tiny_detector": 29,
    "tiny_quicknet": 7,
    "tiny_vgg": 8,
    "xnornet": 57,
}


@pytest.mark.parametrize("name", sorted(LEAST))
def test_an_image_that_pools_would_leave_nothing_of_is_refused(name):
    least = LEAST[name]
    build = getattr(zoo, name)
    assert build((least, least + 1, 3), width=0.125).input_shape == (None, least, least + 1, 3)
    with pytest.raises(TrainingError, match=rf"at least {least} x {least} pixels"):
        build((least + 8, least - 1, 3), width=0.125)
    with pytest.raises(TrainingError, match=r"is no image"):
        build((64, 64))


@pytest.mark.parametrize(
    ("name", "end"), [("meliusnet22", "section0_block0_improve_join"), ("tiny_segmenter", "probabilities")]
)
def test_tflite_takes_the_twin(name, end):
    """Grouped and depthwise convolutions, bilinear upsampling: what TFLite could stumble over."""
    tf = pytest.importorskip("tensorflow")
    twin = zoo.randomize(small(name, binary=False), seed=2)
    twin = keras.Model(twin.input, twin.get_layer(end).output)
    data = tf.lite.TFLiteConverter.from_keras_model(twin).convert()
    interpreter = tf.lite.Interpreter(model_content=data)
    interpreter.allocate_tensors()
    image = pictures(twin.input_shape[1:], 1, np.random.default_rng(1))
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    expected = keras.ops.convert_to_numpy(twin(image, training=False))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_reads_back_from_a_file(tmp_path):
    """The blur's constant and the quantizers with their arguments."""
    model = zoo.randomize(small("tiny_quicknet"), seed=1)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    images = pictures(model.input_shape[1:], 1, np.random.default_rng(1))
    expected, found = (keras.ops.convert_to_numpy(m(images, training=False)) for m in (model, again))
    np.testing.assert_array_equal(found, expected)
    assert xlite.verify(again, xlite.convert(tmp_path / "model.keras", strict=True).data, images).ok


# -- integers from the pixels on -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def of_integers():
    images = np.random.default_rng(5).integers(0, 256, (12, 32, 32, 3)).astype(np.uint8)
    model = zoo.randomize(zoo.tiny_vgg(integer_input=True), images=images.astype(np.float32))
    return model, xlite.convert(model, strict=True, input_dtype="uint8"), images


def test_all_is_integers_but_the_scores(of_integers):
    model, result, images = of_integers
    assert model.count_params() == 1_189_066
    floats = [node.kind.name for node in result.graph.nodes if node.output.type.dtype.short == "f32"]
    assert floats == ["DENSE", "SOFTMAX"]
    inputs = {node.inputs[0].type.dtype.short for node in result.graph.nodes if node.kind.name != "SOFTMAX"}
    assert inputs == {"u8", "bit"}
    assert result.report.macs == {"u8xbit": 1_769_472, "bitxbit": 150_994_944, "bitxi8": 40_960}
    found = xlite.verify(model, result.data, images)
    assert found.ok, found.first_diverging or found.unexplained


def test_its_memory(of_integers):
    """The planner's arena: the image and two layers of bits. In C a layer lies over its own input: under 16 KiB,
    and by bands of rows under 8."""
    from xlite.converter.codegen import generate

    _, result, _ = of_integers
    assert result.report.arena_bytes == result.report.arena_lower_bound == 32 * 32 * 3 + 2 * 32 * 32 * 64 // 8
    sizes = {
        bands: generate(result.data, target="cortex-m4", row_bands=bands).report.arena for bands in (False, True)
    }
    assert sizes[False] < 16 * 1024
    assert sizes[True] < 8 * 1024


def test_the_float_twin_of_integers():
    twin = zoo.tiny_vgg(integer_input=True, binary=False, width=0.25)
    assert not any(is_binary(layer) for layer in twin.layers)
