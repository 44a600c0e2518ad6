"""Which files of the C library a program needs: those that define the functions it calls, those that define what
these call, and every header that they include.

The files are read, not compiled, since a machine that converts need not have a compiler. A definition begins at
the first column of a line, as all of the library's do, or is made by a macro whose use begins there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Optional

from xlite.interpreter.c.build import ROOT
from xlite.schema.errors import Error

# What generated code may be made of; instruction sets of computers, threads and register tiles are not.
FOLDERS = ("kernels", "lookup", "arch")
HEADER = "xlite.h"

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)
_MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)\(([^)]*)\)((?:.*\\\n)*.*)$", re.MULTILINE)
_PLAIN_MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+(xl_\w+)[ \t]*$", re.MULTILINE)
_DEFINITION = re.compile(
    r"^(?!static\b|typedef\b|extern\b)[a-zA-Z_][\w \t]*?[ \t*]+(xl_\w+)[ \t]*\(", re.MULTILINE
)
_DATA = re.compile(r"^(?:const )[\w \t]*?[ \t*]+(xl_\w+)[ \t]*(?:\[[^\]]*\])*[ \t]*=", re.MULTILINE)
_ASSEMBLED = re.compile(r"\.global[ \t]+(xl_\w+)")  # what a file's assembler defines
_DECLARATION = re.compile(r"^[a-zA-Z_][^;{}#=]*\)[ \t\n]*;", re.MULTILINE)
_USE = re.compile(r"^([A-Z][A-Z0-9_]*)\((.*)$", re.MULTILINE)
_NAME = re.compile(r"\bxl_\w+")


Unused = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class SourceFile:
    """name: without its folder; no two files of the library share one."""

    name: str
    path: Path
    text: str
    includes: tuple[str, ...]
    defines: frozenset[str]
    uses: frozenset[str]


@dataclass(frozen=True)
class Index:
    files: Mapping[str, SourceFile]
    definers: Mapping[str, tuple[str, ...]]  # function or table -> the files that define it, each on some core


def needed(functions: Iterable[str], unused: Optional[Unused] = None) -> list[SourceFile]:
    """The sources and headers, by name, of a program that refers to ``functions``. unused: by file, functions
    whose calls are compiled away. Raises Error for one that is not in the library."""
    index, unused = _index(ROOT), unused or {}
    wanted = [HEADER]
    for function in functions:
        if function not in index.definers:
            raise Error(f"the C library has no function {function}")
        wanted += index.definers[function]
    found: dict[str, SourceFile] = {}
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        file = found[name] = index.files[name]
        wanted += [include for include in file.includes if include in index.files]
        if name != HEADER:  # which declares everything and calls nothing
            uses = file.uses - unused.get(name, frozenset())
            wanted += [name for use in uses for name in index.definers.get(use, ())]
    return [found[name] for name in sorted(found)]


@lru_cache(maxsize=1)
def _index(root: Path) -> Index:
    paths = [root / "include" / HEADER]
    for folder in FOLDERS:
        paths += sorted((root / folder).glob("*.[ch]"))
    texts = {path.name: (path, path.read_text(encoding="utf-8")) for path in paths}
    macros: dict[str, tuple[list[str], str]] = {}
    for _, text in texts.values():
        macros.update(_macros(_bare(text)))
    files = {name: _read(name, path, text, macros) for name, (path, text) in texts.items()}
    definers: dict[str, tuple[str, ...]] = {}
    for name, file in files.items():
        for symbol in file.defines:
            definers[symbol] = (*definers.get(symbol, ()), name)
    return Index(files, definers)


def _bare(text: str) -> str:
    return _COMMENT.sub(" ", text)


def _macros(text: str) -> dict[str, tuple[list[str], str]]:
    """Macros with parameters, as (parameters, body)."""
    found = {}
    for name, parameters, body in _MACRO.findall(text):
        found[name] = [p.strip() for p in parameters.split(",")], body.replace("\\\n", "\n")
    return found


def _read(name: str, path: Path, text: str, macros: dict[str, tuple[list[str], str]]) -> SourceFile:
    bare = _bare(text)
    includes = tuple(_INCLUDE.findall(bare))
    plain = _STRING.sub('""', bare)
    code = re.sub(r"^[ \t]*#.*(?:\\\n.*)*$", "", plain, flags=re.MULTILINE)
    code = "\n".join([code, *(_expanded(macro, rest, macros) for macro, rest in _USE.findall(code))])
    code = re.sub(r"\bXL_KERNEL\((\w+)\)", r"xl_\1", code)
    code = _DECLARATION.sub("", code)
    defines: frozenset[str] = frozenset()
    if name.endswith(".c"):
        functions = (name for name in _DEFINITION.findall(code) if _has_body(code, name))
        defines = frozenset(functions) | frozenset(_DATA.findall(code)) | frozenset(_ASSEMBLED.findall(bare))
    uses = frozenset(_NAME.findall(code)) | frozenset(target for _, target in _PLAIN_MACRO.findall(plain))
    return SourceFile(name, path, text, includes, defines, uses)


def _expanded(macro: str, rest: str, macros: dict[str, tuple[list[str], str]]) -> str:
    """What ``macro(rest`` stands for, macros within it too; empty for what is no macro of the library."""
    if macro not in macros:
        return ""
    parameters, body = macros[macro]
    arguments = [a.strip() for a in rest.rpartition(")")[0].split(",", len(parameters) - 1)]
    for parameter, argument in zip(parameters, arguments):
        body = re.sub(rf"(?:##\s*)?\b{re.escape(parameter)}\b(?:\s*##)?", argument.replace("\\", r"\\"), body)
    body = "\n".join(line.strip() for line in body.splitlines())
    return "\n".join([body, *(_expanded(within, more, macros) for within, more in _USE.findall(body))])


def _has_body(code: str, symbol: str) -> bool:
    """Whether a definition, and not only a declaration, of ``symbol`` stands in ``code``."""
    return re.search(rf"^[a-zA-Z_][^;{{}}()]*\b{symbol}\s*\([^;{{}}]*\)\s*\{{", code, re.MULTILINE) is not None
