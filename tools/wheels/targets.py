"""The machines that there are wheels for, and how the cross compiler, ``zig cc``, is told of them.

zig's targets name the oldest glibc whose symbols the library may be linked to: 2.17, that of manylinux2014, which
every Linux has that has Python 3.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

GLIBC = "2.17"


@dataclass(frozen=True)
class Library:
    """What the library is compiled for.

    triple: zig's -target. cpu: its -mcpu for all files. neon_cpu: the one for the files that use NEON, where the
    others may not; they are chosen at run time. options: more of zig's, for all files.
    """

    name: str
    triple: str
    cpu: str
    neon_cpu: Optional[str] = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wheel:
    """What a wheel holds and who may install it.

    libraries: each with its file name, beside the module that loads them. platforms: tags as ``linux_armv6l`` as
    they are; ``manylinux`` stands for those of the glibc that the libraries need, on ``machine``.
    """

    machine: str
    libraries: tuple[tuple[str, Library], ...]
    platforms: tuple[str, ...] = ("manylinux",)


# ARM1176JZF-S: ARMv6 in ARM state with VFPv2. gnueabihf passes floats in registers, as Raspberry Pi OS does.
ARMV6L = Library("armv6l", f"arm-linux-gnueabihf.{GLIBC}", "arm1176jzf_s")
# The same code for systems that pass floats in integer registers: Debian's armel, whose Python the tests emulate.
# Without the option the triple means that there is no FPU, and each product is a call.
ARMV6L_SOFTFP = Library(
    "armv6l-softfp", f"arm-linux-gnueabi.{GLIBC}", "arm1176jzf_s", options=("-mfloat-abi=softfp",)
)
# The least that Debian and Raspberry Pi OS mean by armv7l: VFPv3 with 16 registers and no NEON.
ARMV7L = Library("armv7l", f"arm-linux-gnueabihf.{GLIBC}", "generic+v7a+vfp3d16-neon-d32", "generic+v7a+neon")
AARCH64 = Library("aarch64", f"aarch64-linux-gnu.{GLIBC}", "generic")
X86_64 = Library("x86_64", f"x86_64-linux-gnu.{GLIBC}", "x86_64")

LIBRARY = "_xlite.so"
# Beside the one above for machines with NEON: interpreter/kernels/c/library.py chooses.
ARMV7_LIBRARY = "_xlite_armv7.so"

WHEELS = (
    # Any 32-bit Raspberry Pi takes it: one that was installed on a Zero goes on to a Pi 3 with the card.
    Wheel("armv6l", ((LIBRARY, ARMV6L), (ARMV7_LIBRARY, ARMV7L)), ("linux_armv6l", "linux_armv7l")),
    Wheel("armv7l", ((LIBRARY, ARMV7L),)),
    Wheel("aarch64", ((LIBRARY, AARCH64),)),
    Wheel("x86_64", ((LIBRARY, X86_64),)),
    Wheel("any", (), ("any",)),
)

# For tests alone: Debian armel's Python cannot load the hard-float library.
ARMEL_WHEEL = Wheel("armel", ((LIBRARY, ARMV6L_SOFTFP),), ("linux_armv6l",))
