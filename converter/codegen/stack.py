"""The deepest stack of a program, from what gcc writes about each function with -fcallgraph-info=su."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

# Functions that the compiler has no figure for: the C library's, and loops in assembler. The largest of ours saves
# all registers and a few values.
UNKNOWN = 64
_INDIRECT = "__indirect_call"
_NODE = re.compile(r'node: \{ title: "([^"]*)" label: "[^"]*?(?:\\n(\d+) bytes[^"]*)?"')
_EDGE = re.compile(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"')


@dataclass
class CallGraph:
    """sizes: bytes of stack by function; calls: functions by who calls them. Functions of one file alone are
    called ``file.c:name``."""

    sizes: dict[str, int] = field(default_factory=dict)
    calls: dict[str, set[str]] = field(default_factory=dict)


def read_call_graph(texts: Iterable[str]) -> CallGraph:
    """texts: of the .ci files of all sources."""
    graph = CallGraph()
    for text in texts:
        for name, size in _NODE.findall(text):
            if size:
                graph.sizes[name] = int(size)
        for caller, called in _EDGE.findall(text):
            graph.calls.setdefault(caller, set()).add(called)
    return graph


def deepest(graph: CallGraph, linked: set[str], entry: str) -> int:
    """Bytes of the deepest path from ``entry``; -1 where there is no figure for it. linked: functions of the
    program. A call through a pointer may reach any of them that nobody calls by name."""
    if entry not in graph.sizes:
        return -1
    here = {name for name in graph.sizes if name.rpartition(":")[2] in linked}
    called = {name for caller in here for name in graph.calls.get(caller, ())}
    pointed = {name for name in here - called if name != entry}

    def depth(name: str, above: frozenset[str]) -> int:
        if name in above:  # no kernel calls itself: a pointer that cannot be meant
            return 0
        targets = pointed if name == _INDIRECT else graph.calls.get(name, set())
        own = graph.sizes.get(name, 0 if name == _INDIRECT else UNKNOWN)
        return own + max((depth(target, above | {name}) for target in targets), default=0)

    return depth(entry, frozenset())
