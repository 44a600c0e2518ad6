"""What a recipe is: one readable Python file with an object RECIPE."""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.util
import os
import pkgutil
import sys
import traceback
from dataclasses import dataclass, replace
from typing import Any, Callable, Optional

import numpy as np

from xlite.schema.errors import Error, TrainingError
from xlite.training.images import Images

Augment = Callable[[np.random.Generator, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Expected:
    """What a run of the recipe as it stands gave: test accuracy from 0 to 1, its seed, how long it took, and the
    digest of its images (``data_sha256`` of its log; empty for those that the recipe loads by itself)."""

    accuracy: float
    seed: int
    minutes: float
    machine: str = "2 cores"
    data_sha256: str = ""


@dataclass(frozen=True)
class Job:
    """What a recipe is given to build a model for. ``start``: the model of ``--start``, if one was given."""

    images: Images
    epochs: int
    steps: int
    start: Any = None

    @property
    def all_steps(self) -> int:
        return self.epochs * self.steps


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    about: one line. load: what reads the images, given ``--data`` or None. build: a compiled model with the metric
    ``accuracy``, for a :class:`Job`. callbacks: fresh ones for a run. augment: a batch of training images,
    float32, to another one, at random. deployed: what of the trained model is saved (a Distiller's student).
    start: what ``--start`` has to be, for recipes that begin with a trained model; empty for those that do not.
    twin: the recipe that trains the same layers in floats, whose accuracy stands beside this one's in the table.
    """

    name: str
    about: str
    load: Callable[[Optional[str]], Images]
    build: Callable[[Job], Any]
    epochs: int
    batch_size: int = 128
    callbacks: Callable[[], list[Any]] = list
    augment: Optional[Augment] = None
    deployed: Callable[[Any], Any] = lambda model: model
    start: str = ""
    twin: str = ""
    expected: Optional[Expected] = None


def names() -> list[str]:
    """Of the recipes that come with xlite."""
    import xlite.recipes

    return sorted(module.name for module in pkgutil.iter_modules(xlite.recipes.__path__) if module.name[0] != "_")


def find(name: str) -> Recipe:
    """A recipe by its name, or from a Python file of the user's. Raises TrainingError."""
    if name.endswith(".py"):
        return _from_file(name)
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise TrainingError(
            f"no recipe is called {name!r}; {hint}there are {', '.join(known)}, or give a .py file"
        )
    recipe: Recipe = importlib.import_module(f"xlite.recipes.{name}").RECIPE
    return recipe


def _from_file(path: str) -> Recipe:
    if not os.path.isfile(path):
        raise TrainingError(f"{path}: there is no such recipe file")
    whole = os.path.abspath(path)  # under which its frames are known
    spec = importlib.util.spec_from_file_location("xlite_recipe", whole)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their own module up there
    try:
        spec.loader.exec_module(module)
    except Error:
        raise
    except Exception as error:
        line = _line_of(error, whole)
        at = "" if line is None else f", line {line}"
        raise TrainingError(f"{path}{at}: {type(error).__name__}: {_told(error)}") from error
    recipe = getattr(module, "RECIPE", None)
    if not isinstance(recipe, Recipe):
        raise TrainingError(f"{path}: holds no RECIPE, an xlite.training.recipe.Recipe; those of xlite.recipes do")
    own = {name: getattr(recipe, name) for name in ("load", "build", "callbacks", "augment", "deployed")}
    named: dict[str, Any] = {
        name: _naming(path, function) for name, function in own.items() if function is not None
    }
    return replace(recipe, **named)


def _naming(path: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` of a recipe file, whose errors are told with the file's line, as those of its loading are.
    Those that come from nowhere in the file stay what they are."""

    @functools.wraps(function)
    def named(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except Error:
            raise
        except Exception as error:
            line = _line_of(error, os.path.abspath(path))
            if line is None:
                raise
            raise TrainingError(f"{path}, line {line}: {type(error).__name__}: {_told(error)}") from error

    return named


def _told(error: Exception) -> str:
    """What an exception says; a SyntaxError's own text names the file as well."""
    return (error.msg if isinstance(error, SyntaxError) else str(error)) or "no reason is given"


def _line_of(error: Exception, path: str) -> Optional[int]:
    """The line of the recipe at which it failed, where that is known."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return lines[-1] if lines else None
