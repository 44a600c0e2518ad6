"""What the test found out about one network, kept in build/zoo for the tables."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Optional

from tests.zoo import networks

FIRST = 16  # the number of images; the others make the share a steadier figure


@dataclass
class Result:
    """took: see :mod:`tests.zoo.measure`. exact: numbers of the images whose every output is TensorFlow's;
    same_class: how many have the same argmax; control, library: how many TensorFlow itself keeps; flips: for every
    image that is not exact the sign it came from; tensors: compared on TensorFlow's own inputs."""

    name: str
    took: dict[str, Any] = field(default_factory=dict)
    images: int = 0
    exact: list[int] = field(default_factory=list)
    same_class: int = 0
    control: list[int] = field(default_factory=list)
    library: int = 0
    flips: list[dict[str, Any]] = field(default_factory=list)
    tensors: int = 0

    @property
    def first_exact(self) -> int:
        return sum(number < FIRST for number in self.exact)

    def save(self) -> None:
        _path(self.name).write_text(json.dumps(asdict(self), indent=1))


def load(name: str) -> Optional[Result]:
    """None where the test has not run on the network as it is built now."""
    path = _path(name)
    if not (networks.is_built(name) and path.is_file()):
        return None
    if path.stat().st_mtime < networks.outputs_path(name).stat().st_mtime:
        return None
    return Result(**json.loads(path.read_text()))


def _path(name: str) -> Path:
    return networks.FOLDER / f"{name}.json"
