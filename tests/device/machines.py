"""The computers that are emulated: which of Debian's architectures, which processor, which wheel."""

from __future__ import annotations

from dataclasses import dataclass

from tools.wheels import targets


@dataclass(frozen=True)
class Machine:
    """debian: the architecture of the packages. libraries: where they put shared libraries. emulator: qemu's, for
    programs of this machine. cpu: what it emulates unless a test asks for another. wheel: what is installed.
    bits: of an address."""

    name: str
    debian: str
    libraries: str
    emulator: str
    cpu: str
    wheel: targets.Wheel
    bits: int


# A Pi Zero without its system: the processor traps on every instruction that ARMv6 does not have. Debian's armel
# stands in for Raspberry Pi OS: the same instructions, but floats are passed in integer registers.
PI_ZERO = Machine("pi-zero", "armel", "arm-linux-gnueabi", "qemu-arm", "arm1176", targets.ARMEL_WHEEL, 32)

_WHEELS = {wheel.machine: wheel for wheel in targets.WHEELS}
ARMV7 = Machine("armv7", "armhf", "arm-linux-gnueabihf", "qemu-arm", "cortex-a7", _WHEELS["armv7l"], 32)
# The Pi Zero's own wheel, hard-float, on the card of a Pi 2 or 3: the other half of the proof.
ARMV6_WHEEL = Machine(
    "armv6-wheel", "armhf", "arm-linux-gnueabihf", "qemu-arm", "cortex-a7", _WHEELS["armv6l"], 32
)
ARM64 = Machine("arm64", "arm64", "aarch64-linux-gnu", "qemu-aarch64", "cortex-a53", _WHEELS["aarch64"], 64)
MACHINES = (PI_ZERO, ARMV7, ARMV6_WHEEL, ARM64)
