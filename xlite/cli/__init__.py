"""The ``xlite`` command: one small module a command; the logic lies in the packages that they call.

A command module holds one click command named ``command`` and imports what it works with when it runs, so that
``xlite --help`` costs nothing and ``xlite convert`` loads only what a conversion needs.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point: runs the command line and exits with its code."""
    try:
        from xlite.cli.app import cli

        cli(prog_name="xlite")
    except KeyboardInterrupt:  # while modules were still being loaded; app.py has it from there
        sys.exit(130)
