"""Networks on every emulated computer, each with the wheel that is made for it."""

from __future__ import annotations

import pytest

from tests.device.machines import ARM64, ARMV6_WHEEL, ARMV7
from tests.device.networks import BIREALNET, BIREALNET_SMALL, DEMO, QUICKNET
from tests.device.parity import check_parity, run_parity

WITHOUT_NEON = "cortex-r5f"  # ARMv7 with VFPv3 of 16 registers
C, BOTH = ["c"], ["c", "numpy"]


@pytest.fixture(autouse=True)
def _training_side(request):
    if "keras" in request.keywords:
        pytest.importorskip("keras", reason="building the zoo's networks takes Keras")


@pytest.mark.keras
@pytest.mark.parametrize(
    ("network", "backends"),
    [(QUICKNET, BOTH), (BIREALNET_SMALL, BOTH), (BIREALNET, C)],  # numpy takes minutes for the large one
    ids=lambda value: getattr(value, "name", None),
)
def test_pi_zero(pi_zero, network, backends):
    found = run_parity(network, pi_zero, backends)
    assert (found["library"], found["isa"]) == ("_xlite.so", "portable")
    check_parity(found)


@pytest.mark.keras
@pytest.mark.parametrize("machine", [ARMV7, ARM64], ids=lambda machine: machine.name)
def test_tiles_for_neon_are_chosen(needs, machine):
    found = run_parity(QUICKNET, needs(machine), BOTH)
    assert (found["library"], found["isa"]) == ("_xlite.so", "neon")
    check_parity(found)


@pytest.mark.parametrize("machine", [ARMV7, ARM64], ids=lambda machine: machine.name)
def test_portable_if_the_environment_says_so(needs, machine):
    found = run_parity(DEMO, needs(machine), C, environment={"XLITE_ISA": "portable"})
    assert found["isa"] == "portable"
    check_parity(found)


@pytest.mark.parametrize("machine", [ARMV7, ARMV6_WHEEL], ids=lambda machine: machine.name)
def test_without_neon_the_portable_kernels_of_the_first_library(needs, machine):
    """For the Pi Zero's wheel it is the library that a Pi Zero takes: hard-float, as Raspberry Pi OS calls it."""
    found = run_parity(DEMO, needs(machine), BOTH, cpu=WITHOUT_NEON)
    assert (found["library"], found["isa"]) == ("_xlite.so", "portable")
    check_parity(found)


def test_the_pi_zeros_wheel_is_as_good_as_another_on_a_pi_3(needs):
    found = run_parity(DEMO, needs(ARMV6_WHEEL), C)
    assert (found["library"], found["isa"]) == ("_xlite_armv7.so", "neon")
    check_parity(found)
