"""Memory control groups of Linux, version 1 and 2: a process that needs more than the limit is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.device.setup import Unavailable

SYSTEM = Path("/sys/fs/cgroup")
_ENTER = 'echo $$ > "$0"/cgroup.procs && exec "$@"'


@dataclass(frozen=True)
class Group:
    """A control group of its own for one command."""

    folder: Path
    peak_file: str

    def wrap(self, command: Sequence[str]) -> list[str]:
        """``command`` as one that enters the group first."""
        return ["/bin/sh", "-c", _ENTER, str(self.folder), *command]

    def peak(self) -> int:
        """The most bytes that were in use at once."""
        return int((self.folder / self.peak_file).read_text())


@contextmanager
def memory_group(limit: int) -> Iterator[Group]:
    """A group with at most ``limit`` bytes, gone afterwards. Raises Unavailable where none can be made."""
    if os.geteuid() != 0:
        raise Unavailable("memory control groups need root")
    first = (SYSTEM / "memory").is_dir()
    folder = (SYSTEM / "memory" if first else SYSTEM) / f"xlite-{os.getpid()}"
    limit_file = "memory.limit_in_bytes" if first else "memory.max"
    try:
        folder.mkdir()
    except OSError as error:
        raise Unavailable(f"a memory control group cannot be made here: {error}") from error
    try:
        try:
            (folder / limit_file).write_text(str(limit))
        except OSError as error:
            raise Unavailable(f"a memory control group takes no limit here: {error}") from error
        yield Group(folder, "memory.max_usage_in_bytes" if first else "memory.peak")
    finally:
        folder.rmdir()


def main() -> None:
    """python -m tests.device.groups MIB COMMAND...: runs a command under a limit."""
    with memory_group(int(sys.argv[1]) << 20) as group:
        code = subprocess.run(group.wrap(sys.argv[2:]), check=False).returncode
        print(f"peak {group.peak() / 2**20:.1f} MiB", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
