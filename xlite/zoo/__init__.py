"""Networks and the data to train them on.

Builders, each ``(input_shape, classes, width, binary, float_activation) -> keras.Model``, untrained: for ImageNet
``binary_alexnet``, ``xnornet``, ``dorefanet``, ``birealnet18``, ``binary_resnet_e18``, ``binary_densenet28``,
``binary_densenet37``, ``binary_densenet37_dilated``, ``binary_densenet45``, ``real_to_binary``, ``meliusnet22``,
``reactnet``, ``quicknet_small``, ``quicknet``, ``quicknet_large``; for small devices ``tiny_vgg``,
``tiny_quicknet``, ``keyword_net``, ``person_net``, ``tiny_detector``, ``tiny_segmenter``.

``width`` multiplies the filters. ``binary=False`` gives the float twin: the same layers as Keras has them, without
quantizers; ``float_activation="relu"`` puts a ReLU where the binary network has a sign.

``randomize`` fills a network with seeded weights under which nothing is degenerate.

``boxes``    what a detector's head computes -> boxes (numpy only)
``fashion``  a binary convolutional network for Fashion-MNIST, its float twin and its training recipe (Keras)
``datasets`` readers for the image sets that the recipes use (numpy only)
"""

from __future__ import annotations

import importlib
from typing import Any

# public name -> module of this package; a module that bears the name itself stands for itself
_PLACES = {
    "binary_alexnet": "alexnet",
    "binary_densenet28": "densenet",
    "binary_densenet37": "densenet",
    "binary_densenet37_dilated": "densenet",
    "binary_densenet45": "densenet",
    "binary_resnet_e18": "resnet",
    "birealnet18": "bireal",
    "boxes": "boxes",
    "datasets": "datasets",
    "dorefanet": "dorefa",
    "fashion": "fashion",
    "keyword_net": "speech",
    "meliusnet22": "melius",
    "person_net": "vgg",
    "quicknet": "quick",
    "quicknet_large": "quick",
    "quicknet_small": "quick",
    "randomize": "random_weights",
    "reactnet": "react",
    "real_to_binary": "real_to_bin",
    "tiny_detector": "detector",
    "tiny_quicknet": "quick",
    "tiny_segmenter": "segmentation",
    "tiny_vgg": "vgg",
    "xnornet": "xnor",
}
BUILDERS = tuple(name for name, module in _PLACES.items() if name not in (module, "randomize"))

__all__ = ["BUILDERS", *_PLACES]


def __getattr__(name: str) -> Any:
    # Lazily: `datasets` must stay usable where Keras is not installed.
    if name not in _PLACES:
        raise AttributeError(f"module 'xlite.zoo' has no attribute {name!r}")
    module = importlib.import_module(f"xlite.zoo.{_PLACES[name]}")
    return module if _PLACES[name] == name else getattr(module, name)
