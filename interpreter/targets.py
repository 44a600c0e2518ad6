"""Profiles of the devices that a model is made for: instruction set, memory, floating point.

A target gives the interpreter its memory limit and the converter's report its "fits" column. ``ram_bytes`` is
what one process may use once the system has taken its share, not what the device's box says.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from typing import Optional, Union

from xlite.schema.errors import Error

MIB = 1 << 20


@dataclass(frozen=True)
class Target:
    """name: as in ``target="pi-zero"``. isa: the instruction set that kernels may use. ram_bytes: what a process
    may use, None for no limit. flash_bytes: where constants lie when they are not in RAM, None on a computer
    (there the file is mapped and counts as RAM). has_fpu: whether float32 runs in hardware."""

    name: str
    description: str
    isa: str
    ram_bytes: Optional[int] = None
    flash_bytes: Optional[int] = None
    has_fpu: bool = True


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        # 512 MiB, of which the GPU's firmware and Raspberry Pi OS Lite leave about 340 MiB free
        Target("pi-zero", "Raspberry Pi Zero and 1: one ARM1176 core, 512 MiB", "armv6+vfp2", ram_bytes=320 * MIB),
        # 1 GiB, of which Raspberry Pi OS Lite leaves about 800 MiB free
        Target("pi-3", "Raspberry Pi 3: four Cortex-A53 cores, 1 GiB", "armv8-a+neon", ram_bytes=768 * MIB),
        Target("host", "this machine, all of its memory", platform.machine() or "unknown"),
    )
}


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
