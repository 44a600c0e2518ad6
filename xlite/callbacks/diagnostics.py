"""What a binarized network does while it trains."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from typing import Any, Optional, Union

import numpy as np
from keras import ops

from xlite import filters
from xlite.callbacks.flips import LogFlipRatio
from xlite.schema.errors import TrainingError

HEADER = ("epoch", "layer", "measure", "value")


class LogBinarization(LogFlipRatio):
    """Adds to the logs of every epoch, for each layer, and so to History, to ``keras.callbacks.TensorBoard`` and
    to ``CSVLogger`` where they come later in the list:

    * ``flip_ratio/<layer>``: the share of weights that change their sign in a batch, averaged. 0: the layer has
      stopped learning; some percent: the learning rate is too high.
    * ``saturated/<layer>``: the share of weights at or beyond ``clip``, where a sign passes no gradient on.
    * ``dead_filters/<layer>``: the share of filters none of whose weights has another sign than an epoch ago.

    With ``data``, for each layer that quantizes its input:

    * ``saturated_inputs/<layer>``: the share of values beyond ``clip``.
    * ``dead_channels/<layer>``: the share of channels whose sign is the same everywhere: they tell nothing.

    Args:
        layers: which layers; ``None`` for those whose kernel quantizer gives two levels of opposite sign and those
            that :class:`BinarizeWeights` trains (a float or int8 kernel changes without a change of signs, and is
            not dead for that), or for all convolution and dense layers where there are none of these. Else a name,
            a layer, a list of them, or a predicate ``layer -> bool``.
        data: some inputs, as the model is called with: a hundred samples say enough.
        path: of a CSV file with a row for every epoch, layer and measure. Of one that is there the rows of the
            epochs before the first of a training stay: a run that is resumed repeats none.
        board: a folder for TensorBoard, which shows each measure over the epochs. It is written without
            ``keras.callbacks.TensorBoard`` and on any backend, by the package tensorboard.
        clip: half width of the window of the quantizers.

    Raises:
        TrainingError: ``clip`` is not above 0, or ``board`` is given and the package tensorboard is not there; at
            the start of ``fit``, if ``path`` cannot be written or the model takes no ``data``.
    """

    def __init__(
        self,
        layers: filters.Selection = None,
        *,
        data: Any = None,
        path: Union[str, os.PathLike[str], None] = None,
        board: Union[str, os.PathLike[str], None] = None,
        clip: float = 1.0,
    ):
        super().__init__(layers)
        if not clip > 0:
            raise TrainingError(f"LogBinarization got clip={clip!r}; give a number above 0")
        self.data, self.path, self.clip = data, path, clip
        self._before: dict[str, Any] = {}
        self._fresh = True
        self._board = None if board is None else _Board(board)

    def on_train_begin(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        if self.path is not None:
            _check_path(self.path)
        if self.data is not None:
            self._check_data()
        super().on_train_begin(logs)
        self._fresh = True

    def on_epoch_begin(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        if self._fresh and self.layers is None:  # now that every callback has begun the training
            binary = filters.ids_of_binary_kernels(self.model)
            self._watched = [item for item in self._watched if id(item[1]) in binary] or self._watched
        super().on_epoch_begin(epoch, logs)
        if self.path is not None and self._fresh:
            _cut_back(self.path, epoch)
        self._fresh = False
        self._before = {name: _numbers(variable) for name, variable, _ in self._watched}

    def on_epoch_end(self, epoch: int, logs: Optional[Any] = None) -> None:
        found: dict[str, float] = {}
        super().on_epoch_end(epoch, found)
        found.update(self._of_weights())
        if self.data is not None:
            found.update(self._of_inputs())
        if logs is not None:
            logs.update(found)
        if self.path is not None:
            _append(self.path, epoch, found)
        if self._board is not None:
            self._board.add(epoch, found)

    def _check_data(self) -> None:
        """Before an epoch is trained, not behind it."""
        try:
            inputs_of_signs(self.model, self.data)
        except Exception as error:  # of whichever backend Keras has
            reason = str(error).strip().splitlines()[0]
            raise TrainingError(
                f"LogBinarization(data=...) cannot be given to model {self.model.name!r}: {reason}"
            ) from error

    def _of_weights(self) -> Iterator[tuple[str, float]]:
        layouts = filters.named_layouts(self.model, self.layers)
        for name, variable, _ in self._watched:
            now, before = _numbers(variable), self._before[name]
            yield f"saturated/{name}", float(np.mean(np.abs(now) >= self.clip))
            changed = np.any((now < 0) != (before < 0), axis=layouts[name].alpha_axes(now.ndim))
            yield f"dead_filters/{name}", float(np.mean(~changed))

    def _of_inputs(self) -> Iterator[tuple[str, float]]:
        for name, values in inputs_of_signs(self.model, self.data).items():
            flat = values.reshape(-1, values.shape[-1])
            yield f"saturated_inputs/{name}", float(np.mean(np.abs(flat) > self.clip))
            negative = flat < 0
            yield f"dead_channels/{name}", float(np.mean(np.all(negative == negative[:1], axis=0)))


def inputs_of_signs(model: Any, data: Any) -> dict[str, np.ndarray]:
    """What every layer with an input quantizer is given when ``model`` is called with ``data``, by its name; the
    first call counts for a layer that has several. Channels are the last axis."""
    watched = [
        layer for layer in filters.filter_layers(model) if getattr(layer, "input_quantizer", None) is not None
    ]
    seen: dict[str, np.ndarray] = {}

    def watching(layer: Any) -> Any:
        plain = layer.quantized_input

        def quantized_input(inputs: Any, option: str = "input_quantizer") -> Any:
            if option == "input_quantizer" and layer.name not in seen:
                values = np.asarray(ops.convert_to_numpy(inputs))
                last = getattr(layer, "data_format", None) != "channels_first"
                seen[layer.name] = values if last else np.moveaxis(values, 1, -1)
            return plain(inputs, option)

        return quantized_input

    try:
        for layer in watched:
            object.__setattr__(layer, "quantized_input", watching(layer))
        model(data, training=False)
    finally:
        for layer in watched:
            vars(layer).pop("quantized_input", None)
    return seen


def _numbers(variable: Any) -> np.ndarray:
    return np.array(ops.convert_to_numpy(variable))


class _Board:
    """A folder of TensorBoard, found missing before the training and not behind its first epoch."""

    def __init__(self, folder: Union[str, os.PathLike[str]]):
        try:
            from tensorboard.summary import Writer
        except ImportError as error:
            raise TrainingError(
                f"LogBinarization(board=...) needs the package tensorboard ({error}): "
                "pip install xlite[tensorboard]"
            ) from None
        self._open, self.folder = Writer, os.fspath(folder)

    def add(self, epoch: int, found: Mapping[str, float]) -> None:
        # A file for each epoch: a writer kept open would hold threads, which no copy of the callback survives.
        writer = self._open(self.folder)
        for name, value in found.items():
            writer.add_scalar(name, value, step=epoch)
        writer.close()


def _check_path(path: Union[str, os.PathLike[str]]) -> None:
    """Makes the folder of ``path``. Raises TrainingError before an epoch is trained whose rows have no place."""
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(path, "a", encoding="utf-8"):
            pass
    except OSError as error:
        raise TrainingError(
            f"LogBinarization got path={os.fspath(path)!r}, which cannot be written: {error.strerror}"
        ) from None


def _cut_back(path: Union[str, os.PathLike[str]], epoch: int) -> None:
    """Takes the rows of ``epoch`` and of later ones away, which an interrupted run has left."""
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file)) or [list(HEADER)]
    if tuple(header) != HEADER:  # somebody else's, whose rows are not counted by epochs
        return
    kept = [row for row in rows if row and row[0].isdecimal() and int(row[0]) < epoch]
    if len(kept) == len(rows):
        return
    partial = f"{os.fspath(path)}.partial"
    with open(partial, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *kept])
    os.replace(partial, path)


def _append(path: Union[str, os.PathLike[str]], epoch: int, found: Mapping[str, float]) -> None:
    """Adds an epoch's rows in one write, so that an interrupt leaves no half of them."""
    fresh = not os.path.exists(path) or os.path.getsize(path) == 0
    with open(path, "a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        rows = [(epoch, *reversed(key.split("/", 1)), f"{value:.6g}") for key, value in found.items()]
        writer.writerows([HEADER, *rows] if fresh else rows)
