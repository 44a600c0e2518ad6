"""The protocol between driver and worker, with an engine that multiplies."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from benchmarks import measure
from benchmarks.engines import Engine
from benchmarks.models import INPUT, Models
from benchmarks.pipe import SCRIPT, Worker, WorkerError
from benchmarks.rows import LAYERS, NETWORKS
from benchmarks.worker import timed

COMMAND = [sys.executable, str(SCRIPT)]


@pytest.fixture
def models(tmp_path) -> Models:
    np.save(tmp_path / INPUT, np.arange(24, dtype=np.float32).reshape(3, 8) - 11.5)
    return Models(tmp_path, macs={"binary": {"bitxbit": 1000}})


def fake(key: str, threads: int = 1, **options: object) -> Engine:
    return Engine(key, key, "fake", "own", "model", threads=threads, options=options)


def load(worker: Worker, models: Models, **options: object) -> dict:
    path = str(models.folder / INPUT)
    return worker.ask("load", runner="fake", model="m", threads=3, options=options, input=path)


def test_load_outputs_and_times(models, tmp_path):
    with Worker(COMMAND, {}) as worker:
        assert load(worker, models) == {"versions": {"fake": "1"}, "detail": {"model": "m"}}
        out = tmp_path / "out.npy"
        assert worker.ask("outputs", input=str(models.folder / INPUT), output=str(out)) == {}
        np.testing.assert_array_equal(np.load(out), 3 * np.load(models.folder / INPUT))
        times = worker.ask("time", seconds=0.01, warm=0.001)["ns"]
        assert times
        assert all(isinstance(t, int) and t >= 0 for t in times)


def test_an_error_is_told_and_the_worker_lives_on(models):
    with Worker(COMMAND, {}) as worker:
        with pytest.raises(WorkerError, match="ValueError: no such file"):
            load(worker, models, fail="no such file\nmore")
        assert load(worker, models)["versions"]


def test_a_crash_is_told_with_its_last_words(models):
    with Worker(COMMAND, {}) as worker:
        load(worker, models, exit=True)
        with pytest.raises(WorkerError, match="status 3 at 'time': crashing"):
            worker.ask("time", seconds=0, warm=0)
        with pytest.raises(WorkerError, match="status 3"):
            worker.ask("time", seconds=0, warm=0)


def test_an_engine_that_hangs_is_ended():
    with Worker([sys.executable, "-c", "import time; time.sleep(600)"], {}, seconds=0.2) as worker:  # noqa: SIM117
        with pytest.raises(WorkerError, match="signal"):
            worker.ask("load")


def test_timed_runs_once_at_least_and_as_often_as_asked():
    calls: list[int] = []
    assert len(timed(lambda: calls.append(1), 0)) == 1
    assert len(timed(lambda: calls.append(1), 0, least=5)) == 5
    assert len(calls) == 6


# -- a row ----------------------------------------------------------------------------------------------------


def row_of(row, models, engines, **settings):
    wanted = measure.Settings(rounds=4, turn_seconds=0.001, **settings)
    return measure.measure(row, models, engines, wanted, None, lambda text: None)


def test_a_row_has_every_engine_or_its_reason(models):
    models.missing["nowhere"] = "there is no wheel"
    engines = [
        fake("c"),
        Engine("absent", "Absent", "fake", "own", "nowhere"),
        fake("refuses", fail="not today"),
        fake("crashes", exit=True),
        fake("another", threads=-1),
    ]
    found = row_of(NETWORKS[0], models, engines)["engines"]
    assert list(found) == [engine.key for engine in engines]
    assert found["c"]["ms"]["count"] == 4
    assert found["c"]["ratio"]["median"] == 1
    assert found["absent"]["missing"] == "there is no wheel"
    assert found["refuses"]["missing"] == "ValueError: not today"
    assert "status 3 at 'outputs'" in found["crashes"]["missing"]
    assert "correlation with the reference is -1.00" in found["another"]["missing"]


def test_a_layer_wants_all_samples_alike_and_its_time_is_that_of_one(models):
    chain, network = (row_of(row, models, [fake("c"), fake("twice", 2)]) for row in (LAYERS[0], NETWORKS[0]))
    assert "3 of 3 samples differ" in chain["engines"]["twice"]["missing"]
    assert network["engines"]["twice"]["outputs"]["exact"] == 0
    assert "missing" not in network["engines"]["twice"]
    assert chain["depth"] == LAYERS[0].depth > 1
    assert network["depth"] == 1


def test_several_threads_must_agree_with_one_in_every_bit(models):
    """Close is not enough for the same kernels; another instruction set may round otherwise."""
    one = Engine("c", "c", "fake", "own", "model", options={"backend": "c"})
    two = Engine("c-2", "c-2", "fake", "own", "model", options={"backend": "c"})
    other = Engine(
        "c-avx2", "c-avx2", "fake", "own", "model", options={"backend": "c"}, environ={"XLITE_ISA": "avx2"}
    )
    found = row_of(LAYERS[0], models, [one, two, other])["engines"]
    assert all("missing" not in entry for entry in found.values())
    outputs = np.ones(3)
    assert measure._differs_from_one_thread(two, outputs + 1e-7, outputs)
    assert not measure._differs_from_one_thread(two, outputs, outputs)
    assert not measure._differs_from_one_thread(other, outputs + 1e-7, outputs)


def test_an_engine_that_had_its_time_sits_out(models):
    found = row_of(NETWORKS[0], models, [fake("c")], limit_seconds=0.0)
    assert found["engines"]["c"]["ms"]["count"] == measure.LEAST_ROUNDS
