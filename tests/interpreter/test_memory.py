"""Sizes, targets and the memory limit."""

from __future__ import annotations

import numpy as np
import pytest

from tests.interpreter.networks import residual_network
from xlite.interpreter import TARGETS, Interpreter, Target, get_target, memory, program
from xlite.schema.errors import Error, MemoryLimitError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (0, 0),
        (4096, 4096),
        (np.int64(4096), 4096),
        ("512", 512),
        ("64MiB", 64 << 20),
        ("64 mib", 64 << 20),
        ("430 MB", 430 * 10**6),
        ("1.5 GiB", 3 << 29),
        ("2kb", 2000),
        (" 8 KiB ", 8192),
    ],
)
def test_sizes(text, size):
    assert memory.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", -1, "64M", "1e6", "12 parsec", 1.5, True, None])
def test_what_is_no_size(text):
    with pytest.raises(Error, match="no size in memory"):
        memory.parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (5 << 20, "5.0 MiB"),
        (3 << 41, "6144.0 GiB"),
    ],
)
def test_sizes_for_a_reader(size, text):
    assert memory.format_size(size) == text


def test_targets():
    assert {"pi-zero", "pi-3", "host"} <= set(TARGETS)
    assert get_target("pi-zero").ram_bytes < 512 << 20
    own = Target("mine", "a board", "armv7", ram_bytes=1000)
    assert get_target(own) is own
    with pytest.raises(Error, match=r"'pi-9'.*pi-zero"):
        get_target("pi-9")


def test_account_adds_up():
    model = residual_network()
    account = Interpreter(model, backend="numpy").account
    assert account.weights == sum(t.type.nbytes for t in model.tensors if t.is_constant)
    assert account.arena == sum(size for name, size in account.rows() if name == "arena") > 0
    assert account.total == sum(size for _, size in account.rows())
    assert [item.bytes for item in account.items] == sorted((i.bytes for i in account.items), reverse=True)
    batched = Interpreter(model, backend="numpy")
    batched.resize_tensor_input(0, (4, 12, 12, 3))
    assert batched.account.arena == 4 * account.arena
    assert batched.account.weights == account.weights


def test_limit_is_exact():
    model = residual_network()
    need = Interpreter(model, backend="numpy").account.total
    assert Interpreter(model, backend="numpy", memory_limit=need)(np.ones((12, 12, 3)))
    with pytest.raises(MemoryLimitError):
        Interpreter(model, backend="numpy", memory_limit=need - 1)


def test_refused_before_allocation_with_a_table(monkeypatch):
    monkeypatch.setattr(program, "aligned_bytes", lambda size: pytest.fail("memory was allocated"))
    with pytest.raises(MemoryLimitError) as caught:
        Interpreter(residual_network(), backend="numpy", memory_limit="20 kB")
    message = str(caught.value)
    assert "memory_limit allows 20000 B" in message.splitlines()[0]
    for part in ("arena", "workspace", "weights", "the biggest items", "f32[1,12,12,40]", "memory_limit="):
        assert part in message


def test_a_batch_that_does_not_fit_leaves_the_interpreter_as_it_was():
    model = residual_network()
    need = Interpreter(model, backend="numpy").account.total
    interpreter = Interpreter(model, backend="numpy", memory_limit=2 * need)
    first = interpreter(np.ones((12, 12, 3)))[0]
    with pytest.raises(MemoryLimitError, match="batch 2 is the largest that fits"):
        interpreter.resize_tensor_input(0, (64, 12, 12, 3))
    np.testing.assert_array_equal(interpreter(np.ones((12, 12, 3)))[0], first)


def test_a_call_runs_any_batch_within_the_limit():
    model = residual_network()
    need = Interpreter(model, backend="numpy").account.total
    interpreter = Interpreter(model, backend="numpy", memory_limit=need)
    x = np.random.default_rng(0).normal(size=(64, 12, 12, 3)).astype(np.float32)
    scores = interpreter(x)[0]
    assert interpreter.batch == 1
    np.testing.assert_allclose(scores, Interpreter(model, backend="numpy")(x)[0], rtol=1e-5)


def test_target_is_the_limit_unless_one_is_given():
    tiny = Target("tiny", "a sensor", "cortex-m0", ram_bytes=1000)
    with pytest.raises(MemoryLimitError, match="target 'tiny' allows 1000 B"):
        Interpreter(residual_network(), backend="numpy", target=tiny)
    assert Interpreter(residual_network(), backend="numpy", target=tiny, memory_limit="1MiB").target is tiny
    assert Interpreter(residual_network(), backend="numpy", target="pi-zero").target is TARGETS["pi-zero"]


def test_weights_in_flash_are_not_ram():
    model = residual_network()
    account = Interpreter(model, backend="numpy").account
    board = Target("board", "", "cortex-m4", ram_bytes=account.ram, flash_bytes=account.weights)
    assert Interpreter(model, backend="numpy", target=board)
    small = Target("small", "", "cortex-m4", ram_bytes=account.ram, flash_bytes=account.weights - 1)
    with pytest.raises(MemoryLimitError, match="of flash"):
        Interpreter(model, backend="numpy", target=small)


def test_without_a_limit_this_machine_is_the_limit(monkeypatch):
    monkeypatch.setattr(memory, "host_ram", lambda: 10_000)
    with pytest.raises(MemoryLimitError, match="this machine allows 10000 B"):
        Interpreter(residual_network(), backend="numpy")
    monkeypatch.setattr(memory, "host_ram", lambda: None)
    assert Interpreter(residual_network(), backend="numpy")


def test_an_allocation_that_fails_is_our_error(monkeypatch):
    def fail(size):
        raise MemoryError

    interpreter = Interpreter(residual_network(), backend="numpy")
    monkeypatch.setattr(program, "aligned_bytes", fail)
    with pytest.raises(MemoryLimitError, match="has no memory for"):
        interpreter.allocate_tensors()
