"""Training on several devices of a machine, or on several machines, by TensorFlow's own distribution.

``mirrored`` uses all GPUs of this machine. ``multiworker`` is for one process on each machine, each with the usual
``TF_CONFIG``; the first one (the chief) writes the files. Each works on its part of every batch, and gradients are
summed over all, so that losses are those of one process with the same batches (batch norms without
``synchronized=True`` excepted, whose statistics are each worker's own).
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any

import keras

from xlite.schema.errors import TrainingError
from xlite.training.batches import Batches

STRATEGIES = ("none", "mirrored", "multiworker")


class Strategy:
    """One of :data:`STRATEGIES`. Make it before anything else of TensorFlow is used: its workers meet there."""

    def __init__(self, name: str):
        if name not in STRATEGIES:
            raise TrainingError(f"no strategy is called {name!r}; there are {', '.join(STRATEGIES)}")
        self.name = name
        self._strategy: Any = None
        if name == "none":
            return
        if keras.backend.backend() != "tensorflow":
            raise TrainingError(
                f"--strategy {name} needs Keras's TensorFlow backend, not {keras.backend.backend()}"
            )
        if name == "multiworker":
            _check_cluster(os.environ.get("TF_CONFIG", ""))
        from tensorflow import distribute

        kind = distribute.MirroredStrategy if name == "mirrored" else distribute.MultiWorkerMirroredStrategy
        self._strategy = kind()

    @property
    def is_chief(self) -> bool:
        """Whether this process writes files."""
        if self.name != "multiworker":
            return True
        task = json.loads(os.environ["TF_CONFIG"]).get("task", {})
        return task.get("type") == "chief" or (task.get("type") == "worker" and int(task.get("index", 0)) == 0)

    @property
    def workers(self) -> int:
        return 1 if self._strategy is None else int(self._strategy.num_replicas_in_sync)

    def scope(self) -> Any:
        """Where the model has to be built."""
        return contextlib.nullcontext() if self._strategy is None else self._strategy.scope()

    def data(self, batches: Batches) -> Any:
        """What ``fit`` takes for ``batches``."""
        if self._strategy is None:
            return batches
        if batches.size % self.workers:
            raise TrainingError(f"batches of {batches.size} do not divide among {self.workers} workers")
        import tensorflow as tf

        images, labels = batches[0]
        signature = tuple(tf.TensorSpec(array.shape, array.dtype) for array in (images, labels))
        data = tf.data.Dataset.from_generator(batches.whole_epoch, output_signature=signature)
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
        return data.apply(tf.data.experimental.assert_cardinality(len(batches))).with_options(options)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Around the training: says in a sentence that another worker is gone."""
        if self.name != "multiworker":
            yield
            return
        from tensorflow import errors

        try:
            yield
        except (errors.UnavailableError, errors.AbortedError, errors.DeadlineExceededError) as error:
            raise TrainingError(
                "another worker is gone, or cannot be reached; end all that are left and start each of them again "
                "with --resume, to go on from the last whole epoch"
            ) from error

    def prepare(self, model: Any, batches: Batches) -> None:
        """Makes ``fit`` of a compiled model work on this strategy.

        Keras 3 reads the first batch of a distributed iterator and reduces logs as if all replicas were in this
        process, which fails where they are not. So the metrics and the optimizer are built here, from a batch that
        is at hand, and the compiled steps are made here, with logs that are means over all workers.
        """
        if self.name != "multiworker":
            return
        _need(all(hasattr(model, hook) for hook in _HOOKS))
        import tensorflow as tf

        with self._strategy.scope():
            model._symbolic_build(data_batch=batches[0])
        model._maybe_symbolic_build = lambda **_: None

        def compiled(step: Any) -> Any:
            @tf.function
            def run(iterator: Any) -> Any:
                logs = self._strategy.run(step, args=(next(iterator),))
                return {name: self._strategy.reduce("MEAN", value, axis=None) for name, value in logs.items()}

            return run

        made = compiled(model.train_step)
        model.train_function = made
        model.make_train_function()
        _need(model.train_function is made and model.optimizer.built)


def _check_cluster(text: str) -> None:
    """Raises TrainingError where ``text``, that of TF_CONFIG, does not say who trains and who this is."""
    try:
        found = json.loads(text)
        task = found["task"]
        fine = int(task["index"]) < len(found["cluster"][task["type"]])
    except (ValueError, KeyError, TypeError):
        fine = False
    if not fine:
        raise TrainingError(
            "--strategy multiworker needs the environment variable TF_CONFIG, which names the workers and "
            'says which of them this is: {"cluster": {"worker": ["host1:port", "host2:port"]}, "task": '
            f'{{"type": "worker", "index": 0}}}}; it is {text!r} here'
        )


# Of Keras's trainer; two of them are private, and may change.
_HOOKS = ("_symbolic_build", "_maybe_symbolic_build", "make_train_function")


def _need(fine: bool) -> None:
    """Raises TrainingError where the installed Keras has no place for what several machines need."""
    if not fine:
        raise TrainingError(
            f"--strategy multiworker does not work with Keras {keras.__version__}, whose trainer has changed; "
            "Keras 3.15 is known to work"
        )
