"""How much memory an emulated program uses, apart from what the emulator uses itself.

qemu gives a program of 32 bits the lowest 4 GiB of its own addresses, and keeps its own memory above them. The
kernel says of each mapping how much of it is in memory, so the sum over those below is what the guest would use on
a computer of its own. It is read again and again: a peak that lasts less than the time between two readings is
missed.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Optional

GUEST_END = (1 << 32) + (1 << 16)
SECONDS_BETWEEN = 0.02


@dataclass(frozen=True)
class Resident:
    """Bytes in memory: the guest's and the emulator's own."""

    guest: int
    emulator: int


def resident(pid: int) -> Optional[Resident]:
    """Of one process now; None if there is no such process any more."""
    guest = emulator = 0
    below = False
    try:
        with open(f"/proc/{pid}/smaps", "rb") as file:
            for line in file:
                if line.startswith(b"Rss:"):
                    if below:
                        guest += int(line.split()[1]) * 1024
                    else:
                        emulator += int(line.split()[1]) * 1024
                elif line[:1] in b"0123456789abcdef":
                    below = int(line.partition(b"-")[0], 16) < GUEST_END
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Resident(guest, emulator)


class Sampler:
    """Watches a process while the ``with`` block runs. ``peak``: the most of each that was seen."""

    def __init__(self, pid: int) -> None:
        self.peak = Resident(0, 0)
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set():
            now = resident(self._pid)
            if now is None:
                return
            self.peak = Resident(max(self.peak.guest, now.guest), max(self.peak.emulator, now.emulator))
            self._stop.wait(SECONDS_BETWEEN)
