"""The boards that QEMU emulates here: what they are compiled for, where their memory lies, how QEMU is told."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024


@dataclass(frozen=True)
class Region:
    origin: int
    size: int  # bytes


@dataclass(frozen=True)
class Board:
    """name: what tests and options call it. family: whose compiler, start-up and linker script. machine: QEMU's
    options that choose it. flags: of the compiler, the instruction set."""

    name: str
    core: str
    family: str  # "arm" or "riscv"
    machine: tuple[str, ...]
    flags: tuple[str, ...]
    flash: Region
    ram: Region

    @property
    def fpu(self) -> bool:
        return any(flag == "-mfloat-abi=hard" for flag in self.flags)


def _arm(name: str, core: str, flags: str, flash: Region, ram: Region) -> Board:
    options = ("-mthumb", *flags.split())
    return Board(name, core, "arm", ("-M", name), options, flash, ram)


def _riscv(name: str, core: str, machine: str, extensions: str, flash: Region, ram: Region) -> Board:
    options = (f"-march=rv32imac{extensions}", "-mabi=ilp32")
    return Board(name, core, "riscv", tuple(machine.split()), options, flash, ram)


_MPS2 = (Region(0x0, 4096 * KIB), Region(0x20000000, 4096 * KIB))
_VIRT = (Region(0x80000000, 4096 * KIB), Region(0x80400000, 4096 * KIB))  # all of it is RAM

BOARDS = (
    _arm("microbit", "Cortex-M0", "-mcpu=cortex-m0", Region(0x0, 256 * KIB), Region(0x20000000, 16 * KIB)),
    _arm("mps2-an385", "Cortex-M3", "-mcpu=cortex-m3", *_MPS2),
    _arm("mps2-an386", "Cortex-M4F", "-mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard", *_MPS2),
    _arm(
        "netduinoplus2",
        "Cortex-M4",
        "-mcpu=cortex-m4 -mfloat-abi=soft",
        Region(0x08000000, 1024 * KIB),
        Region(0x20000000, 128 * KIB),
    ),
    _arm("mps2-an500", "Cortex-M7", "-mcpu=cortex-m7 -mfpu=fpv5-sp-d16 -mfloat-abi=hard", *_MPS2),
    _arm(
        "mps2-an505",
        "Cortex-M33",
        "-mcpu=cortex-m33 -mfloat-abi=soft",
        Region(0x10000000, 4096 * KIB),
        Region(0x38000000, 4096 * KIB),
    ),
    _arm(
        "mps3-an547",
        "Cortex-M55",
        "-mcpu=cortex-m55 -mfloat-abi=hard",
        Region(0x0, 512 * KIB),
        Region(0x20000000, 512 * KIB),
    ),
    _riscv(
        "sifive_e",
        "RV32IMAC",
        "-M sifive_e",
        "",
        Region(0x20400000, 4096 * KIB),
        Region(0x80000000, 16 * KIB),
    ),
    _riscv("virt-rv32", "RV32IMAC", "-M virt -cpu rv32", "", *_VIRT),
    _riscv("virt-rv32-zbb", "RV32IMAC + Zbb", "-M virt -cpu rv32,zba=on,zbb=on", "_zba_zbb", *_VIRT),
)

# Code of a Cortex-M0 on a board with more memory than any M0 has, to compare what fits none: every instruction of
# it is one of the Cortex-M3 too, so that as many are executed.
LARGE_M0 = Board("mps2-an385-m0", "Cortex-M0", "arm", ("-M", "mps2-an385"), BOARDS[0].flags, *_MPS2)


def board(name: str) -> Board:
    return next(board for board in (*BOARDS, LARGE_M0) if board.name == name)
