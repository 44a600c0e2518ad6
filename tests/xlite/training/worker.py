"""One process of a training run on several: ``python -m tests.xlite.training.worker OUT DATA STRATEGY [die]``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any


def main(out: str, data: str, strategy: str, die: bool) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    from tests.xlite.training.small import recipe
    from xlite import layers
    from xlite.training.recipe import Job
    from xlite.training.runner import Settings, train

    def build(job: Job) -> Any:
        """Without batch norms, whose statistics are each worker's own, and dropout, whose seeds are."""
        kinds = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}
        model = keras.Sequential(
            [
                keras.Input(job.images.shape),
                keras.layers.Conv2D(6, 3, activation="tanh", name="stem"),
                layers.QuantConv2D(6, 3, use_bias=False, name="binary", **kinds),
                keras.layers.Flatten(name="flat"),
                keras.layers.Dense(len(job.images.classes), activation="softmax", name="classes"),
            ]
        )
        model.compile(
            keras.optimizers.SGD(0.001, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"],
            jit_compile=False,
        )  # fmt: skip
        return model

    class Die(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                os.kill(os.getpid(), signal.SIGKILL)

    made = recipe(build=build, callbacks=lambda: [Die()] if die else [])
    train(made, Settings(Path(out), data, strategy=strategy, resume=True))


if __name__ == "__main__":
    main(*sys.argv[1:4], die="die" in sys.argv[4:])
