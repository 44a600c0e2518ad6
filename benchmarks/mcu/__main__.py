"""``python -m benchmarks.mcu``: the command line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Optional

import click

from benchmarks.mcu import rows, table
from tests.mcu.toolchain import BUILT, EMULATOR, PREFIX, missing
from xlite.schema import load_model


@click.command()
@click.option("--model", type=click.Path(exists=True, path_type=Path), help="A .xlite file in place of the demo.")
@click.option("--only", metavar="TEXT", help="Networks alone, with TEXT in the row; the others stay as they were.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), default=BUILT / "results.json")
@click.option("--markdown", type=click.Path(exists=True, path_type=Path), help="A document with a place for it.")
def main(model: Optional[Path], only: Optional[str], json_path: Path, markdown: Optional[Path]) -> None:
    """Counts instructions and bytes on emulated microcontrollers: inner loops, convolutions, the demo network
    binary and in float32; or one network of yours. Every run's outputs are compared with the Python
    interpreter's."""
    reason = missing("arm")
    if reason:
        raise click.ClickException(reason)

    def say(text: str) -> None:
        click.echo(text, err=True)

    tools = {"compiler": f"{PREFIX['arm']}gcc", "emulator": EMULATOR["arm"]}
    found: dict[str, Any] = {name: _version(command) for name, command in tools.items()}
    if only is not None:
        if not json_path.is_file():
            raise click.ClickException(f"{json_path} has no rows to keep: run without --only first")
        kept = json.loads(json_path.read_text(encoding="utf-8"))
        found = {**kept, **found}
        found["networks"] = merged(kept["networks"], rows.networks(None, "", say, only))
        found["sizes"] = rows.sizes(say)
    elif model is None:
        found["inner_loops"] = rows.inner_loops(say)
        found["convolutions"] = rows.convolutions(say)
        found["networks"] = rows.networks(None, "", say)
        found["sizes"] = rows.sizes(say)
    else:
        found["networks"] = rows.networks(load_model(model), model.name, say)
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = table.markdown(found)
    click.echo(text)
    if markdown is not None:
        try:
            table.write(markdown, text)
        except ValueError as error:
            raise click.ClickException(str(error)) from None


def merged(kept: list[rows.Row], measured: list[rows.Row]) -> list[rows.Row]:
    """The kept rows in their order, those measured again in their place."""
    new = {_key(row): row for row in measured}
    return [new.get(_key(row), row) for row in kept]


def _key(row: rows.Row) -> tuple[str, str, str]:
    return row["network"], row["core"], row["door"]


def _version(command: str) -> str:
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout
    return said.splitlines()[0]


if __name__ == "__main__":
    main()
