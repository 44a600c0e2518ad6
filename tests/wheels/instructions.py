"""Which instructions a library for 32-bit Arm holds, and which of them an ARM1176JZF-S does not have.

Two judges that know nothing of each other: capstone, which names the group of each instruction, and qemu's decoder
for that processor, which unicorn carries: it executes every instruction once, wherever that leads, and says which
it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import capstone
import unicorn
from capstone import arm
from elftools.elf.elffile import ELFFile
from unicorn import arm_const

# ARMv6K in ARM state and VFPv2. A group outside is of something newer.
_GROUPS = {
    arm.ARM_GRP_V4T,
    arm.ARM_GRP_V5T,
    arm.ARM_GRP_V5TE,
    arm.ARM_GRP_V6,
    arm.ARM_GRP_VFP2,
    arm.ARM_GRP_DPVFP,
    arm.ARM_GRP_FPVMLX,  # vmla and its like, which are of VFPv2
    arm.ARM_GRP_MULOPS,
    arm.ARM_GRP_ARM,
    arm.ARM_GRP_PREV8,
    arm.ARM_GRP_PRIVILEGE,  # mcr, among others the barriers of ARMv6
    arm.ARM_GRP_JUMP,
    arm.ARM_GRP_CALL,
    arm.ARM_GRP_INT,
    arm.ARM_GRP_BRANCH_RELATIVE,
}
_ARMV6K = {"clrex"}  # capstone counts it as ARMv7
# Newer ones that capstone puts into no group of their own.
_NEWER = ("sdiv", "udiv", "ldrht", "ldrsht", "ldrsbt", "strht", "vcvtb", "vcvtt", "crc32", "bfc", "hvc", "smc")
_SECOND_HALF = {getattr(arm, f"ARM_REG_D{number}") for number in range(16, 32)}  # of VFPv3's registers
_MEMORY, _CODE = 0x10000, 0x1000


def code(path: Path) -> bytes:
    """The bytes of all executable sections."""
    with open(path, "rb") as file:
        return b"".join(section.data() for section in _executable(ELFFile(file)))


def words(path: Path) -> Iterator[tuple[int, bytes]]:
    """(address, 4 bytes) of each instruction in a library with symbols, from which it tells code from the data
    between it. Raises ValueError if some of it is Thumb code, or is not covered by symbols."""
    with open(path, "rb") as file:
        elf = ELFFile(file)
        for section, kinds in ((section, _kinds(elf, section)) for section in _executable(elf)):
            content, start = section.data(), section["sh_addr"]
            edges = [*kinds, (start + len(content), "$d")]
            if section.name != ".plt" and (not kinds or kinds[0][0] != start):
                raise ValueError(f"{path.name}: nothing says what {section.name} begins with")
            if any(kind == "$t" for _, kind in kinds):
                raise ValueError(f"{path.name}: {section.name} holds Thumb code")
            for (begin, kind), (end, _) in zip(edges, edges[1:]):
                for at in range(begin, end if kind == "$a" else begin, 4):
                    yield at, content[at - start : at - start + 4]


def functions_of(path: Path, source: str) -> list[range]:
    """The addresses of the functions that come from a source file of this name, in a library with symbols."""
    found, file_name = [], ""
    with open(path, "rb") as file:
        for symbol in ELFFile(file).get_section_by_name(".symtab").iter_symbols():
            kind = symbol["st_info"]["type"]
            if kind == "STT_FILE":
                file_name = symbol.name
            elif kind == "STT_FUNC" and file_name == source:
                found.append(range(symbol["st_value"], symbol["st_value"] + symbol["st_size"]))
    return found


def _executable(elf: ELFFile) -> list:
    return [section for section in elf.iter_sections() if section["sh_flags"] & 4]


def _kinds(elf: ELFFile, section) -> list[tuple[int, str]]:
    """Mapping symbols: (address, $a for ARM code, $t for Thumb code, $d for data), in order."""
    symbols = elf.get_section_by_name(".symtab").iter_symbols()
    found = {(symbol["st_value"], symbol.name[:2]) for symbol in symbols if symbol.name[:2] in ("$a", "$t", "$d")}
    end = section["sh_addr"] + section["sh_size"]
    return sorted((at, kind) for at, kind in found if section["sh_addr"] <= at < end)


class Named:
    """capstone's judgement."""

    def __init__(self) -> None:
        self._reader = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_ARM)
        self._reader.detail = True

    def newer(self, word: bytes, address: int = 0) -> str:
        """The instruction's text if an ARM1176 does not have it, else an empty string."""
        found = list(self._reader.disasm(word, address))
        if not found:
            return f"unknown {word.hex()}"
        instruction = found[0]
        text = f"{instruction.mnemonic} {instruction.op_str}"
        if instruction.mnemonic in _ARMV6K:
            return ""
        if instruction.mnemonic.startswith(_NEWER) or not instruction.groups or set(instruction.groups) - _GROUPS:
            return text
        fixed_point = instruction.mnemonic.startswith("vcvt") and "#" in instruction.op_str
        return text if _registers(instruction) & _SECOND_HALF or fixed_point else ""

    def is_neon(self, word: bytes) -> bool:
        """Whether it takes NEON, or registers that VFPv3 with 16 of them does not have."""
        found = list(self._reader.disasm(word, 0))
        return bool(found) and (arm.ARM_GRP_NEON in found[0].groups or bool(_registers(found[0]) & _SECOND_HALF))


def _registers(instruction: capstone.CsInsn) -> set[int]:
    return {operand.reg for operand in instruction.operands if operand.type == arm.ARM_OP_REG}


class Executed:
    """qemu's judgement."""

    def __init__(self) -> None:
        self._machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_ARM)
        self._machine.ctl_set_cpu_model(arm_const.UC_CPU_ARM_1176)
        self._machine.mem_map(0, 2 * _MEMORY)
        # Coprocessors 10 and 11, the floating-point unit, are off after a reset.
        access = self._machine.reg_read(arm_const.UC_ARM_REG_C1_C0_2)
        self._machine.reg_write(arm_const.UC_ARM_REG_C1_C0_2, access | 0xF << 20)
        self._machine.reg_write(arm_const.UC_ARM_REG_FPEXC, 1 << 30)

    def newer(self, word: bytes) -> bool:
        """Whether the processor does not know the instruction. Where it jumps to, or that it finds no memory, does
        not matter."""
        self._machine.mem_write(_CODE, word)
        self._machine.ctl_remove_cache(_CODE, _CODE + 4)
        for number in range(13):
            self._machine.reg_write(arm_const.UC_ARM_REG_R0 + number, _MEMORY)
        self._machine.reg_write(arm_const.UC_ARM_REG_SP, _MEMORY)
        self._machine.reg_write(arm_const.UC_ARM_REG_CPSR, 0xD3)  # ARM state, privileged
        try:
            self._machine.emu_start(_CODE, _CODE + 4, count=1)
        except unicorn.UcError as error:
            return error.errno == unicorn.UC_ERR_INSN_INVALID
        return False
