"""Names of a model as C: identifiers, comments, strings."""

from __future__ import annotations

import re

from xlite.schema.errors import Error

_WORDS = """
    auto break case char const continue default do double else enum extern float for goto if inline int long
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile
    while and asm bool catch class delete explicit export false friend mutable namespace new not operator or
    private protected public template this throw true try typeid typename using virtual main xlite
"""
_HEADERS = """
    assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdarg stdbool stddef
    stdint stdio stdlib string tgmath time wchar wctype
"""
_KEYWORDS = frozenset(_WORDS.split())
# What <prefix>.h and <prefix>.c would take the place of, on some file systems whatever its capitals.
_FILES = frozenset([*_HEADERS.split(), "main", "xlite"])
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


def check_prefix(prefix: str) -> str:
    """``prefix`` where every name that is made of it is one in C and C++, and neither a name of the kernels' own
    (``xl_run``, ``XL_API``) nor of a header. Raises Error."""
    plain = _IDENTIFIER.fullmatch(prefix) and "__" not in prefix and prefix not in _KEYWORDS
    small = prefix.lower()
    if not plain or small in _FILES or small == "xl" or small.startswith("xl_"):
        raise Error(
            f"the prefix {prefix!r} cannot begin C names: give a letter, then letters, digits and single "
            "underscores, 40 at most, no word of C or C++, no header of C and neither xl nor what begins with xl_"
        )
    return prefix


def is_function(name: str) -> bool:
    """Whether ``name`` can be a user's C function."""
    return bool(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", name)) and name not in _KEYWORDS


def identifier(name: str) -> str:
    """``conv1/kernel:sign`` -> ``conv1_kernel_sign``; never empty, not unique."""
    return re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9]", "_", name)).strip("_").lower()[:40] or "unnamed"


def comment(text: str) -> str:
    """Text that ends no comment and is plain ASCII, whatever a file's names hold."""
    shown = "".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in text).replace("\\", "/")
    return shown.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")[:80]


def string(text: str) -> str:
    """A C string literal of the UTF-8 bytes."""
    escaped = "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in text.encode())
    return f'"{escaped}"'
