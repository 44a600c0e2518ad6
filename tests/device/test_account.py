"""The memory account beside what an emulated Raspberry Pi Zero really takes, for 24 MB of weights and for the
networks of the other tests; and 24 MB of weights where memory ends at 64 MiB."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.device import guest, networks, setup
from tests.device.machines import PI_ZERO
from tests.interpreter.large_network import IMAGE, write_large_network
from xlite.inspection import inspect
from xlite.interpreter import TARGETS, Interpreter, Resolver, backends
from xlite.schema import load_model

TARGET = TARGETS["pi-zero"]
MIB = 1 << 20
SCRIPT = """
import json, sys
import numpy as np
import xlite
from device import mark

interpreter = xlite.Interpreter("model.xlite", **json.loads(sys.argv[2]))
account = interpreter.account
found = {"rows": account.rows(), "total": account.total, "backends": interpreter.backends}
if sys.argv[1] == "run":
    interpreter.set_tensor(0, np.load("image.npy"))
    interpreter.invoke()
    mark(0)
    interpreter.invoke()
    mark(1)
    found["scores"] = interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tolist()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory, needs):
    needs(PI_ZERO)
    folder = tmp_path_factory.mktemp("large")
    np.save(folder / "image.npy", np.random.default_rng(0).normal(size=(1, *IMAGE)).astype(np.float32))
    return {"model.xlite": write_large_network(folder / "model.xlite"), "image.npy": folder / "image.npy"}


def run(files, what="run", *, limit=None, **arguments):
    """What the script says, and how it ended. arguments: of the Interpreter."""
    done = guest.run(SCRIPT, files, limit=limit, arguments=[what, json.dumps(arguments)]).check()
    return json.loads(done.stdout), done


@pytest.fixture(scope="module")
def ran(files):
    return run(files, target="pi-zero")


@pytest.fixture(scope="module")
def base(files):
    """The same process up to where memory would be allocated."""
    return run(files, "open", target="pi-zero")[1].peak_rss


def test_account_and_base_are_the_peak_within_5_percent(ran, base):
    found, done = ran
    expected = found["total"] + base
    assert abs(done.peak_rss - expected) <= 0.05 * expected


@pytest.mark.parametrize("network", [networks.DEMO, networks.QUICKNET, networks.BIREALNET], ids=lambda n: n.name)
def test_so_it_is_for_networks_of_every_size(network, needs, tmp_path):
    needs(PI_ZERO)
    if network.build is not None and not network.path.is_file():
        pytest.importorskip("keras", reason="the network is built with Keras, once")
    given = {"model.xlite": networks.ready(network).path, "image.npy": tmp_path / "image.npy"}
    np.save(given["image.npy"], np.ones((1, *network.shape), np.float32))
    _, opened = run(given, "open", target="pi-zero")
    found, done = run(given, target="pi-zero")
    expected = found["total"] + opened.peak_rss
    assert abs(done.peak_rss - expected) <= 0.05 * expected


def test_what_the_target_takes_for_python_is_what_python_takes(base):
    assert abs(base - TARGET.base_bytes) <= 0.05 * TARGET.base_bytes


@pytest.mark.skipif(not backends.available("c"), reason="the C library is not built")
def test_inspect_prints_here_what_the_device_counts(files, ran):
    path = files["model.xlite"]
    there = inspect(load_model(path), path.stat().st_size, Resolver(), TARGET).target
    counted = {what: size for what, size in ran[0]["rows"] if size}
    here = {what: size for what, size in there.memory.items() if what != "Python itself"}
    # The scratch is of kernels that this machine has no use for: what is not known is said, and is little.
    assert {**here, "workspace": 0} == {**counted, "workspace": 0}
    assert abs(sum(here.values()) - sum(counted.values())) <= 0.01 * sum(counted.values())
    assert here["workspace"] == counted["workspace"] or "KiB of scratch" in there.note


def test_a_device_computes_what_this_machine_does(files, ran):
    interpreter = Interpreter(files["model.xlite"], backend="numpy")
    here = interpreter(np.load(files["image.npy"]))
    np.testing.assert_allclose(ran[0]["scores"], here, rtol=1e-4, atol=1e-6)


@pytest.mark.skipif(not backends.available("c"), reason="the C library is not built")
def test_the_estimate_is_near_what_is_counted(files):
    """Of the whole network, whose layers are not those that costs were measured on."""
    path = files["model.xlite"]
    latency = inspect(load_model(path), path.stat().st_size, Resolver(), TARGET).target.latency
    arguments = ["run", json.dumps({"target": "pi-zero"})]
    marks = guest.run(SCRIPT, files, count=True, arguments=arguments).check().marks
    assert latency.total == pytest.approx(marks[1] - marks[0], rel=0.2)


def test_it_runs_where_memory_ends_at_64_mib(files, ran):
    """qemu's own 45 MiB among them: the pages of the file are the first that the kernel takes back."""
    try:
        found, done = run(files, memory_limit="64MiB", limit=64 * MIB)
    except setup.Unavailable as reason:
        pytest.skip(str(reason))
    assert found["scores"] == ran[0]["scores"]
    assert done.limit_peak <= 64 * MIB


def test_a_limit_refuses_the_model_before_anything_is_allocated(files, base):
    done = guest.run(SCRIPT, files, arguments=["run", json.dumps({"memory_limit": "20MiB"})])
    assert done.returncode == 1
    assert "MemoryLimitError: the model needs" in done.stderr
    assert done.peak_rss < base + 2 * MIB
