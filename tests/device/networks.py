"""The networks that the emulated computers run, with inputs and what this computer makes of them.

    python -m tests.device.networks         builds them all, where they are missing

They lie in build/device/networks, since building those of the zoo takes Keras. The outputs come from the reference
kernels in numpy of the machine that builds them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np

import xlite
from tests.device.setup import BUILD, ROOT
from tools.wheels.lock import locked

FOLDER = BUILD / "networks"
TRAINED = ROOT / "examples" / "fashion" / "model.h5"
SEED = 5
CALM = 0.05  # what the last layer's weights are scaled by, so that no class has a probability of 0 or 1
VERSION = 4  # of what is below: files of another one are built again


@dataclass(frozen=True)
class Network:
    """shape: of an image. images: how many are run. build: makes the Keras model; None for the trained demo."""

    name: str
    shape: tuple[int, int, int]
    images: int
    build: Optional[Callable[[], Any]] = None

    @property
    def _stem(self) -> str:
        """Of the trained demo with a digest, so that another model is converted anew."""
        digest = "" if self.build else f"-{hashlib.sha256(TRAINED.read_bytes()).hexdigest()[:8]}"
        return f"{self.name}-{VERSION}{digest}"

    @property
    def path(self) -> Path:
        return FOLDER / f"{self._stem}.xlite"

    @property
    def samples(self) -> Path:
        """An .npz with ``x`` float32 [images, *shape] and ``y`` float32 [images, classes]."""
        return FOLDER / f"{self._stem}.npz"


def quicknet() -> Any:
    return xlite.zoo.quicknet_small(input_shape=(96, 96, 3), classes=10, width=0.5)


def birealnet() -> Any:
    return xlite.zoo.birealnet18()


def birealnet_small() -> Any:
    return xlite.zoo.birealnet18(input_shape=(64, 64, 3))


DEMO = Network("fashion", (28, 28, 1), 20)
QUICKNET = Network("quicknet-96", (96, 96, 3), 4, quicknet)
BIREALNET = Network("birealnet18-224", (224, 224, 3), 1, birealnet)
BIREALNET_SMALL = Network("birealnet18-64", (64, 64, 3), 1, birealnet_small)
NETWORKS = (DEMO, QUICKNET, BIREALNET, BIREALNET_SMALL)


def ready(network: Network) -> Network:
    """Itself, once its files are there."""
    with locked(FOLDER / "lock"):
        if not (network.path.is_file() and network.samples.is_file()):
            if network.build is None:
                _convert_demo(network)
            else:
                _build(network, network.build)
    return network


def _build(network: Network, build: Callable[[], Any]) -> None:
    model = build()
    xlite.zoo.randomize(model, seed=SEED)
    last = next(layer for layer in reversed(model.layers) if layer.weights)
    last.set_weights([CALM * weight for weight in last.get_weights()])
    xlite.convert(model, network.path, strict=True)
    x = np.random.default_rng(SEED).normal(size=(network.images, *network.shape)).astype(np.float32)
    y = np.concatenate([xlite.Interpreter(network.path, backend="numpy")(image[np.newaxis]) for image in x])
    np.savez(network.samples, x=x, y=y)


def _convert_demo(network: Network) -> None:
    """Its outputs are those that Keras gave."""
    folder = ROOT / "examples" / "fashion"
    with np.load(folder / "images.npz") as images, np.load(folder / "golden.npz") as golden:
        x = images["images"][: network.images, ..., np.newaxis].astype(np.float32) / 255
        np.savez(network.samples, x=x, y=golden["outputs"][: network.images])
    xlite.convert(folder / "model.h5", network.path, strict=True)


if __name__ == "__main__":
    for each in NETWORKS:
        print(ready(each).path)
