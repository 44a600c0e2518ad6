"""The command group: finds the commands, turns errors into sentences and Ctrl-C into a clean end."""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, Optional

import click

from xlite.schema.errors import Error
from xlite.schema.version import __version__

# module under xlite.cli -> its command has the same name
COMMANDS = ("convert", "summary", "inspect", "run", "benchmark", "verify", "train", "compile")

INTERRUPTED = 130  # what a shell reports for a process that SIGINT ended

_FULL = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))  # what only a write can meet


class Failure(click.ClickException):
    """An :class:`xlite.Error` on its way out: its message on stderr, exit code 1, no traceback."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(f"xlite: {self.format_message()}", file=file, err=file is None)


class CommandGroup(click.Group):
    """Loads a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> Optional[click.Command]:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"xlite.cli.{cmd_name}").command
        return command

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with failures_as_sentences():  # --help and --version print here
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with failures_as_sentences():
                try:
                    return super().invoke(ctx)
                finally:
                    sys.stdout.flush()  # what cannot be written fails here, not when Python ends
        except KeyboardInterrupt:
            click.echo("\nxlite: interrupted", err=True)
            ctx.exit(INTERRUPTED)


@contextlib.contextmanager
def failures_as_sentences() -> Iterator[None]:
    """Turns what a user can cause into a :class:`Failure`: a mistake, a full disk, too little memory."""
    try:
        yield
    except Error as error:
        raise Failure(str(error)) from None
    except BrokenPipeError:  # whoever read the output has enough of it; click ends in silence
        raise
    except OSError as error:
        raise Failure(_sentence(error)) from None
    except MemoryError as error:
        amount = f" ({error})" if str(error) else ""
        raise Failure(f"there is not enough memory{amount}; take fewer samples at a time") from None


def _sentence(error: OSError) -> str:
    """What the system refused, of which file where it says that."""
    reason = (error.strerror or str(error)).lower()
    if error.filename is not None:
        return f"{error.filename}: {reason}"
    _drop_output()
    return f"{'the output cannot be written' if error.errno in _FULL else 'reading or writing failed'}: {reason}"


def _drop_output() -> None:
    """Sends what is left of the output nowhere, which Python would try to write once more at its end."""
    with contextlib.suppress(io.UnsupportedOperation):  # a stream that is no file fails neither now nor then
        number = sys.stdout.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`xlite COMMAND --help` shows each command's options and examples.",
)
@click.version_option(__version__, prog_name="xlite", message="%(prog)s %(version)s")
def cli() -> None:
    """Packs Keras networks with binary weights and activations, and runs them with XNOR and popcount."""
