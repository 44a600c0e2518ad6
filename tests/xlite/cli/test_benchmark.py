from __future__ import annotations

import json

import pytest

from xlite.benchmarking import benchmark, summarize
from xlite.interpreter import backends
from xlite.schema import load_model


@pytest.fixture(scope="module")
def fast_backends():
    """Those that start without compiling."""
    return [name for name in backends.available_backends() if name != "numba"]


def test_json_has_every_op_on_every_backend(call, packed, fast_backends):
    flags = [flag for name in fast_backends for flag in ("--backend", name)]
    result = call("benchmark", packed, *flags, "--repeats", 3, "--warmup", 1, "--json")
    found = json.loads(result.stdout)
    model = load_model(packed)
    assert found["ops"] == [[op.name or op.label, op.label] for op in model.ops]
    assert [times["backend"] for times in found["backends"]] == fast_backends
    for times in found["backends"]:
        assert [op["kernel_backend"] for op in times["ops"]] == [times["backend"]] * len(model.ops)
        timings = [times["invoke"], *(op["timing"] for op in times["ops"])]
        assert all(timing["count"] == 3 and timing["median_ms"] > 0 for timing in timings)
    assert found["machine"]["processor"]
    assert found["machine"]["cores"] >= 1


def test_the_table_has_a_column_a_backend(call, packed, fast_backends):
    flags = [flag for name in fast_backends for flag in ("--backend", name)]
    text = call("benchmark", packed, *flags, "--repeats", 2).stdout
    for name in fast_backends:
        assert f"{name} ms (spread)" in text
    assert "softmax" in text


def test_without_a_choice_it_is_the_fastest_backend(call, packed):
    found = json.loads(call("benchmark", packed, "--repeats", 1, "--json").stdout)
    assert [times["backend"] for times in found["backends"]] == backends.available_backends()[:1]


def test_rounds_are_interleaved_and_warm_up_does_not_count(packed):
    seen = []

    def rounds(numbers):
        for number in numbers:
            seen.append(number)
            yield number

    found = benchmark(load_model(packed), ["numpy"], repeats=4, warmup=2, batch=3, rounds=rounds)
    assert seen == list(range(6))
    assert (found.batch, found.backends[0].invoke.count) == (3, 4)


@pytest.mark.parametrize("backend", ["c", "numpy"])
def test_a_batch_that_cannot_be_is_refused_before_inputs_are_made(refusal, packed, monkeypatch, backend):
    if backend not in backends.available_backends():
        pytest.skip(backends.unavailable_reason(backend))
    monkeypatch.setattr("xlite.benchmarking.random_inputs", pytest.fail)
    message = refusal("benchmark", packed, "--batch", 10**11, "--backend", backend)
    assert str(10**11) in message


def test_medians_and_quartiles():
    timing = summarize([1_000_000, 2_000_000, 3_000_000, 4_000_000, 100_000_000])
    assert (timing.median_ms, timing.spread_ms, timing.count) == (3.0, 2.0, 5)
    assert summarize([5_000_000]).spread_ms == 0.0
