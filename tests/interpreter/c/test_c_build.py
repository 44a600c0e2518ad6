"""Building the library: without a warning, as C++ sees the header, under sanitizers, and what a user is told."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interpreter.c.grid import EXACT
from xlite.interpreter.c import build
from xlite.interpreter.kernels.c.library import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[3]
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
pytestmark = [
    pytest.mark.skipif(not COMPILERS, reason="there is neither gcc nor clang here"),
    pytest.mark.skipif(EXACT in os.environ, reason="this is the inner run"),
]


def compiles(command) -> str:
    """The compiler's output; empty if it has nothing to say."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr + (f"exit status {done.returncode}" if done.returncode else "")


def runs_32_bit(compiler) -> bool:
    """Whether it has the headers of a 32-bit C library."""
    program = "#include <string.h>\nint main(void) { return 0; }"
    command = [compiler, "-m32", "-x", "c", "-", "-o", os.devnull]
    return subprocess.run(command, input=program, capture_output=True, text=True, check=False).returncode == 0


@pytest.mark.parametrize("flags", [(), ("-DXL_PORTABLE",), ("-m32",)], ids=["host", "portable", "32-bit"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_source_has_a_warning(compiler, flags):
    if flags == ("-m32",) and not runs_32_bit(compiler):
        pytest.skip(f"{compiler} has no 32-bit C library here")
    for source in build.sources():
        optimized = () if flags else ("-O2",)  # some warnings are found by the optimizer
        command = [compiler, *build.FLAGS, *build.STRICT, *flags, *build.include_flags(), "-O0", *optimized]
        assert compiles([*command, "-c", str(source), "-o", os.devnull]) == ""


@pytest.mark.parametrize("standard", ["c++11", "c++20"])
def test_header_is_cpp_too(tmp_path, standard):
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("there is no C++ compiler here")
    source = tmp_path / "use.cpp"
    source.write_text('#include "xlite.h"\nint main() { xl_op op = {}; op.run = xl_add_f32; return op.tag; }\n')
    strict = [flag for flag in build.STRICT if flag != "-Wstrict-prototypes"]
    command = [compiler, f"-std={standard}", *strict, f"-I{build.INCLUDE}", "-c", str(source), "-o", os.devnull]
    assert compiles(command) == ""


def test_nothing_of_the_core_changes_or_allocates(tmp_path):
    """No writable data and no outside function but those that the header allows, in all but host/: the
    clock, the threads and the choice of an instruction set are there."""
    if sys.platform != "linux" or shutil.which("nm") is None or shutil.which("objdump") is None:
        pytest.skip("reads ELF symbols with nm and objdump")
    core = [str(path) for path in build.sources() if path.parent.name != "host"]
    command = [COMPILERS[0], *build.FLAGS, *build.include_flags(), "-O1", "-fPIC", "-c", *core]
    subprocess.run(command, cwd=tmp_path, check=True)
    objects = sorted(map(str, tmp_path.glob("*.o")))
    assert len(objects) == len(core)
    sections = subprocess.run(["objdump", "-h", *objects], capture_output=True, text=True, check=True).stdout
    named = [line.split()[1:3] for line in sections.splitlines() if re.match(r"\s*\d+ \.(data|bss)", line)]
    # .data.rel.ro is for constants that hold addresses
    assert {name for name, size in named if int(size, 16)} <= {".data.rel.ro", ".data.rel.ro.local"}
    symbols = subprocess.run(["nm", "-g", *objects], capture_output=True, text=True, check=True).stdout.split("\n")
    kinds = [(line.split()[-2], line.split()[-1]) for line in symbols if len(line.split()) > 1]
    outside = {name for kind, name in kinds if kind == "U"} - {name for kind, name in kinds if kind != "U"}
    libm = {"expf", "expm1f", "logf", "log1pf", "tanhf", "erfcf", "sqrtf"}
    compilers_own = {"__cpu_model", "__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_"}
    assert outside - compilers_own <= {"memcpy", "memset", *libm}


def address_sanitizer() -> str | None:
    """The runtime to preload into Python, which was not compiled with it."""
    if sys.platform != "linux" or not shutil.which("gcc"):
        return None
    path = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=False)
    path = path.stdout.strip()
    return path if os.path.isabs(path) else None


VARIANTS = {"host": ((), ""), "portable": (("-DXL_PORTABLE",), "dot_products")}


@pytest.mark.parametrize(("flags", "tests"), VARIANTS.values(), ids=VARIANTS)
def test_sanitizers_find_nothing(tmp_path, flags, tests):
    """The sweep of test_c_kernels.py in a process whose library has AddressSanitizer and UBSan in it."""
    runtime = address_sanitizer()
    if runtime is None:
        pytest.skip("gcc has no AddressSanitizer here")
    checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O0"]
    library = build.build(tmp_path, [*checks, *flags], ["gcc"])
    environment = {
        **os.environ,
        ENVIRONMENT: str(library),
        EXACT: "1",
        "LD_PRELOAD": runtime,
        "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0",
        "PYTHONMALLOC": "malloc",
    }
    sweep = str(Path(__file__).with_name("test_c_kernels.py"))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-k",
        tests,
        sweep,
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_the_sanitizer_would_find_something(tmp_path):
    """The set-up of the test above sees a read behind an array, and one behind memory that Python allocated."""
    runtime = address_sanitizer()
    if runtime is None:
        pytest.skip("gcc has no AddressSanitizer here")
    source, library = tmp_path / "bad.c", tmp_path / "bad.so"
    source.write_text("int last(const int *p, int n) { return p[n]; }\n")
    command = ["gcc", "-shared", "-fPIC", "-fsanitize=address", str(source), "-o", str(library)]
    subprocess.run(command, check=True)
    code = (
        "import ctypes, sys, numpy as np; x = np.full(80, 0xA5, np.uint8);"
        "ctypes.CDLL(sys.argv[1]).last(ctypes.c_void_p(x.ctypes.data), 20)"
    )
    environment = {**os.environ, "LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    command = [sys.executable, "-c", code, str(library)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "heap-buffer-overflow" in done.stderr


class TestBuild:
    def test_no_compiler_is_a_sentence(self, monkeypatch, tmp_path, capsys):
        monkeypatch.setenv("CC", "no-such-compiler -m32")
        assert build.find_compiler() is None
        with pytest.raises(build.BuildError, match="'no-such-compiler -m32', which is not there"):
            build.build(tmp_path)
        assert build.main([str(tmp_path)]) == 1
        assert capsys.readouterr().err.startswith("error: no C compiler was found")

    def test_failure_shows_the_compilers_words_and_leaves_nothing(self, tmp_path):
        with pytest.raises(build.BuildError, match="no-such-option"):
            build.build(tmp_path, ["--no-such-option"])
        assert list(tmp_path.iterdir()) == []

    def test_builds_once(self, monkeypatch, tmp_path, capsys):
        library = tmp_path / build.LIBRARY_NAME
        assert not build.is_current(library)
        assert build.main([str(tmp_path), "--flags=-O0"]) == 0
        assert [path.name for path in tmp_path.iterdir()] == [build.LIBRARY_NAME]
        assert build.is_current(library)
        monkeypatch.setattr(build, "build", lambda *a, **k: pytest.fail("it is current"))
        assert build.main([str(tmp_path), "--if-stale"]) == 0
        os.utime(library, (0, 0))
        assert not build.is_current(library)

    def test_cc_may_hold_options(self, monkeypatch):
        monkeypatch.setenv("CC", f"{COMPILERS[0]} -pipe")
        assert build.find_compiler() == [COMPILERS[0], "-pipe"]
