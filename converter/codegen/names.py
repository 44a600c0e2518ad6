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
_KEYWORDS = frozenset(_WORDS.split())
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


def check_prefix(prefix: str) -> str:
    """``prefix`` where every name that is made of it is one in C and C++. Raises Error."""
    if not _IDENTIFIER.fullmatch(prefix) or "__" in prefix or prefix.startswith("xl_") or prefix in _KEYWORDS:
        raise Error(
            f"the prefix {prefix!r} cannot begin C names: give a letter, then letters, digits and single "
            "underscores, 40 at most, no word of C or C++ and nothing that begins with xl_"
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
