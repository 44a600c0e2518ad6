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

# Opens a model and, where it is told to, runs it twice, with a mark around the second run. Prints JSON; "file" is
# what of the mapped file is in memory before the first run.
SCRIPT = """
import json, os, sys
import numpy as np
import xlite
from device import mark

interpreter = xlite.Interpreter("model.xlite", **json.loads(sys.argv[2]))
account = interpreter.account
found = {"rows": account.rows(), "total": account.total, "backends": interpreter.backends}
found["file"], inside = 0, False
with open("/proc/self/smaps") as maps:
    for line in maps:
        first, *rest = line.split()
        if "-" in first:  # addresses: a mapping begins
            inside = rest[-1].endswith("model.xlite")
        elif first == "Rss:" and inside:
            found["file"] += 1024 * int(rest[0])
if sys.argv[1] == "run":
    details = interpreter.get_input_details()[0]
    there = os.path.exists("image.npy")
    interpreter.set_tensor(0, np.load("image.npy") if there else np.ones(details["shape"], details["dtype"]))
    interpreter.invoke()
    mark(0)
    interpreter.invoke()
    mark(1)
    found["scores"] = interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tolist()
print(json.dumps(found))
"""


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
    **arguments: Any,
) -> tuple[dict[str, Any], Run]:
    """What the script says of the files, MODEL and perhaps IMAGE, and how it ended. what: ``run``, or ``open``.
    limit, count: as guest.run has them. arguments: of the Interpreter. Raises setup.Unavailable."""
    given = [what, json.dumps(arguments)]
    done = guest.run(SCRIPT, files, limit=limit, count=count, arguments=given).check()
    return json.loads(done.stdout), done


def measure(files: Mapping[str, Path], target: str = "pi-zero") -> Measured:
    """Both looks at the process. Raises setup.Unavailable."""
    (opened, before), (found, after) = run(files, "open", target=target), run(files, target=target)
    assert before.peak_rss is not None
    assert after.peak_rss is not None
    return Measured(dict(found["rows"]), before.peak_rss - opened["file"], after.peak_rss)


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
