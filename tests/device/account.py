"""python -m tests.device.account FILE...: what .xlite files take on an emulated Pi Zero, beside their account.

A process is looked at twice: once it has opened the file and knows the account, but has allocated nothing; and
once it has run the network. What the first takes, but for pages of the file, is Python's, numpy's and the
library's; with the account it is to be what the second takes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from tests.device import guest
from tests.device.guest import Run

TOLERANCE = 0.05  # of the peak
MIB = 1 << 20
MODEL, IMAGE = "model.xlite", "image.npy"  # as the script finds them; without an image it takes ones

# Opens a model and, where it is told to, runs it twice, with a mark around the second run. Prints JSON; "before"
# and "after" are what is resident before anything is allocated and after the runs: of the guest, and of its file.
# Of other files, those of Python and the library, only what was written counts: how many of their pages the kernel
# maps along with the one that is read depends on what it has in its cache.
SCRIPT = """
import json, os, sys
import numpy as np
import xlite
from device import mark

text = bytearray(b" ") * (1 << 20)

def resident():
    # Nothing is allocated while it is read: the kernel gives it piece by piece, and a mapping that grows in
    # between is listed twice.
    size, file = 0, os.open("/proc/self/smaps", os.O_RDONLY)
    view = memoryview(text)
    while read := os.readv(file, [view[size:]]):
        size += read
    os.close(file)
    guest = file = at = 0
    while at < size:  # line by line, so that no memory is left over for what is measured
        end = text.index(b"\\n", at)
        first, *rest = text[at:end].split()
        at = end + 1
        if b"-" in first:  # addresses: a mapping begins; above 4 GiB it is qemu's own
            below, inside = int(first.partition(b"-")[0], 16) < 1 << 32, rest[-1].endswith(b"model.xlite")
        elif below and first == (b"Rss:" if inside else b"Anonymous:"):
            guest += 1024 * int(rest[0])
            file += 1024 * int(rest[0]) * inside
    return guest, file

interpreter = xlite.Interpreter("model.xlite", **json.loads(sys.argv[2]))
account = interpreter.account
found = {"rows": account.rows(), "total": account.total, "backends": interpreter.backends}
resident()  # what reading it takes is there from now on
found["before"] = resident()
if sys.argv[1] == "run":
    details = interpreter.get_input_details()[0]
    there = os.path.exists("image.npy")
    interpreter.set_tensor(0, np.load("image.npy") if there else np.ones(details["shape"], details["dtype"]))
    interpreter.invoke()
    mark(0)
    interpreter.invoke()
    mark(1)
    found["after"] = resident()
    found["scores"] = interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tolist()
print(json.dumps(found))
"""


# Has glibc map what is larger, so that none of it lies in memory that the process had and was free.
_ANEW = {"MALLOC_MMAP_THRESHOLD_": "4096"}


@dataclass(frozen=True)
class Measured:
    """Bytes. account: by kind, in the order of its rows; python: of the process before it allocates, without
    the file; peak: of the whole process, once it has run."""

    account: Mapping[str, int]
    python: int
    peak: int

    @property
    def expected(self) -> int:
        return sum(self.account.values()) + self.python

    @property
    def difference(self) -> float:
        """How much more the process took than was expected, as a share of that."""
        return (self.peak - self.expected) / self.expected


def run(
    files: Mapping[str, Path],
    what: str = "run",
    *,
    limit: Optional[int] = None,
    count: bool = False,
    environment: Optional[Mapping[str, str]] = None,
    **arguments: Any,
) -> tuple[dict[str, Any], Run]:
    """What the script says of the files, MODEL and perhaps IMAGE, and how it ended. what: ``run``, or ``open``.
    limit, count, environment: as guest.run has them. arguments: of the Interpreter. Raises setup.Unavailable."""
    given = [what, json.dumps(arguments)]
    done = guest.run(SCRIPT, files, limit=limit, count=count, arguments=given, environment=environment).check()
    return json.loads(done.stdout), done


def measure(files: Mapping[str, Path], target: str = "pi-zero") -> Measured:
    """Both looks at the process. Raises setup.Unavailable."""
    (opened, before), (found, after) = run(files, "open", target=target), run(files, target=target)
    assert before.peak_rss is not None
    assert after.peak_rss is not None
    return Measured(dict(found["rows"]), before.peak_rss - opened["before"][1], after.peak_rss)


def unexplained(files: Mapping[str, Path], target: str = "pi-zero") -> int:
    """Bytes that come into memory with a model beyond its account. Raises setup.Unavailable."""
    found, _ = run(files, environment=_ANEW, target=target)
    (guest, file), (after, _) = found["before"], found["after"]
    return after - (guest - file) - found["total"]


def table(found: Mapping[str, Measured]) -> str:
    """Markdown, in KiB."""
    kinds = list(dict.fromkeys(kind for each in found.values() for kind, size in each.account.items() if size))
    head = ["KiB", *kinds, "Python", "sum", "measured", "difference"]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for name, each in found.items():
        sizes = [each.account.get(kind, 0) for kind in kinds]
        figures = [*sizes, each.python, each.expected, each.peak]
        rows.append([name, *(f"{size / 1024:,.0f}" for size in figures), f"{100 * each.difference:+.1f} %"])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.device.account", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args()
    print(table({path.stem: measure({MODEL: path}) for path in options.files}))


if __name__ == "__main__":
    main()
