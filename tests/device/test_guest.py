"""The emulated computer is what it is said to be, and what is measured of it is right: the other tests here rest
on that."""

from __future__ import annotations

import signal

import pytest

from tests.device import guest, setup
from tests.device.machines import PI_ZERO

MIB = 1 << 20

# Calls a function that consists of the words that are given.
EXECUTE = """
import ctypes, mmap, sys
words = [int(word, 16) for word in sys.argv[1:]]
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(b"".join(word.to_bytes(4, "little") for word in words))
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
function = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32)(address)
print(function(0x00010000))
"""
CLZ, REV = "e16f0f10", "e6bf0f30"  # ARMv5, ARMv6
NEWER = {
    "movw": "e3000001",
    "ubfx": "e7e20150",
    "udiv": "e730f110",
    "vadd.i32": "f2220844",
    "vmov.f32": "eeb70a00",
}
RETURN = "e12fff1e"


def test_it_is_an_armv6(pi_zero):
    code = "import platform, sys; print(platform.machine(), sys.maxsize, sys.byteorder)"
    assert guest.run(code).check().stdout.split() == ["armv6l", str(2**31 - 1), "little"]


def test_instructions_of_armv6_run(pi_zero):
    assert guest.run(EXECUTE, arguments=[CLZ, RETURN]).check().stdout == "15\n"
    assert guest.run(EXECUTE, arguments=[REV, RETURN]).check().stdout == f"{0x00000100}\n"


@pytest.mark.parametrize("name", NEWER)
def test_newer_instructions_trap(pi_zero, name):
    assert guest.run(EXECUTE, arguments=[NEWER[name], RETURN]).returncode == -signal.SIGILL


def test_a_script_that_fails_says_why(pi_zero):
    done = guest.run("import sys; print('out'); sys.exit('reason')")
    assert (done.returncode, done.stdout, done.stderr) == (1, "out\n", "reason\n")
    with pytest.raises(AssertionError, match="ended with 1:\nout\nreason"):
        done.check()


def test_files_and_arguments_and_the_environment_arrive(pi_zero, tmp_path):
    (tmp_path / "there").write_bytes(b"text")
    code = "import os, sys; print(open('a/b').read(), open('c').read(), sys.argv[1:], os.environ['VARIABLE'])"
    files = {"a/b": b"bytes", "c": tmp_path / "there"}
    done = guest.run(code, files, arguments=["one", "two"], environment={"VARIABLE": "value"})
    assert done.check().stdout == "bytes text ['one', 'two'] value\n"


def test_memory_is_the_guests_own(pi_zero):
    """40 MiB more in the guest are 40 MiB more, and none of qemu's, which on a busy machine takes some MiB more in
    one run than in another: the least of three counts."""
    code = "import time; x = bytearray({} << 20); x[::4096] = b'1' * len(x[::4096]); time.sleep(0.2)"
    runs = [[guest.run(code.format(size)).check() for size in (1, 41)] for _ in range(3)]
    for little, much in runs:
        assert much.peak_rss - little.peak_rss == pytest.approx(40 * MIB, abs=2 * MIB)
    least = [min(pair[i].emulator_rss for pair in runs) for i in range(2)]
    assert least[1] - least[0] < 4 * MIB


def test_instructions_of_a_loop_are_counted_between_marks(counted):
    """A thousand turns more are the same number of instructions more each time, and marks add nothing."""
    code = """
from device import mark
def loop(n):
    for _ in range(n):
        pass
mark(0)
mark(1)
loop(20000)
mark(2)
loop(40000)
mark(3)
"""
    done = guest.run(code, count=True).check()
    assert sorted(done.marks) == [0, 1, 2, 3]
    nothing, short, long = (done.marks[i + 1] - done.marks[i] for i in range(3))
    assert 0 < nothing < 20_000 < short < long
    assert long - nothing == pytest.approx(2 * (short - nothing), rel=0.05)
    assert 10 < (long - short) / 20_000 < 200  # instructions for a turn of Python's loop
    assert done.instructions > done.marks[3]


def test_counting_twice_gives_nearly_the_same(counted):
    first, second = (guest.run("print(sum(range(1000)))", count=True).check().instructions for _ in range(2))
    assert first == pytest.approx(second, rel=1e-3)


def test_nothing_is_counted_unless_asked_for(pi_zero):
    done = guest.run("")
    assert (done.instructions, done.marks, done.limit_peak) == (None, {}, None)


def test_who_takes_more_than_the_limit_is_killed(pi_zero):
    code = "x = bytearray({} << 20); x[::4096] = b'1' * len(x[::4096]); print(len(x))"
    try:
        done = guest.run(code.format(20), limit=128 * MIB)
    except setup.Unavailable as reason:
        pytest.skip(str(reason))
    assert done.check().stdout == f"{20 * MIB}\n"
    assert 20 * MIB < done.limit_peak <= 128 * MIB
    over = guest.run(code.format(200), limit=128 * MIB)
    assert (over.returncode, over.stdout) == (-signal.SIGKILL, "")


def test_the_emulator_that_is_missing_is_a_sentence(monkeypatch):
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    with pytest.raises(setup.Unavailable, match="qemu-arm is not there: apt-get install qemu-user"):
        setup.emulator(PI_ZERO)


def test_a_qemu_that_takes_no_such_plugin_is_a_sentence(pi_zero, tmp_path):
    """As qemu 9 says it."""
    newer = tmp_path / "qemu-arm"
    newer.write_text("#!/bin/sh\necho 'plugin requires API version 1' >&2\nexit 1\n")
    newer.chmod(0o755)
    with pytest.raises(setup.Unavailable, match=r"qemu 4.2 to 8.2.*here: plugin requires API version 1"):
        setup.counter(str(newer))
