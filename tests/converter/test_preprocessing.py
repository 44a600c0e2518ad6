"""What is said of raw input from Python: refused with a sentence where a file cannot hold it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import xlite
from xlite.schema import load_model
from xlite.schema.errors import ConversionError
from xlite.schema.types import Preprocessing

DEMO = Path(__file__).parents[2] / "examples" / "fashion" / "model.h5"
LARGEST = float(np.finfo(np.float32).max)
BEYOND = [1e300, -1e300, math.nextafter(LARGEST, math.inf), math.inf, math.nan, 10**400, "x", None]
BYTES = {"input_dtype": "uint8"}


@pytest.mark.parametrize("value", BEYOND, ids=lambda value: str(value)[:20])
def test_a_number_that_float32_does_not_hold_is_refused(value):
    for raw, name in ((Preprocessing(value), "scale"), (Preprocessing(0.5, value), "offset")):
        for options in ({}, BYTES):
            with pytest.raises(ConversionError, match=rf"^the {name} .* is no finite number of float32; give"):
                xlite.convert(DEMO, preprocessing=raw, **options)
    for ends in ((0, value), (value, 1)):
        with pytest.raises(ConversionError, match="give two finite numbers of float32"):
            xlite.convert(DEMO, input_range=ends, **BYTES)


@pytest.mark.parametrize("scale", [0, -0.0, 1e-60, np.float64(-1e-46)])
def test_a_scale_that_is_0_in_float32_makes_every_input_the_same(scale):
    for options in ({}, BYTES):
        with pytest.raises(ConversionError, match="makes every input the same; give another number"):
            xlite.convert(DEMO, preprocessing=Preprocessing(scale), **options)
    with pytest.raises(ConversionError, match="makes every input the same"):
        xlite.convert(DEMO, input_range=(0, 1e-44), **BYTES)


@pytest.mark.parametrize("given", [1 / 255, (1 / 255, 0)])
def test_what_is_no_preprocessing_is_named(given):
    with pytest.raises(
        ConversionError, match=rf"of type {type(given).__name__}; give an xlite.schema.Preprocessing"
    ):
        xlite.convert(DEMO, preprocessing=given)


@pytest.mark.parametrize("given", [0.5, (0,), (0, 1, 2), "0,1"])
def test_what_is_no_range_is_named(given):
    with pytest.raises(ConversionError, match="give two finite numbers"):
        xlite.convert(DEMO, input_range=given, **BYTES)


@pytest.mark.parametrize("scale", [2.0**-149, LARGEST, -LARGEST, np.float32(0.5), np.int64(2)])
def test_every_other_number_is_kept(scale):
    data = xlite.convert(DEMO, preprocessing=Preprocessing(scale, scale)).data
    raw = load_model(data).metadata.preprocessing
    assert raw == Preprocessing(float(scale), float(scale))
