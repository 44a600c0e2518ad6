"""What a call and a load cost: that the figures are of the thing that they name."""

from __future__ import annotations

import json

import numpy as np
from click.testing import CliRunner

from benchmarks import startup
from tests.interpreter.networks import residual_network
from xlite import Interpreter
from xlite.interpreter.planner import plan
from xlite.schema.writer import write_model


def test_the_chain_computes_absolute_values():
    model = startup.chain(5)
    assert len(model.ops) == 5
    np.testing.assert_array_equal(Interpreter(model)(np.float32([[-3.0]])), [[3.0]])


def test_the_command_reports_every_model(tmp_path, monkeypatch):
    monkeypatch.setattr(startup, "_ROUNDS", 2)
    model = residual_network()
    model.plan = plan(model)
    path = tmp_path / "net.xlite"
    path.write_bytes(write_model(model))
    done = CliRunner().invoke(startup.main, ["--json", str(path)])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    figures = found["models"][str(path)]
    assert 0 < figures["best_ms"] <= figures["first_ms"]
    assert figures["account"]["arena"] == model.plan.arena_bytes


def test_a_model_that_is_broken_is_one_sentence(tmp_path):
    path = tmp_path / "broken.xlite"
    path.write_bytes(b"nothing")
    done = CliRunner().invoke(startup.main, [str(path)])
    assert done.exit_code == 1
    assert "broken.xlite" in done.output
