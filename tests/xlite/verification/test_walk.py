"""The comparison against a reference that needs no Keras: the float program that the converter starts from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import xlite
from xlite.inputs import random_inputs
from xlite.interpreter import Kernel, Resolver
from xlite.interpreter.backends import kernels_of
from xlite.schema import read_model
from xlite.schema.errors import InputError
from xlite.schema.types import Model, OpKind
from xlite.verification import Reference, compare, verify_outputs
from xlite.verification.lowered_source import lowered_source
from xlite.verification.walk import ROUNDING, relative_difference

KERAS_FILE = Path(__file__).resolve().parents[3] / "examples" / "fashion" / "model.h5"
NUMPY = Resolver("numpy")


@pytest.fixture(scope="module")
def data() -> bytes:
    return xlite.convert(KERAS_FILE).data


@pytest.fixture
def model(data: bytes) -> Model:
    return read_model(data)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    with np.load(KERAS_FILE.with_name("images.npz")) as arrays:
        return (arrays["images"][:6] * np.float32(1 / 255))[..., np.newaxis]


@pytest.fixture(scope="module")
def source():
    """The float program's tensors; those of the same inputs are computed once."""
    fresh = lowered_source(KERAS_FILE)
    known: dict[bytes, Reference] = {}

    def cached(inputs):
        key = inputs[0].tobytes()
        if key not in known:
            known[key] = fresh(inputs)
        return known[key]

    return cached


def change(model: Model, name: str, edit) -> None:
    (tensor,) = [tensor for tensor in model.tensors if tensor.name == name]
    assert tensor.data is not None
    tensor.data = tensor.data.copy()
    edit(tensor.data)


def test_an_unchanged_model_is_equal_in_every_tensor(model, images, source):
    result = compare(model, [images], source, resolver=NUMPY)
    assert result.ok
    assert [check.name for check in result.tensors if check.diverges or check.bits] == []
    assert {"stem", "stem_norm:sign", "conv1_norm:sign", "conv3_norm:sign", "dense1_relu", "classes"} <= {
        check.name for check in result.tensors
    }
    (output,) = result.outputs
    assert (output.samples, output.argmax_equal, output.beyond) == (6, 6, [])


def test_samples_are_numbered_through_all_chunks(model, images, source):
    """18 samples are two chunks; a difference in the second must be told by its own number."""
    calls = []

    def other(inputs):
        reference = source(inputs)
        calls.append(len(inputs[0]))
        outputs = [output.copy() for output in reference.outputs]
        if len(calls) == 2:
            outputs[0][1] += 1
        return replace(reference, outputs=outputs)

    result = compare(model, [np.concatenate([images] * 3)], other, resolver=NUMPY)
    assert calls == [16, 2]
    assert result.outputs[0].beyond == [17]
    assert result.unexplained == [17]
    assert not result.ok


DAMAGE = [
    ("conv1/threshold", lambda data: data.__isub__(np.int32(30)), "conv1_norm:sign"),
    ("conv2/threshold", lambda data: data.__setitem__(9, 10**6), "conv2_norm:sign"),
    ("conv3/kernel", lambda data: data.__ixor__(np.uint32(0x00FF00FF)), "conv3_norm:sign"),
    ("dense1_norm/offset", lambda data: data.__iadd__(np.float32(0.25)), "dense1_relu"),
    ("dense1_norm/scale", lambda data: data.__imul__(np.float32(1.001)), "dense1_relu"),
    ("classes/bias", lambda data: data.__setitem__(3, 2.0), "classes/dense"),
    ("stem/kernel", lambda data: data.__imul__(np.float32(1.0001)), "stem"),
]


@pytest.mark.parametrize(("constant", "edit", "tensor"), DAMAGE, ids=[name for name, _, _ in DAMAGE])
def test_damage_shows_in_the_tensor_that_it_is_made_in_and_nowhere_else(
    model, images, source, constant, edit, tensor
):
    change(model, constant, edit)
    result = compare(model, [images], source, resolver=NUMPY)
    assert not result.ok
    assert [check.name for check in result.tensors if check.diverges] == [tensor]
    first = result.first_diverging
    assert first is not None
    assert first.worst is not None
    assert first.cause
    if first.dtype == "bit":
        assert first.bits > 0
        assert (first.worst.actual < 0) != (first.worst.expected < 0)
    else:
        assert first.difference > 1e-5
        assert first.worst.actual != first.worst.expected


CAUSES = [
    ("conv2/threshold", lambda data: data.__setitem__(9, 10**6), "only channels 9 differ"),
    ("classes/bias", lambda data: data.__iadd__(np.float32(0.25)), "off by 0.25"),
    ("stem/kernel", lambda data: data.__imul__(np.float32(1.5)), "1.5 times"),
]


@pytest.mark.parametrize(("constant", "edit", "cause"), CAUSES, ids=[cause for _, _, cause in CAUSES])
def test_the_pattern_of_a_difference_gives_its_likely_cause(model, images, source, constant, edit, cause):
    change(model, constant, edit)
    first = compare(model, [images], source, resolver=NUMPY).first_diverging
    assert first is not None
    assert cause in first.cause


def test_a_wrong_kernel_is_told_from_a_wrong_conversion(model, images, source):
    plain: Kernel = kernels_of("numpy")[OpKind.SOFTMAX][0]

    def prepare(spec, buffers):
        step = plain.prepare(spec, buffers)

        def wrong() -> None:
            step()
            buffers.outputs[0][..., 0] += 0.5

        return wrong

    resolver = Resolver("numpy")
    resolver.register(replace(plain, name="broken_softmax", backend="mine", prepare=prepare))
    first = compare(model, [images[:2]], source, resolver=resolver).first_diverging
    assert first is not None
    assert (first.name, first.kernel) == ("classes", "broken_softmax")
    assert "the kernel broken_softmax" in first.cause


@pytest.mark.parametrize(("value", "near"), [(0.5, True), (2.0, False)])
def test_a_bit_may_differ_only_where_the_value_is_within_rounding_of_zero(model, images, source, value, near):
    """``value``: Keras's number before one sign, in units of what rounding can move."""
    at = (0, 3, 4, 5)

    def nudged(inputs):
        reference = source(inputs)
        tensors = dict(reference.tensors)
        norm = tensors["conv2_norm"].copy()
        others = np.abs(np.delete(norm[..., at[-1]].ravel(), np.ravel_multi_index(at[:3], norm.shape[:3])))
        sign = 1 if norm[at] < 0 else -1  # the side that xlite is not on
        norm[at] = sign * value * ROUNDING * others.max()
        tensors["conv2_norm"] = norm
        return replace(reference, tensors=tensors)

    result = compare(model, [images[:4]], nudged, resolver=NUMPY)
    (check,) = [check for check in result.tensors if check.name == "conv2_norm:sign"]
    assert (check.near_zero, check.bits) == ((1, 0) if near else (0, 1))
    assert check.diverges is not near
    if not near:
        assert check.worst is not None
        assert check.worst.index == at


def test_a_layers_largest_term_widens_what_counts_as_near_zero(model, images, source):
    at = (0, 3, 4, 5)

    def nudged(magnitude):
        def reference(inputs):
            found = source(inputs)
            norm = found.tensors["conv2_norm"].copy()
            norm[at] = -np.sign(norm[at]) * 100 * ROUNDING * np.abs(norm).max()
            terms = {"conv2_norm": np.full(norm.shape[-1], magnitude * np.abs(norm).max())}
            return Reference({**found.tensors, "conv2_norm": norm}, found.outputs, terms)

        return reference

    for magnitude, near in ((10.0, 0), (1000.0, 1)):
        result = compare(model, [images[:2]], nudged(magnitude), resolver=NUMPY)
        (check,) = [check for check in result.tensors if check.name == "conv2_norm:sign"]
        assert (check.near_zero, check.bits) == (near, 1 - near)


def test_a_sample_that_differs_at_the_end_is_traced_to_its_first_sign(model, images, source):
    """The reference takes one sign of sample 2 the other way, near zero, and everything after it follows."""
    pixel = (2, 5, 5, 7)

    def other(inputs):
        reference = source(inputs)
        norm = reference.tensors["stem_norm"].copy()
        norm[pixel] = -np.sign(norm[pixel]) * np.float32(1e-9)
        outputs = [output.copy() for output in reference.outputs]
        outputs[0][2] = np.roll(outputs[0][2], 1)
        return Reference({**reference.tensors, "stem_norm": norm}, outputs)

    result = compare(model, [images[:4]], other, resolver=NUMPY)
    (flip,) = result.flips
    assert (flip.sample, flip.tensor, flip.index) == (2, "stem_norm:sign", pixel[1:])
    assert flip.op in {op.name or op.label for op in model.ops}
    assert flip.actual == pytest.approx(source([images[:4]]).tensors["stem_norm"][pixel], rel=1e-3)
    assert flip.relative < 1e-6
    assert result.unexplained == []
    assert result.outputs[0].beyond == [2]


def test_a_nan_on_one_side_differs_and_on_both_is_equal():
    nan, inf = np.nan, np.inf
    expected = np.array([[1.0, nan, inf, 2.0], [0.0, 0.0, 0.0, 0.0]], np.float32)
    same = relative_difference(expected, expected)
    np.testing.assert_array_equal(same, 0)
    other = relative_difference(expected, np.array([[nan, 1.0, -inf, 2.5], [0.0, 0.0, 0.0, 1e-3]], np.float32))
    np.testing.assert_allclose(other, [[inf, inf, inf, 0.25], [0, 0, 0, 1e-3]], rtol=1e-6)


def test_outputs_of_another_shape_are_refused(model, images, source):
    def short(inputs):
        found = source(inputs)
        return replace(found, outputs=[found.outputs[0][:, :5]])

    with pytest.raises(InputError, match="classes"):
        compare(model, [images[:2]], short, resolver=NUMPY)
    with pytest.raises(InputError, match="0 outputs"):
        compare(model, [images[:2]], lambda inputs: replace(source(inputs), outputs=[]), resolver=NUMPY)


@pytest.mark.parametrize("tolerance", [float("nan"), float("inf"), -float("inf"), -1.0, -1e-9])
def test_a_tolerance_that_decides_nothing_is_refused(model, images, source, tolerance):
    outputs = np.zeros((6, 10), np.float32)
    for call in (
        lambda: compare(model, [images], source, resolver=NUMPY, tolerance=tolerance),
        lambda: verify_outputs(model, images, outputs, tolerance=tolerance),
        lambda: xlite.verify(KERAS_FILE, model, images, tolerance=tolerance),
    ):
        with pytest.raises(InputError, match=r"the tolerance must be a finite number of 0 or more"):
            call()


@pytest.mark.parametrize(
    ("name", "values", "least"), [("seed", (-1, 1.5, None, "1"), 0), ("samples", (0, -1, 2.0, None), 1)]
)
def test_random_samples_take_whole_numbers(model, name, values, least):
    given = {"samples": 2, "seed": 3}
    known = random_inputs(model, **{key: np.int64(value) for key, value in given.items()})[0]
    assert known.shape == (2, 28, 28, 1)
    np.testing.assert_array_equal(random_inputs(model, **given)[0], known)
    for value in values:
        given[name] = value
        for call in (lambda: random_inputs(model, **given), lambda: xlite.verify(KERAS_FILE, model, **given)):
            with pytest.raises(InputError, match=f"^{name}={value!r}: give a whole number of {least} or more$"):
                call()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_warn_of_nothing(model, images, source, value):
    images = images.copy()
    images[2] = value
    with np.errstate(all="ignore"):
        reference = source([images])
    assert compare(model, [images], lambda _: reference, resolver=NUMPY).ok
    assert verify_outputs(model, images, reference.outputs, backend="numpy").ok
