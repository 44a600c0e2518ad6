"""What a machine's processor is taken for."""

from __future__ import annotations

import sys

import pytest

from xlite.interpreter import targets


@pytest.mark.parametrize(
    ("machine", "bits", "isa"),
    [
        ("armv6l", 32, "armv6+vfp2"),
        ("armv7l", 32, "armv7-a+neon"),
        ("armv8l", 32, "armv7-a+neon"),
        ("aarch64", 32, "armv7-a+neon"),  # Raspberry Pi OS of 32 bits on a kernel of 64
        ("aarch64", 64, "armv8-a+neon"),
        ("arm64", 64, "armv8-a+neon"),
        ("x86_64", 64, "x86_64"),
    ],
)
def test_the_instruction_set_of_a_process(monkeypatch, machine, bits, isa):
    monkeypatch.setattr(targets, "machine", lambda: machine)
    monkeypatch.setattr(sys, "maxsize", (1 << bits - 1) - 1)
    assert targets.isa_here() == isa
