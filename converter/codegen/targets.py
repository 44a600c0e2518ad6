"""The cores that C is generated for: which compiler builds it, and with which options."""

from __future__ import annotations

from dataclasses import dataclass

from xlite.schema.errors import Error


@dataclass(frozen=True)
class CompileTarget:
    """compilers: commands to try, in order; the toolchain's other programs have the same prefix. flags: that
    choose the core. libraries: options for a C library to link with for measuring, the first that is there."""

    name: str
    description: str
    compilers: tuple[str, ...]
    flags: tuple[str, ...] = ()
    libraries: tuple[tuple[str, ...], ...] = ((),)

    @property
    def small(self) -> bool:
        """Whether flash counts, and there are no vectors."""
        return self.name != "generic"


def _cortex(name: str, description: str, *flags: str) -> CompileTarget:
    libraries = (("--specs=nano.specs", "--specs=nosys.specs"), ())
    return CompileTarget(name, description, ("arm-none-eabi-gcc",), ("-mthumb", *flags), libraries)


COMPILE_TARGETS: dict[str, CompileTarget] = {
    target.name: target
    for target in (
        _cortex("cortex-m0plus", "Arm Cortex-M0+ and M0, no FPU", "-mcpu=cortex-m0plus", "-mfloat-abi=soft"),
        _cortex("cortex-m4", "Arm Cortex-M4F", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
        _cortex("cortex-m7", "Arm Cortex-M7", "-mcpu=cortex-m7", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"),
        CompileTarget("esp32", "Espressif ESP32 (Xtensa LX6)", ("xtensa-esp32-elf-gcc",), ("-mlongcalls",)),
        CompileTarget(
            "rv32",
            "RISC-V, rv32imac, no FPU",
            ("riscv64-unknown-elf-gcc", "riscv32-unknown-elf-gcc", "riscv-none-elf-gcc"),
            ("-march=rv32imac", "-mabi=ilp32"),
            (("--specs=picolibc.specs",), ()),
        ),
        CompileTarget("generic", "any C99 compiler; figures are this machine's", ("cc", "gcc", "clang")),
    )
}


def get_compile_target(name: str) -> CompileTarget:
    """Raises Error for a name that there is not, with those that there are."""
    try:
        return COMPILE_TARGETS[name]
    except KeyError:
        raise Error(f"unknown target {name!r}: choose one of {', '.join(COMPILE_TARGETS)}") from None
