"""A sample that takes another level of a quantizer of bit planes is traced to it, and rounding of large terms is
no difference."""

from __future__ import annotations

import numpy as np
import pytest

from tests.converter.passes.build import Builder
from xlite.converter.emit import emit
from xlite.interpreter import Interpreter, Resolver
from xlite.schema.types import Model, OpKind, PlanesKind, PlanesOptions
from xlite.verification import Reference, compare

NUMPY = Resolver("numpy")
BORDER = np.float32(1.5 / 3)  # between the levels 1 and 2 of 0 to 3


@pytest.fixture
def model() -> Model:
    b = Builder()
    norm = b.norm(b.input(4, 4, 8), 1, 0)
    norm.name = "scaled"
    planes = b.op(OpKind.BIT_PLANES, norm, options=PlanesOptions(PlanesKind.DOREFA, 2))
    levels = b.op(OpKind.FROM_PLANES, planes, options=PlanesOptions(PlanesKind.DOREFA, 2))
    return emit(b.done(levels))


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 1, (3, 4, 4, 8)).astype(np.float32)


@pytest.mark.parametrize("step", [-1, 1])
def test_another_level_is_traced_to_its_value(model, images, step):
    at = (1, 2, 3, 5)
    images[at] = np.nextafter(BORDER, np.float32(step), dtype=np.float32)
    keras = images.copy()
    keras[at] = np.nextafter(BORDER, np.float32(-step), dtype=np.float32)
    outputs = np.asarray(Interpreter(model, backend="numpy")(keras))
    assert not np.array_equal(outputs, np.asarray(Interpreter(model, backend="numpy")(images)))
    result = compare(model, [images], lambda _: Reference({"scaled": keras}, [outputs]), resolver=NUMPY)
    (flip,) = result.flips
    assert (flip.sample, flip.index) == (at[0], at[1:])
    assert (flip.expected, flip.actual) == (keras[at], images[at])
    assert flip.relative < 1e-6
    assert result.ok


def test_floats_may_differ_by_the_rounding_of_known_terms(model, images):
    keras = images + np.float32(3e-5)
    outputs = np.asarray(Interpreter(model, backend="numpy")(keras))
    for terms, diverges in ((None, True), (1.0, True), (100.0, False)):
        known = {} if terms is None else {"scaled": np.full(8, terms, np.float32)}
        reference = Reference({"scaled": keras}, [outputs], known)
        result = compare(model, [images], lambda _, r=reference: r, resolver=NUMPY)
        (check,) = [check for check in result.tensors if check.name == "scaled"]
        assert check.diverges == diverges
        assert check.difference > 1e-5


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.0])
def test_a_value_that_is_not_finite_explains_no_other_sign(images, value):
    """Beside an infinity nothing is near zero; a NaN is near nothing."""
    b = Builder()
    signs = b.op(OpKind.SIGN, b.norm(b.input(4, 4, 8), 1, 0))
    signs.name = "scaled:sign"
    model = emit(b.done(signs))
    images[0, 0, 0, 5] = value
    keras = images.copy()
    keras[1, 2, 3, 5] = -0.25
    outputs = np.where(keras < 0, -1, 1).astype(np.int8)
    result = compare(model, [images], lambda _: Reference({"scaled": keras}, [outputs]), resolver=NUMPY)
    (check,) = result.tensors
    assert (check.bits, check.near_zero) == (1, 0)
    (flip,) = result.flips
    assert (flip.sample, flip.index) == (1, (2, 3, 5))
    assert 0.2 < flip.relative < 0.3
    assert result.unexplained == [1]


def test_a_sign_of_a_nan_is_explained_by_no_rounding(images):
    b = Builder()
    signs = b.op(OpKind.SIGN, b.norm(b.input(4, 4, 8), 1, 0))
    signs.name = "scaled:sign"
    model = emit(b.done(signs))
    images[0, 0, 0, 5] = np.nan
    keras = images.copy()
    keras[0, 0, 0, 5] = -np.inf
    outputs = np.where(keras < 0, -1, 1).astype(np.int8)
    result = compare(model, [images], lambda _: Reference({"scaled": keras}, [outputs]), resolver=NUMPY)
    assert result.unexplained == [0]
    assert not result.ok
