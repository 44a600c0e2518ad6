"""Which networks of larq-zoo are built, and what lies where. Imports neither TensorFlow nor the project."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parents[2] / "build" / "zoo"
NAMES = (
    "BinaryAlexNet",
    "XNORNet",
    "BiRealNet",
    "BinaryResNetE18",
    "RealToBinaryNet",
    "DoReFaNet",
    "MeliusNet22",
    "BinaryDenseNet28",
    "BinaryDenseNet37",
    "BinaryDenseNet37Dilated",
    "BinaryDenseNet45",
    "QuickNetSmall",
    "QuickNet",
    "QuickNetLarge",
)


def recipe() -> str:
    """A digest of what the networks are built by: others are stale."""
    here = Path(__file__).parent
    return hashlib.sha256((here / "build.py").read_bytes()).hexdigest()


def model_path(name: str) -> Path:
    return FOLDER / f"{name}.h5"


def outputs_path(name: str) -> Path:
    """Inputs ``x``, TensorFlow's outputs ``y``, and which images stay exact under noise, ``control`` (a row a run)
    and ``library``."""
    return FOLDER / f"{name}.npz"


def is_built(name: str) -> bool:
    """Whether the network is there, with its outputs, and was built by the present recipe."""
    path = outputs_path(name)
    if not (path.is_file() and model_path(name).is_file()):
        return False
    with np.load(path) as stored:
        return "recipe" in stored and str(stored["recipe"]) == recipe()
