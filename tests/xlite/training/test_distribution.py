"""Two workers on this machine train as one process with the same batches does, and after one of them was
killed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow")

from tests.xlite.training.small import write_npz  # noqa: E402
from xlite.schema.errors import TrainingError  # noqa: E402
from xlite.training import runlog  # noqa: E402
from xlite.training.distribution import Strategy  # noqa: E402

pytestmark = pytest.mark.keras
ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 240  # seconds, for a machine that is busy


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start(out, data, strategy, config=None, *more):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    if config is not None:
        environment["TF_CONFIG"] = json.dumps(config)
    command = [sys.executable, "-m", "tests.xlite.training.worker", str(out), str(data), strategy, *more]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def pair(out, data, die=False):
    """Two workers; with ``die`` the second is killed in its third epoch, and the first ended."""
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    configs = [{"cluster": {"worker": workers}, "task": {"type": "worker", "index": i}} for i in (0, 1)]
    chief = start(out, data, "multiworker", configs[0])
    other = start(out, data, "multiworker", configs[1], *(["die"] if die else []))
    try:
        said = other.communicate(timeout=PATIENCE)[0]
        assert other.returncode == (-9 if die else 0), said[-2000:]
        if not die:
            said = chief.communicate(timeout=PATIENCE)[0]
            assert chief.returncode == 0, said[-2000:]
    finally:
        for process in (chief, other):
            process.kill()
            process.wait()


def test_two_workers_give_the_losses_of_one_and_go_on_after_one_was_killed(tmp_path):
    data = write_npz(tmp_path)
    alone = start(tmp_path / "one.keras", data, "none")
    said = alone.communicate(timeout=PATIENCE)[0]
    assert alone.returncode == 0, said[-2000:]
    pair(tmp_path / "two.keras", data, die=True)
    assert (tmp_path / "two.checkpoint.npz").exists()
    assert not (tmp_path / "two.keras").exists()
    done = runlog.read_run(tmp_path / "two.jsonl").epochs
    assert [entry["epoch"] for entry in done] in ([0], [0, 1])
    pair(tmp_path / "two.keras", data)
    one, two = (runlog.read_run(tmp_path / f"{name}.jsonl") for name in ("one", "two"))
    assert [entry["epoch"] for entry in two.epochs] == [0, 1, 2, 3]
    assert two.epochs[: len(done)] == done  # with the seconds that they took: they were not trained again
    for a, b in zip(one.epochs, two.epochs):
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-4)
    assert two.epochs[-1]["loss"] < two.epochs[0]["loss"]
    import xlite.layers  # noqa: F401  (the saved models name them)

    first, second = (keras.saving.load_model(tmp_path / f"{name}.keras") for name in ("one", "two"))
    for a, b in zip(first.get_weights(), second.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_strategies_refuse_what_they_cannot_do(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(TrainingError, match="TF_CONFIG"):
        Strategy("multiworker")
    for text in ("2 workers", "{}", "[]", '{"cluster": {"worker": ["a:1"]}}',
                 '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
                 '{"cluster": {"worker": ["a:1"]}, "task": {"type": "chief", "index": 0}}'):  # fmt: skip
        monkeypatch.setenv("TF_CONFIG", text)
        with pytest.raises(TrainingError, match="says which of them this is"):
            Strategy("multiworker")
    with pytest.raises(TrainingError, match="mirrored, multiworker"):
        Strategy("parameter-server")
    assert Strategy("none").is_chief


def test_a_worker_that_is_gone_is_named(monkeypatch):
    from tensorflow import errors

    strategy = Strategy("none")
    for kind in (errors.UnavailableError, errors.AbortedError):
        with pytest.raises(kind), strategy.watching():
            raise kind(None, None, "heartbeats")
    strategy.name = "multiworker"
    for kind in (errors.UnavailableError, errors.AbortedError):
        with pytest.raises(TrainingError, match=r"another worker is gone.*--resume"), strategy.watching():
            raise kind(None, None, "heartbeats")


class Trainer:
    """A model of Keras, as far as a strategy for several machines looks at it."""

    train_function = None

    def __init__(self, forgets):
        self.forgets = forgets
        self.optimizer = keras.optimizers.SGD()
        self.optimizer.build([])
        self.train_step = len

    def _symbolic_build(self, data_batch):
        pass

    def _maybe_symbolic_build(self, **_):
        pass

    def make_train_function(self):
        if self.forgets:  # as a later Keras might, whose fit then would not train as it has to
            self.train_function = None


def test_a_keras_without_what_several_machines_need_is_named(monkeypatch):
    import tensorflow as tf

    strategy = Strategy("none")
    strategy.name, strategy._strategy = "multiworker", tf.distribute.get_strategy()
    message = rf"Keras {keras.__version__.replace('.', '[.]')}, whose trainer has changed"
    batches = [(np.zeros((4, 2)), np.zeros(4))]
    strategy.prepare(Trainer(forgets=False), batches)
    with pytest.raises(TrainingError, match=message):
        strategy.prepare(Trainer(forgets=True), batches)
    for hook in ("_symbolic_build", "_maybe_symbolic_build", "make_train_function"):
        with monkeypatch.context() as changed:
            changed.delattr(Trainer, hook)
            with pytest.raises(TrainingError, match=message):
                strategy.prepare(Trainer(forgets=False), batches)


def test_mirrored_trains_on_the_devices_of_this_machine(tmp_path):
    from tests.xlite.training.small import recipe
    from xlite.callbacks import LogFlipRatio
    from xlite.training.runner import Settings, train

    settings = Settings(tmp_path / "m.keras", str(write_npz(tmp_path)), strategy="mirrored", epochs=1)
    train(recipe(callbacks=lambda: [LogFlipRatio()]), settings)
    run = runlog.read_run(tmp_path / "m.jsonl")
    assert len(run.epochs) == 1
    assert "flip_ratio/binary" in run.epochs[0]
