"""What is timed. Imported in the peers' environments too: the standard library alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

LONGEST = 8  # layers of one chain
WEIGHT_BYTES = 20 * 2**20  # of a chain's float twin, so that it stays in the cache of common processors
HEAD = 32  # channels of a chain's input
TAIL = 8  # channels of its output


@dataclass(frozen=True)
class LayerRow:
    """A 3x3 convolution, stride 1, same, as many filters as channels: timed in a chain of ``depth`` of them."""

    height: int
    width: int
    channels: int

    @property
    def key(self) -> str:
        return f"layer-{self.height}x{self.width}x{self.channels}"

    @property
    def title(self) -> str:
        return f"3x3, ({self.height}, {self.width}, {self.channels})"

    @property
    def depth(self) -> int:
        """Layers in the chain: the same for all engines."""
        return max(1, min(LONGEST, WEIGHT_BYTES // (36 * self.channels**2)))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one of its layers; those of padding count."""
        return self.height * self.width * 9 * self.channels**2

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return self.height, self.width, HEAD


@dataclass(frozen=True)
class NetworkRow:
    """A network of ImageNet's size. builder: its name in xlite.zoo; larq: in larq-zoo."""

    builder: str
    larq: str

    @property
    def key(self) -> str:
        return f"network-{self.builder}"

    @property
    def title(self) -> str:
        return self.larq

    @property
    def depth(self) -> int:
        return 1

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return 224, 224, 3


Row = Union[LayerRow, NetworkRow]

LAYERS = (
    LayerRow(56, 56, 64),
    LayerRow(28, 28, 128),
    LayerRow(14, 14, 256),
    LayerRow(7, 7, 512),
    LayerRow(56, 56, 256),
)
NETWORKS = (
    NetworkRow("birealnet18", "BiRealNet"),
    NetworkRow("quicknet_small", "QuickNetSmall"),
    NetworkRow("quicknet", "QuickNet"),
    NetworkRow("quicknet_large", "QuickNetLarge"),
    NetworkRow("binary_densenet28", "BinaryDenseNet28"),
    NetworkRow("real_to_binary", "RealToBinaryNet"),
    NetworkRow("binary_alexnet", "BinaryAlexNet"),
    NetworkRow("xnornet", "XNORNet"),
    NetworkRow("meliusnet22", "MeliusNet22"),
)


def find(key: str) -> Row:
    """The row of this key. KeyError if there is none."""
    return {row.key: row for row in (*LAYERS, *NETWORKS)}[key]
