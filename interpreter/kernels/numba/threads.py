"""Threads that share the work of one op.

numba's own (``prange``) are not used: they belong to the process, and its simplest threading layer ends the
process when two of Python's threads use it at once, as interpreters in several threads would. Compiled kernels
release the interpreter lock, so plain threads do, and what one thread runs needs no second compilation.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

# A piece of work, in a form for each thread, with scratch memory of its own.
Piece = Sequence[Callable[[], Any]]


def _closed_gate() -> Any:
    gate = threading.Lock()
    gate.acquire()
    return gate


@dataclass
class _Worker:
    """What a thread and the caller share. Opening ``start`` lets the thread take pieces until there are none; it
    opens ``done`` then. Without pieces (None) it ends."""

    start: Any = field(default_factory=_closed_gate)
    done: Any = field(default_factory=_closed_gate)
    pieces: Optional[deque[Piece]] = None
    error: Optional[BaseException] = None


class Threads:
    """``count`` threads, the caller's among them. They end with this object."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._workers: list[_Worker] = []
        self._process = 0

    def run(self, pieces: Sequence[Piece]) -> None:
        """Does all pieces, each in the thread that takes it first. Raises the first error of any."""
        if self._process != os.getpid():  # on first use, and in a process that was forked: threads stay behind
            self._begin()
        left = deque(pieces)
        busy = self._workers[: len(pieces) - 1]
        for worker in busy:
            worker.pieces = left
            worker.start.release()
        try:
            _take(left, 0)
        finally:
            for worker in busy:
                # One that has not started, because the machine has other work, is not waited for.
                if not worker.start.acquire(blocking=False):
                    worker.done.acquire()
        for worker in busy:
            if worker.error is not None:
                error, worker.error = worker.error, None
                raise error

    def _begin(self) -> None:
        self._process = os.getpid()
        self._workers = [_Worker() for _ in range(self.count - 1)]
        for i, worker in enumerate(self._workers):
            threading.Thread(target=_work, args=(worker, i + 1), daemon=True).start()
        weakref.finalize(self, _end, self._workers)


def _take(pieces: deque[Piece], thread: int) -> None:
    while True:
        try:
            piece = pieces.popleft()
        except IndexError:
            return
        piece[thread]()


def _work(worker: _Worker, thread: int) -> None:
    while True:
        worker.start.acquire()
        if worker.pieces is None:
            return
        try:
            _take(worker.pieces, thread)
        except BaseException as error:  # raised again by the caller
            worker.error = error
        worker.done.release()


def _end(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.pieces = None
        worker.start.release()
