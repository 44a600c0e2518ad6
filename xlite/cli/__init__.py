"""The ``xlite`` command: one small module a command; the logic lies in the packages that they call.

A command module holds one click command named ``command`` and imports what it works with when it runs, so that
``xlite --help`` costs nothing and ``xlite convert`` loads only what a conversion needs.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """The entry point: runs the command line and exits with its code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started this: what is printed goes nowhere
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  (for as long as the process runs)
    try:
        from xlite.cli.app import cli

        cli(prog_name="xlite")
    except KeyboardInterrupt:  # while modules were still being loaded; app.py has it from there
        sys.exit(130)
