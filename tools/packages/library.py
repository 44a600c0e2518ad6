"""The sources of the package: those of the C library that a microcontroller can use, in a tree that needs one
include path.

Build systems of boards know one include folder. In the library's own build every folder is one, so that files name
each other's headers without folders; here each such name becomes the path from the file that names it.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from xlite.interpreter.c.build import ROOT

SOURCE = "src"
_FOLDERS = ("kernels", "lookup", "arch", "runtime", "runtime/entries")
_INCLUDE = re.compile(r'^([ \t]*#[ \t]*include[ \t]+)"([^"]+)"', re.MULTILINE)
_SMALL = "#define XL_SMALL 0\n"
_SMALL_ON_BOARDS = """#if defined(ARDUINO) || defined(ESP_PLATFORM) || defined(__ZEPHYR__)
#define XL_SMALL 1
#else
#define XL_SMALL 0
#endif
"""


def library_files() -> dict[str, str]:
    """Path in the package -> text. ``src/xlite.h`` is what programs include."""
    found = {f"{SOURCE}/xlite.h": (ROOT / "include" / "xlite.h").read_text(encoding="utf-8")}
    for folder in _FOLDERS:
        for path in sorted((ROOT / folder).glob("*.[ch]")):
            text = path.read_text(encoding="utf-8")
            if folder != "arch" or _is_of_a_core(path, text):
                found[f"{SOURCE}/xlite/{folder}/{path.name}"] = text
    headers = {posixpath.basename(path): path for path in found if path.endswith(".h")}
    if len(headers) != sum(path.endswith(".h") for path in found):
        raise SystemExit("two headers of the C library share a name: includes of it cannot be told apart")
    package = {path: _with_paths(path, text, headers) for path, text in found.items()}
    trim = headers["trim.h"]
    if _SMALL not in package[trim]:
        raise SystemExit("trim.h has no default of XL_SMALL: tools/packages must follow it")
    package[trim] = package[trim].replace(_SMALL, _SMALL_ON_BOARDS)
    return package


def _is_of_a_core(path: Path, text: str) -> bool:
    """Instruction sets of computers, which are chosen at run time, stay out."""
    return path.name in ("core.h", "armv6.h") or '#include "core.h"' in text


def _with_paths(path: str, text: str, headers: dict[str, str]) -> str:
    def relative(found: re.Match[str]) -> str:
        if found[2] not in headers:
            raise SystemExit(f"{path} includes {found[2]}, which the package has not")
        return f'{found[1]}"{posixpath.relpath(headers[found[2]], posixpath.dirname(path))}"'

    return _INCLUDE.sub(relative, text)
