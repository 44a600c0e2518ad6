"""The networks that are counted, as .xlite files under build/device-bench: each one as it is, with a uint8 input
and int8 filters in its first convolution ("int8-stem"), and as its float twin; seeded random weights in all.
``ready`` runs it as a program, since Keras is slow to import and needed only where a file is missing:

    python -m benchmarks.device.networks [NAME ...]
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "device-bench"
DEMO = ROOT / "examples" / "fashion" / "model.h5"

# name -> builder in xlite.zoo, input shape
NETWORKS = {
    "demo": ("fashion", (28, 28, 1)),
    "quicknet-96": ("quicknet", (96, 96, 3)),
    "birealnet18-224": ("birealnet18", (224, 224, 3)),
}
KINDS = ("binary", "int8-stem", "float")
_INTEGERS = {"input_dtype": "uint8", "input_range": (-1, 1), "quantize": "int8-stem"}


def path_of(name: str, kind: str) -> Path:
    """The demo's carry a digest of the trained model, so that another one is converted anew."""
    if NETWORKS[name][0] == "fashion":
        kind = f"{kind}-{hashlib.sha256(DEMO.read_bytes()).hexdigest()[:8]}"
    return BUILD / f"{name}-{kind}.xlite"


def make(name: str, kind: str) -> None:
    """Builds, fills and converts one network. The float twin has a ReLU where the binary network has a sign."""
    import keras

    import xlite

    builder, shape = NETWORKS[name]
    keras.utils.set_random_seed(1)
    binary = kind != "float"
    options = _INTEGERS if kind == "int8-stem" else {}
    if builder == "fashion" and binary:
        xlite.convert(DEMO, path_of(name, kind), **options)  # as trained
        return
    if builder == "fashion":
        twin = xlite.zoo.fashion.fashion_float_twin()
        model = keras.Model(twin.inputs, twin.outputs)
    else:
        activation = None if binary else "relu"
        model = getattr(xlite.zoo, builder)(shape, binary=binary, float_activation=activation)
    xlite.zoo.randomize(model)
    xlite.convert(model, path_of(name, kind), **options)


def ready(names: Iterable[str] = NETWORKS) -> None:
    """Makes the files that are missing of these networks, in a process of its own."""
    missing = [name for name in names if not all(path_of(name, kind).is_file() for kind in KINDS)]
    if missing:
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, "-m", "benchmarks.device.networks", *missing]
        subprocess.run(command, check=True, env=environment, cwd=ROOT)


def main() -> None:
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or NETWORKS:
        for kind in KINDS:
            if not path_of(name, kind).is_file():
                print(f"making {path_of(name, kind).name}", file=sys.stderr)
                make(name, kind)


if __name__ == "__main__":
    main()
