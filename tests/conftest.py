"""``pytest --quick``: the suite without TensorFlow and without the longest sweeps. Tests marked ``keras`` are
skipped, and so is every other one that imports TensorFlow or Keras, itself or through what it tests."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

import pytest

TRAINING = frozenset({"keras", "tensorflow"})

# Thousands of damaged files, and C compiled in every way: minutes that a quick look can do without.
LONG = (
    "benchmarks/test_model_loops.py",
    "benchmarks/test_peak.py",
    "converter/codegen/test_bands.py",
    "converter/codegen/test_every_kernel.py",
    "converter/codegen/test_generated.py",
    "converter/codegen/test_text.py",
    "converter/codegen/test_trim.py",
    "converter/frontend/test_damage.py",
    "fuzz/test_fuzz.py",
    "interpreter/c/reader/test_damage.py",
    "interpreter/c/reader/test_outputs.py",
    "interpreter/c/test_c_armv6_floats.py",
    "interpreter/c/test_c_armv6_integers.py",
    "interpreter/c/test_c_build.py",
    "interpreter/c/test_c_lookup.py",
    "interpreter/c/test_c_static.py",
    "interpreter/c/test_c_tiles.py",
    "interpreter/c/test_c_tiles_f32.py",
    "interpreter/test_damaged_demo.py",
    "interpreter/test_numba_tiles.py",
    "wheels/test_instructions.py",
    "wheels/test_strip.py",
    "wheels/test_wheels.py",
    "packages/test_packages.py",
)

# The same of single tests.
LONG_TESTS = (
    "converter/codegen/test_measure.py::test_the_demo_network_is_as_small_as_promised",
    "converter/codegen/test_measure.py::test_a_section_and_a_callers_arena_are_measured_too",
    "schema/test_reader.py::test_single_byte_mutations_of_every_kind_of_op",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="skip what needs TensorFlow or Keras")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--quick"):
        sys.meta_path.insert(0, _Skip())


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    is_long = collection_path.as_posix().endswith(LONG)
    return True if is_long and config.getoption("--quick") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--quick"):
        long = [item for item in items if item.nodeid.partition("[")[0].endswith(LONG_TESTS)]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)
        for item in items:
            if item.get_closest_marker("keras"):
                item.add_marker(pytest.mark.skip(reason="--quick: needs Keras"))


def pytest_collection_finish() -> None:
    """Thousands of tests are some 400,000 objects, which each full collection of garbage would look through."""
    gc.freeze()


class _Skip(MetaPathFinder):
    """Ends the test, or the module that is being collected, at the import. It is no ImportError, so that code
    which copes with a missing Keras does not take it for one."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> None:
        if fullname.partition(".")[0] in TRAINING:
            pytest.skip(f"--quick: needs {fullname.partition('.')[0]}", allow_module_level=True)
