"""Profiles of the devices that a model is made for: instruction set, memory, floating point, clock.

A target gives the interpreter its memory limit, the converter's report its "fits" column and the estimate of
latency its clock. ``ram_bytes`` is what one program may use once the system has taken its share, not what the
device's box says. The names of microcontrollers are those of their cores; each profile is that of one common part,
which its description names: pass a :class:`Target` of your own for another.
"""

from __future__ import annotations

import os
import sys

from xlite.schema.errors import Error
from xlite.schema.records import TYPE_CHECKING, record

if TYPE_CHECKING:
    from typing import Optional, Union

KIB, MIB = 1 << 10, 1 << 20


@record(frozen=True)
class Target:
    """name: as in ``target="pi-zero"``. isa: the instruction set that kernels may use. ram_bytes: what a program
    may use, None for no limit. flash_bytes: where constants lie when they are not in RAM, None on a computer
    (there the file is mapped and counts as RAM). has_fpu: whether float32 runs in hardware. clock_hz: of the core,
    0 where it is not known. base_bytes: what Python, numpy and this library take of ``ram_bytes`` before there is
    a model. runtime: ``python``, or ``c`` where the C library runs the model alone; there constants stay in
    flash."""

    name: str
    description: str
    isa: str
    ram_bytes: Optional[int] = None
    flash_bytes: Optional[int] = None
    has_fpu: bool = True
    clock_hz: int = 0
    base_bytes: int = 0
    runtime: str = "python"

    @property
    def weights_in_ram(self) -> bool:
        """Whether constants count as RAM."""
        return self.flash_bytes is None and self.runtime == "python"


def machine() -> str:
    """The name of this machine's processor, as :func:`platform.machine` gives it. (A device imports this module at
    start, and to import ``platform`` takes as long there as a small network.)"""
    if hasattr(os, "uname"):
        return os.uname().machine
    import platform

    return platform.machine()


# What processors of the targets' kinds call themselves. Others here are computers in general.
_ISAS = {
    "armv6l": "armv6+vfp2",
    "armv7l": "armv7-a+neon",
    "armv8l": "armv7-a+neon",
    "aarch64": "armv8-a+neon",
    "arm64": "armv8-a+neon",
}


def isa_here() -> str:
    """The instruction set of this machine as targets name it; its own name where none of them has it. A process
    of 32 bits, as Raspberry Pi OS has them on kernels of 64, does not use what only 64 bits have."""
    name = machine().lower()
    if name == "aarch64" and sys.maxsize < 1 << 32:
        name = "armv8l"
    return _ISAS.get(name, name)


# In memory once numpy, this library and an interpreter are loaded, without the model: measured in an emulated
# ARMv6 Python (tests/device/test_account.py), and on 64 bits.
_PYTHON_32, _PYTHON_64 = 26 * MIB, 29 * MIB

_COMPUTERS = (
    # 512 MiB, of which the GPU's firmware and Raspberry Pi OS Lite leave about 340 MiB free
    Target(
        "pi-zero",
        "Raspberry Pi Zero and 1: one ARM1176 core, 512 MiB",
        "armv6+vfp2",
        ram_bytes=320 * MIB,
        clock_hz=1_000_000_000,
        base_bytes=_PYTHON_32,
    ),
    Target(
        "pi-zero-2",
        "Raspberry Pi Zero 2 W: four Cortex-A53 cores, 512 MiB",
        "armv8-a+neon",
        ram_bytes=320 * MIB,
        clock_hz=1_000_000_000,
        base_bytes=_PYTHON_64,
    ),
    # 1 GiB, of which Raspberry Pi OS Lite leaves about 800 MiB free
    Target(
        "pi-2",
        "Raspberry Pi 2: four Cortex-A7 cores, 1 GiB",
        "armv7-a+neon",
        ram_bytes=768 * MIB,
        clock_hz=900_000_000,
        base_bytes=_PYTHON_32,
    ),
    Target(
        "pi-3",
        "Raspberry Pi 3: four Cortex-A53 cores, 1 GiB",
        "armv8-a+neon",
        ram_bytes=768 * MIB,
        clock_hz=1_200_000_000,
        base_bytes=_PYTHON_64,
    ),
    # the smallest that are sold, so that what fits here fits every one
    Target(
        "pi-4",
        "Raspberry Pi 4: four Cortex-A72 cores, 1 GiB or more",
        "armv8-a+neon",
        ram_bytes=768 * MIB,
        clock_hz=1_500_000_000,
        base_bytes=_PYTHON_64,
    ),
    Target(
        "pi-5",
        "Raspberry Pi 5: four Cortex-A76 cores, 1 GiB or more",
        "armv8-a+neon",
        ram_bytes=768 * MIB,
        clock_hz=2_400_000_000,
        base_bytes=_PYTHON_64,
    ),
    Target("host", "this machine, all of its memory", machine() or "unknown"),
)

_MICROCONTROLLERS = (
    Target(
        "cortex-m0plus",
        "Cortex-M0+, as the RP2040 of a Raspberry Pi Pico: 264 KiB RAM, 2 MiB flash, 125 MHz",
        "armv6-m",
        ram_bytes=264 * KIB,
        flash_bytes=2 * MIB,
        has_fpu=False,
        clock_hz=125_000_000,
        runtime="c",
    ),
    Target(
        "cortex-m4",
        "Cortex-M4F, as the nRF52840 of an Arduino Nano 33 BLE: 256 KiB RAM, 1 MiB flash, 64 MHz",
        "armv7e-m+fp",
        ram_bytes=256 * KIB,
        flash_bytes=1 * MIB,
        clock_hz=64_000_000,
        runtime="c",
    ),
    # 1 MiB of RAM in pieces: an arena is one block, and the largest is the AXI SRAM
    Target(
        "cortex-m7",
        "Cortex-M7, as the STM32H743 of a Nucleo board: 512 KiB RAM in one block, 2 MiB flash, 480 MHz",
        "armv7e-m+fp.dp",
        ram_bytes=512 * KIB,
        flash_bytes=2 * MIB,
        clock_hz=480_000_000,
        runtime="c",
    ),
    # Of 520 KiB, 320 hold data, and a program may lay out half of them before it starts; of 4 MiB of flash the
    # usual partition table for large programs gives 3 to the program.
    Target(
        "esp32",
        "ESP32, two Xtensa LX6 cores: 160 KiB static RAM, 3 MiB flash for a program, 240 MHz",
        "xtensa-lx6",
        ram_bytes=160 * KIB,
        flash_bytes=3 * MIB,
        clock_hz=240_000_000,
        runtime="c",
    ),
    Target(
        "rv32",
        "RISC-V rv32imac, as the GD32VF103 of a Longan Nano: 32 KiB RAM, 128 KiB flash, 108 MHz",
        "rv32imac",
        ram_bytes=32 * KIB,
        flash_bytes=128 * KIB,
        has_fpu=False,
        clock_hz=108_000_000,
        runtime="c",
    ),
    Target("generic", "any core with a C99 compiler, memory unknown", "c99", has_fpu=False, runtime="c"),
)

TARGETS: dict[str, Target] = {target.name: target for target in (*_COMPUTERS, *_MICROCONTROLLERS)}


def host_ram() -> Optional[int]:
    """Bytes of memory in this machine, None where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf, some systems not these names
        return None


def get_target(target: Union[str, Target]) -> Target:
    """The profile of that name; a :class:`Target` of your own is passed through. Raises Error for an unknown
    name."""
    if isinstance(target, Target):
        return target
    try:
        return TARGETS[target]
    except (KeyError, TypeError):
        known = ", ".join(TARGETS)
        raise Error(f"unknown target {target!r}: choose one of {known}, or pass a Target of your own") from None
