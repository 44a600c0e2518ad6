"""The command group: finds the commands, turns errors into sentences and Ctrl-C into a clean end."""

from __future__ import annotations

import importlib
from typing import Any, Optional

import click

from xlite.schema.errors import Error
from xlite.schema.version import __version__

# module under xlite.cli -> its command has the same name
COMMANDS = ("convert", "summary", "inspect", "run", "benchmark", "verify", "train", "compile")

INTERRUPTED = 130  # what a shell reports for a process that SIGINT ended


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

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Error as error:
            raise Failure(str(error)) from None
        except KeyboardInterrupt:
            click.echo("\nxlite: interrupted", err=True)
            ctx.exit(INTERRUPTED)


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`xlite COMMAND --help` shows each command's options and examples.",
)
@click.version_option(__version__, prog_name="xlite", message="%(prog)s %(version)s")
def cli() -> None:
    """Packs Keras networks with binary weights and activations, and runs them with XNOR and popcount."""
