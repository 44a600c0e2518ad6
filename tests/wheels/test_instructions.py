"""The libraries hold no instruction that the oldest machine they are for does not have: by disassembly, and by
executing each on an emulated ARM1176. What finds nothing in the library finds each of those that are planted."""

from __future__ import annotations

import subprocess

import pytest

pytest.importorskip("ziglang", reason="the extra 'wheels' is not installed")
pytest.importorskip("capstone", reason="the extra 'wheels' is not installed")
pytest.importorskip("unicorn", reason="the extra 'wheels' is not installed")

from tests.wheels import building, instructions
from tools.wheels import cross
from tools.wheels.targets import ARMV6L, ARMV6L_SOFTFP, ARMV7L, Library

# What an ARM1176 traps on, and what it has, each as assembled for a newer machine.
NEWER = (
    "movw r0, #1",
    "movt r0, #1",
    "ubfx r0, r1, #2, #3",
    "bfi r0, r1, #2, #3",
    "bfc r0, #2, #3",
    "rbit r0, r1",
    "mls r0, r1, r2, r3",
    "sdiv r0, r1, r2",
    "udiv r0, r1, r2",
    "dmb ish",
    "isb",
    "pldw [r0]",
    "crc32b r0, r1, r2",
    "lda r0, [r1]",
    "vmov.f32 s0, #1.0",
    "vmov.f64 d0, #1.0",
    "vadd.f64 d16, d17, d18",
    "vldr d16, [r0]",
    "vcvtb.f32.f16 s0, s1",
    "vcvt.s32.f32 s0, s0, #3",
    "vfma.f32 s0, s1, s2",
    "vrintz.f32 s0, s1",
    "vadd.i32 q0, q1, q2",
    "vcnt.8 d0, d1",
    "veor d0, d1, d2",
    "vmov.i32 q0, #0",
    "vdup.32 q0, r0",
    "vld1.8 {d0}, [r0]",
)
UNSEEN = ("ldrht r0, [r1], #2", "strht r0, [r1], #2")  # newer ones that the emulated processor takes all the same
OLD = (
    "add r0, r1, r2, lsl #3",
    "ldm r0!, {r1-r9}",
    "ldrd r2, r3, [r0]",
    "pld [r0, #64]",
    "clz r0, r1",
    "rev r0, r1",
    "uxtb r0, r1",
    "usada8 r0, r1, r2, r3",
    "uadd8 r0, r1, r2",
    "umaal r0, r1, r2, r3",
    "smlad r0, r1, r2, r3",
    "pkhbt r0, r1, r2",
    "sel r0, r1, r2",
    "ssat r0, #8, r1",
    "ldrex r0, [r1]",
    "ldrexb r0, [r1]",
    "nop",
    "bx lr",
    "blx r0",
    "mcr p15, 0, r0, c7, c10, 5",
    "vadd.f32 s0, s1, s2",
    "vmla.f32 s0, s1, s2",
    "vmla.f64 d0, d1, d2",
    "vldmia r0!, {s0-s3}",
    "vcvt.f32.s32 s0, s0",
    "vsqrt.f32 s0, s1",
    "vmov d0, r0, r1",
    "vmrs APSR_nzcv, fpscr",
)
NEWEST = Library("newest", ARMV7L.triple, "cortex_a53")


def assemble(text: str, folder) -> bytes:
    """The four bytes of one instruction."""
    source, made = folder / "one.s", folder / "one.o"
    source.write_text(f".syntax unified\n.arm\n.arch_extension crc\n{text}\n")
    subprocess.run([*cross.compiler(NEWEST), "-c", str(source), "-o", str(made)], check=True)
    return instructions.code(made)[:4]


@pytest.fixture(scope="module")
def assembled(tmp_path_factory) -> dict[str, bytes]:
    cross.use_cache()
    folder = tmp_path_factory.mktemp("assembled")
    return {text: assemble(text, folder) for text in (*NEWER, *UNSEEN, *OLD)}


@pytest.mark.parametrize("text", NEWER)
def test_the_judges_know_newer_instructions(assembled, text):
    assert instructions.Named().newer(assembled[text])
    assert instructions.Executed().newer(assembled[text])


@pytest.mark.parametrize("text", UNSEEN)
def test_one_judge_knows_what_the_other_does_not(assembled, text):
    assert instructions.Named().newer(assembled[text])


@pytest.mark.parametrize("text", OLD)
def test_the_judges_let_old_instructions_pass(assembled, text):
    assert not instructions.Named().newer(assembled[text])
    assert not instructions.Executed().newer(assembled[text])


def newer_ones(path) -> list[str]:
    """What either judge finds, with the address."""
    named, executed, known = instructions.Named(), instructions.Executed(), {}
    found = []
    for address, word in instructions.words(path):
        if word not in known:
            known[word] = named.newer(word) or (f"executed {word.hex()}" if executed.newer(word) else "")
        if known[word]:
            found.append(f"{address:#x}: {known[word]}")
    return found


@pytest.mark.parametrize("library", [ARMV6L, ARMV6L_SOFTFP], ids=lambda library: library.name)
def test_the_library_for_armv6_holds_nothing_newer(library):
    path = building.library_with_symbols(library)
    assert sum(1 for _ in instructions.words(path)) > 10_000
    assert newer_ones(path) == []


@pytest.mark.parametrize("library", [ARMV6L, ARMV6L_SOFTFP], ids=lambda library: library.name)
def test_what_was_disassembled_is_what_is_shipped(library):
    shipped = cross.build_library(library, building.BUILD / library.name)
    assert instructions.code(shipped) == instructions.code(building.library_with_symbols(library))


@pytest.mark.parametrize("planted", ["movw r0, #1", "vadd.i32 q0, q1, q2"])
def test_a_planted_instruction_is_found(assembled, tmp_path, planted):
    content = bytearray(building.library_with_symbols(ARMV6L).read_bytes())
    words = list(instructions.words(building.library_with_symbols(ARMV6L)))
    eights = (words[first : first + 8] for first in range(len(words) // 2, len(words) - 8))
    middle = next(eight for eight in eights if eight[-1][0] - eight[0][0] == 28)  # no data between them
    at = content.index(b"".join(word for _, word in middle))
    content[at : at + 4] = assembled[planted]
    path = tmp_path / "planted.so"
    path.write_bytes(content)
    assert len(newer_ones(path)) == 1
    assert planted.split()[0] in newer_ones(path)[0]


def test_thumb_code_is_refused(tmp_path):
    source, path = tmp_path / "thumb.c", tmp_path / "thumb.so"
    source.write_text('__attribute__((target("thumb"))) int f(int x) { return x + 1; }\n')
    command = [*cross.compiler(ARMV7L), "-O2", "-shared", "-nostdlib", str(source), "-o", str(path)]
    subprocess.run(command, check=True)
    with pytest.raises(ValueError, match="Thumb"):
        list(instructions.words(path))


@pytest.mark.parametrize("source", ["arm_neon.c", "arm_neon_f32.c"])
def test_the_library_for_armv7_holds_tiles_for_neon(source):
    path, reader = building.library_with_symbols(ARMV7L), instructions.Named()
    places = instructions.functions_of(path, source)
    inside = [word for at, word in instructions.words(path) if any(at in place for place in places)]
    assert sum(map(reader.is_neon, inside)) > 50


def test_the_library_for_armv7_has_neon_in_the_files_for_it_alone():
    """A machine without NEON runs all the others."""
    path, reader = building.library_with_symbols(ARMV7L), instructions.Named()
    own = [place for name in ("arm_neon.c", "arm_neon_f32.c") for place in instructions.functions_of(path, name)]
    outside = [(at, word) for at, word in instructions.words(path) if not any(at in place for place in own)]
    assert len(outside) > 10_000
    assert [hex(at) for at, word in outside if reader.is_neon(word)] == []
