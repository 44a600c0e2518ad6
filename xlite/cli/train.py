"""``xlite train``: a recipe in, a trained model out."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Optional

import click

from xlite.cli import ui
from xlite.schema.errors import BackendError

EXAMPLES = """\b
Examples:
  xlite train --list
  xlite train fashion --out fashion.h5
  xlite train cifar10_binary --data cifar10.npz --epochs 20 --seed 2 --resume
  xlite train cifar10_distilled --start float.keras --out small.keras
  xlite train mine.py --data pictures/
"""


@click.command(epilog=EXAMPLES, short_help="Train a network by a recipe.")
@click.argument("recipe", required=False)
@click.option("--list", "listing", is_flag=True, help="Print the recipes that there are.")
@click.option("--data", metavar="PATH", help="A .npz file or a folder of images; default: the recipe's own data.")
@click.option("--epochs", type=int, help="Default: the recipe's.")
@click.option("-o", "--out", metavar="FILE", help="The model, .h5 or .keras; default: RECIPE.h5.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of all that is random.")
@click.option(
    "--strategy",
    type=click.Choice(["none", "mirrored", "multiworker"]),
    default="none",
    help="All GPUs of this machine, or one process on each of several (with TF_CONFIG).",
)
@click.option("--resume", is_flag=True, help="Go on from the last epoch of a run that was interrupted.")
@click.option("--overwrite", is_flag=True, help="Replace a model, log and picture that are at --out.")
@click.option("--start", metavar="MODEL", help="The trained model that some recipes begin with.")
@click.option("--limit", type=int, metavar="N", help="Use N training and N test images only, to try a recipe out.")
def command(
    recipe: Optional[str],
    listing: bool,
    data: Optional[str],
    epochs: Optional[int],
    out: Optional[str],
    seed: int,
    strategy: str,
    resume: bool,
    overwrite: bool,
    start: Optional[str],
    limit: Optional[int],
) -> None:
    """Trains a network by RECIPE: the name of one that comes with xlite (see --list), or a Python file.

    Beside the model it writes a log (.jsonl), a picture of the curves (.png) and, while it runs, a checkpoint,
    from which --resume goes on: give the same arguments again.
    """
    recipes, runner = _modules()
    if listing:
        rows = [(name, recipes.find(name).about) for name in recipes.names()]
        ui.show([ui.table("recipes", ("name", "trains"), rows)])
        return
    if recipe is None:
        raise click.UsageError("Missing argument 'RECIPE'; xlite train --list shows those that there are.")
    found = recipes.find(recipe)
    path = Path(out or f"{found.name}.h5")
    settings = runner.Settings(path, data, epochs, seed, strategy, resume, start, limit, overwrite)
    try:
        outcome = runner.train(found, settings, lambda note: click.echo(f"xlite: note: {note}", err=True))
    except KeyboardInterrupt:
        if settings.beside(runner.CHECKPOINT).exists():
            click.echo("\nxlite: the same command with --resume goes on from the last whole epoch", err=True)
        raise
    lines = [
        f"{found.name}: {100 * outcome.accuracy:.2f} % of the test images in {outcome.seconds / 60:.1f} minutes"
    ]
    if outcome.packed_bytes is not None:
        lines.append(f"packed: {ui.size(outcome.packed_bytes)}")
    wanted = found.expected
    if wanted is not None and _is_comparable(found, settings, outcome):
        lines.append(
            f"expected: {100 * wanted.accuracy:.2f} % with seed {wanted.seed}, {wanted.minutes:g} minutes"
        )
    ui.show([*lines, *(f"note: {note}" for note in outcome.notes), f"written: {path}"])


def _is_comparable(recipe: Any, settings: Any, outcome: Any) -> bool:
    """Whether a run is one that ``recipe.expected`` tells of, whatever its seed."""
    digest = recipe.expected.data_sha256
    same_images = outcome.data_sha256 == digest if digest else settings.data is None
    return same_images and settings.limit is None and settings.epochs in (None, recipe.epochs)


def _modules() -> tuple[Any, Any]:
    """The recipes and the runner, which import Keras."""
    if "tensorflow" not in sys.modules:
        # TensorFlow takes oneDNN's kernels by itself only where the processor has AVX-512 or AMX; steps of the
        # recipes are faster with them with AVX2 alone, too. It reads this once, when it is imported.
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        with ui.waiting("starting Keras"):
            from xlite.training import recipe, runner
    except ImportError as error:
        backend = os.environ.get("KERAS_BACKEND", "")
        if error.name == backend != "tensorflow":
            raise BackendError(f"KERAS_BACKEND={backend} asks for {backend}: pip install {backend}") from None
        raise BackendError(f"training needs Keras, {error}: pip install xlite[train]") from None
    return recipe, runner
