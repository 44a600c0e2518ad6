"""The memory account beside what an emulated Raspberry Pi Zero really takes, for 24 MB of weights and for the
networks of the other tests; and 24 MB of weights where memory ends at 64 MiB."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.device import account, guest, networks, setup
from tests.device.account import IMAGE as IMAGE_FILE
from tests.device.account import MIB, MODEL, TOLERANCE, measure, run
from tests.device.layers import write_layers
from tests.device.machines import PI_ZERO
from tests.interpreter.large_network import IMAGE, write_large_network
from xlite.inspection import inspect
from xlite.interpreter import TARGETS, Interpreter, Resolver, Target, backends
from xlite.schema import load_model

TARGET = TARGETS["pi-zero"]
# Bytes that come with a model beside its account: half-used pages, and what Python keeps of an op and its tensors.
# Measured: 22 KiB with 13 ops, 58 with 84, of which the workspace was not all used, 126 with 76.
AROUND, OF_AN_OP = 32 << 10, 3 << 9
UNUSED = 8 << 10  # of the pages at the ends of what is accounted for


@pytest.fixture(scope="module")
def files(tmp_path_factory, needs):
    needs(PI_ZERO)
    folder = tmp_path_factory.mktemp("large")
    np.save(folder / IMAGE_FILE, np.random.default_rng(0).normal(size=(1, *IMAGE)).astype(np.float32))
    return {MODEL: write_large_network(folder / MODEL), IMAGE_FILE: folder / IMAGE_FILE}


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
    assert abs(done.peak_rss - expected) <= TOLERANCE * expected


@pytest.mark.parametrize("network", [networks.DEMO, networks.QUICKNET, networks.BIREALNET], ids=lambda n: n.name)
def test_so_it_is_for_networks_of_every_size(network, needs):
    needs(PI_ZERO)
    if network.build is not None and not network.path.is_file():
        pytest.importorskip("keras", reason="the network is built with Keras, once")
    found = measure({MODEL: networks.ready(network).path})
    assert sum(found.account.values()) > found.account["mapped file"] > 0
    assert abs(found.difference) <= TOLERANCE


@pytest.mark.parametrize(
    "network", [networks.DEMO, networks.QUICKNET, networks.BIREALNET_SMALL], ids=lambda n: n.name
)
def test_what_a_model_adds_is_its_account(network, needs):
    """Apart from Python's 25 MiB, in which a small model's account would be lost."""
    needs(PI_ZERO)
    if network.build is not None and not network.path.is_file():
        pytest.importorskip("keras", reason="the network is built with Keras, once")
    path = networks.ready(network).path
    assert -UNUSED <= account.unexplained({MODEL: path}) <= AROUND + OF_AN_OP * len(load_model(path).ops)


def test_what_a_large_model_adds_is_its_account(files):
    ops = len(load_model(files[MODEL]).ops)
    assert -UNUSED <= account.unexplained({MODEL: files[MODEL]}) <= AROUND + OF_AN_OP * ops


def test_what_the_target_takes_for_python_is_what_python_takes(base):
    assert abs(base - TARGET.base_bytes) <= 0.05 * TARGET.base_bytes


@pytest.mark.skipif(not backends.available("c"), reason="the C library is not built")
def test_inspect_prints_here_what_the_device_counts(files, ran):
    path = files[MODEL]
    there = inspect(load_model(path), path.stat().st_size, Resolver(), TARGET).target
    counted = {what: size for what, size in ran[0]["rows"] if size}
    assert {what: size for what, size in there.memory.items() if what != "Python itself"} == counted


SCRATCH = """
import json, sys
import xlite

for argument in sys.argv[1:]:
    name, _, limit = argument.partition(":")
    interpreter = xlite.Interpreter(name, backend="c", memory_limit=int(limit) if limit else None)
    kernels = [row.kernel for row in interpreter.kernels()]
    print(json.dumps([kernels, interpreter.account.workspace, interpreter.account.total]))
"""


@pytest.mark.skipif(not backends.available("c"), reason="the C library is not built")
def test_kernels_and_scratch_here_are_what_the_device_says(needs, tmp_path):
    """Of layers of every shape: what pays and what is taken is asked of this machine's library here, which was
    compiled for another core, with other sizes of pointers."""
    needs(PI_ZERO)
    paths = write_layers(tmp_path)
    given = {path.name: path for path in paths}
    said = guest.run(SCRATCH, given, arguments=list(given)).check().stdout.splitlines()
    found = [what_inspect_says(path, TARGET) for path in paths]
    assert found == [json.loads(line) for line in said]
    kernels = {kernel for kernels, _, _ in found for kernel in kernels}
    assert {"xl_lookup_conv2d_b_b_b", "xl_conv2d_b_b_f32", "xl_conv2d_u8_i8_f32"} <= kernels
    assert max(workspace for _, workspace, _ in found) > 64 << 10  # integers in pairs are among them


def what_inspect_says(path, target):
    there = inspect(load_model(path), path.stat().st_size, Resolver(), target).target
    account = {what: size for what, size in there.memory.items() if what != "Python itself"}
    return [there.kernels, account.get("workspace", 0), sum(account.values())]


@pytest.mark.skipif(not backends.available("c"), reason="the C library is not built")
def test_what_gives_way_to_a_limit_here_is_what_gives_way_there(needs):
    needs(PI_ZERO)
    path = networks.ready(networks.DEMO).path
    _, scratch, total = what_inspect_says(path, TARGET)
    limits = [total, total - 1, total - scratch // 2, total - scratch + 1200]
    arguments = [f"m.xlite:{limit}" for limit in limits]
    said = guest.run(SCRATCH, {"m.xlite": path}, arguments=arguments).check().stdout.splitlines()
    targets = [Target("tight", "", TARGET.isa, ram_bytes=limit) for limit in limits]
    found = [what_inspect_says(path, target) for target in targets]
    assert found == [json.loads(line) for line in said]
    assert len({total for _, _, total in found}) > 2


def test_a_device_computes_what_this_machine_does(files, ran):
    interpreter = Interpreter(files[MODEL], backend="numpy")
    here = interpreter(np.load(files[IMAGE_FILE]))
    np.testing.assert_allclose(ran[0]["scores"], here, rtol=1e-5, atol=1e-30)


@pytest.mark.skipif(not backends.available("c"), reason="the C library is not built")
def test_the_estimate_is_near_what_is_counted(files, counted):
    """Of the whole network, whose layers are not those that costs were measured on."""
    path = files[MODEL]
    latency = inspect(load_model(path), path.stat().st_size, Resolver(), TARGET).target.latency
    marks = run(files, count=True, target="pi-zero")[1].marks
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
    done = guest.run(account.SCRIPT, files, arguments=["run", json.dumps({"memory_limit": "20MiB"})])
    assert done.returncode == 1
    assert "MemoryLimitError: the model needs" in done.stderr
    assert done.peak_rss < base + 2 * MIB
