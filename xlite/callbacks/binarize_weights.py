""":class:`BinarizeWeights` trains an ordinary Keras model to binary weights."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable, Optional

import keras
import numpy as np
from keras import ops

from xlite import filters
from xlite.callbacks.gradient_rules import RULES, alpha_of
from xlite.schema.errors import TrainingError


@dataclass
class _State:
    """A kernel and the two values that belong together: real-valued weights W and binarized weights B.

    ``values`` is ``None`` until the kernel was binarized for the first time; it is replaced as a pair, so that
    an interrupt never leaves a W that does not belong to its B.
    """

    kernel: filters.Kernel
    values: Optional[tuple[Any, Any]] = None

    def read(self) -> Any:
        return ops.stop_gradient(ops.convert_to_tensor(self.kernel.variable))

    def holds(self, index: int) -> bool:
        """Whether the model's variable is bit for bit W (index 0) or B (index 1)."""
        return self.values is not None and bool(ops.all(ops.equal(self.read(), self.values[index])))

    def put(self, index: int) -> None:
        if self.values is not None:
            # A copy: under JAX a training step donates, and so deletes, the arrays that the variables hold.
            self.kernel.variable.assign(ops.copy(self.values[index]))


class BinarizeWeights(keras.callbacks.Callback):
    """Trains an ordinary Keras model with XNOR-Net's algorithm (Rastegari et al. 2016, arXiv 1603.05279,
    algorithm 1), without a change to the model::

        model.fit(x, y, callbacks=[xlite.callbacks.BinarizeWeights()])
        model.save("model.keras")

    For every chosen kernel W the forward and the backward pass of each batch see ``B = alpha * sign(W)``, with
    alpha the mean of ``|W|`` over each filter (one per output channel; per channel and multiplier of a depthwise
    kernel). What the optimizer does to B is then done to W, ``W <- clip(W + (B' - B))``, and B is made anew.

    **What the model holds.** B, at every moment outside a training step: during validation, in every other
    callback (so checkpoints hold binarized weights, which convert as they are) and after training. W is kept
    here: ``real_weights``, :meth:`restore_real_weights`, and :meth:`binarize` to go back.

    **The best epoch.** Before ``start_epoch`` the model is float, and often better than any binarized one. What
    keeps the best has to begin there, as ``EarlyStopping(start_from_epoch=start_epoch)`` does; ``ModelCheckpoint``
    has no such option: give it to a second ``fit``, of the binarized epochs. Where float weights were put back
    behind the last step, a warning says so at the end of training. Callbacks that come later in the list put
    theirs back behind this one's last hook, out of its sight: put it last, or use the ``with`` form, which looks
    again.

    **Interruptions.** An exception or Ctrl-C in a training step or in another callback leaves the model with B
    and the callback with the W it belongs to; the interrupted batch is dropped. Calling ``fit`` again goes on
    from there. Under JAX a callback cannot guard the step: put this callback first in the list and use the
    ``with`` form (it works everywhere), which settles the model on the way out::

        with xlite.callbacks.BinarizeWeights() as binarize:
            model.fit(x, y, callbacks=[binarize])

    **What acts on what.** The gradient, momentum and everything else the optimizer keeps belong to B; its slots
    are not touched. Weight decay and kernel regularizers see B as well, so they pull on alpha, hardly on single
    weights. A kernel constraint would act on B too and is refused: ``clip`` is there for that. Weights that
    something else writes between batches (``load_weights``, ``BackupAndRestore``) are taken as new real-valued
    weights.

    Args:
        layers: which layers. ``None``: all convolution and dense layers but the first and the last, less those
            with a kernel quantizer. Else a name, a layer, a list of them, or a predicate ``layer -> bool``.
        mean_center: subtract from W, after each update, its mean over the input channels, as XNOR-Net's
            experiments did. Depthwise kernels have one input channel a filter and are left as they are.
        start_epoch: epochs of ordinary training before the binarization starts (counted as ``fit`` counts).
        clip: W is kept in ``[-clip, clip]``; ``None`` for no limit.
        alpha: ``"filter"``, a scale for each filter; ``"layer"``, one for the whole kernel; ``None``, none: B is
            ``sign(W)``, as in BinaryConnect (Courbariaux et al. 2015, arXiv 1511.00363).
        gradient: what a change of B is to W. ``"straight"``, the same change. ``"paper"``, XNOR-Net's elementwise
            rule, ``alpha + 1/n`` times it where ``|W| <= 1`` and ``1/n`` times it elsewhere (``n`` weights a
            filter). ``"exact"``, the derivative of ``alpha * sign(W)`` with a straight-through sign. They act on
            what the optimizer did to B: for SGD that is the rule itself, for optimizers that normalize their steps
                (Adam) the
            learning rate has to make up for alpha. (XNOR-Net's released code multiplies its gradients by 1e9
            besides, which under Adam means no more than a weaker weight decay, and by ``1 - 1/channels`` for the
            centring.)

    Raises:
        TrainingError: on construction, for options out of range; at the start of ``fit``, for layers that do
            not exist or cannot be binarized and for ``steps_per_execution > 1`` (callbacks would see only every
            n-th batch).
    """

    def __init__(
        self,
        layers: filters.Selection = None,
        *,
        mean_center: bool = False,
        start_epoch: int = 0,
        clip: Optional[float] = 1.0,
        alpha: Optional[str] = "filter",
        gradient: str = "straight",
    ):
        super().__init__()
        if alpha not in ("filter", "layer", None):
            raise TrainingError(f"BinarizeWeights got alpha={alpha!r}; give 'filter', 'layer' or None")
        if gradient not in RULES:
            raise TrainingError(f"BinarizeWeights got gradient={gradient!r}; give one of {', '.join(RULES)}")
        if clip is not None and not clip > 0:
            raise TrainingError(f"BinarizeWeights got clip={clip!r}; give a number above 0, or None for no limit")
        if start_epoch < 0:
            raise TrainingError(f"BinarizeWeights got start_epoch={start_epoch}; give 0 or more")
        self.layers = layers
        self.mean_center = mean_center
        self.start_epoch = start_epoch
        self.clip = clip
        self.alpha = alpha
        self.gradient = gradient
        self._states: list[_State] = []
        self._owner: Any = None
        self._active = False
        self._in_step = False
        self._warned = False
        self._plain_step: Optional[Callable[..., Any]] = None
        self._guarded_step: Optional[Callable[..., Any]] = None

    # -- what users call ------------------------------------------------------------------------------------

    @property
    def real_weights(self) -> dict[str, np.ndarray]:
        """The real-valued weights W as float arrays, by the path of their variable; empty before the start."""
        return {
            state.kernel.variable.path: np.array(ops.convert_to_numpy(state.values[0]))
            for state in self._states
            if state.values is not None
        }

    def load_real_weights(self, weights: Mapping[str, np.ndarray]) -> None:
        """Takes ``weights`` (as ``real_weights`` gave them) for W and puts B into the model, to go on training
        in another process. Give the model with ``set_model`` first.

        Raises:
            TrainingError: a kernel is missing from ``weights``, or its shape is another.
        """
        self._find_kernels()
        for state in self._states:
            variable = state.kernel.variable
            if variable.path not in weights or np.shape(weights[variable.path]) != tuple(variable.shape):
                raise TrainingError(
                    f"no real-valued weights of shape {tuple(variable.shape)} for {variable.path!r}"
                )
        for state in self._states:
            variable = state.kernel.variable
            real = ops.convert_to_tensor(weights[variable.path], dtype=variable.dtype)
            state.values = self._project(real, state.kernel.filters)
        self._put_binary()
        self._active = True

    def restore_real_weights(self, force: bool = False) -> None:
        """Puts the real-valued weights W into the model; :meth:`binarize` goes back.

        Raises:
            TrainingError: nothing was binarized yet, or a kernel no longer holds what this callback put there
                (``EarlyStopping(restore_best_weights=True)`` and ``load_weights`` do that), so that W is that
                of another moment. ``force=True`` puts it back all the same.
        """
        if not any(state.values for state in self._states):
            raise TrainingError("BinarizeWeights has not binarized anything yet, so there is nothing to restore")
        self.settle()
        for state in self._states:
            if not force and not state.holds(0) and not state.holds(1):
                raise TrainingError(
                    f"{state.kernel.variable.path!r} was changed after BinarizeWeights wrote it, so its "
                    "real-valued weights are those of another moment; pass force=True to put them back anyway"
                )
        for state in self._states:
            state.put(0)

    def binarize(self) -> None:
        """Puts the binarized weights B into the model. Kernels that hold neither W nor B (or that were never
        binarized) are taken as new real-valued weights. Needs a model: after ``fit``, or after ``set_model``."""
        self.settle()
        self._find_kernels()
        self._put_binary()

    def settle(self) -> None:
        """Puts B back where a training step was interrupted; nothing to do otherwise."""
        if self._in_step:
            for state in self._states:
                state.put(1)
            self._in_step = False

    def __enter__(self) -> BinarizeWeights:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.settle()
        self._unguard()
        self._mark(False)
        if not any(exception):
            self._warn_of_others()

    # -- Keras's hooks --------------------------------------------------------------------------------------

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if model is not self._owner:
            self._mark(False)
            self._owner = model
            self._states = []
            self._active = self._in_step = False
            self._plain_step = self._guarded_step = None

    def on_train_begin(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        steps = getattr(self.model, "steps_per_execution", 1)
        if steps > 1:
            raise TrainingError(
                f"BinarizeWeights has to see every batch, and steps_per_execution={steps} hides all but every "
                f"{steps}th; compile the model with steps_per_execution=1"
            )
        self.settle()
        self._find_kernels()
        self._guard()
        self._mark(True)
        self._warned = False

    def on_epoch_begin(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        self._active = self._active or epoch >= self.start_epoch

    def on_train_batch_begin(self, batch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        if self._active and self.model is not None:  # reading .model makes the variables current under JAX
            self.settle()
            self._put_binary()
            self._in_step = True

    def on_train_batch_end(self, batch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        if self.model is not None:
            self._absorb()

    def on_train_end(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        self.settle()
        self._unguard()
        self._mark(False)
        if not self._active:
            warnings.warn(
                f"BinarizeWeights never started: training ended before start_epoch={self.start_epoch}, so the "
                "model holds real-valued weights; binarize() would binarize them now",
                stacklevel=2,
            )
        self._warn_of_others()

    def _mark(self, training: bool) -> None:
        filters.mark_binarized((state.kernel for state in self._states), training)

    def _warn_of_others(self) -> None:
        """Where a kernel holds weights that are not binarized and that this callback did not put there."""
        if not self._active or self._warned or self.model is None:  # .model: for JAX, as in the hooks before
            return
        others = [state for state in self._states if state.values is not None and not self._holds_ours(state)]
        if others:
            self._warned = True
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            start = self.start_epoch
            best = f", as EarlyStopping does with a best epoch before {start}: give it start_from_epoch={start}"
            warnings.warn(
                f"{others[0].kernel.variable.path!r}{more} ended with weights that are not binarized; something "
                f"put them there behind the last step{best if start else ''}. binarize() would binarize them now",
                stacklevel=3,
            )

    def _holds_ours(self, state: _State) -> bool:
        """Whether a kernel holds W, B, or alpha * sign of some other weights."""
        if state.holds(1) or state.holds(0):
            return True
        magnitudes = ops.abs(state.read())
        axes = self._alpha_axes(magnitudes, state.kernel.filters)
        alpha = 1 if axes is None else ops.max(magnitudes, axis=axes, keepdims=True)
        return bool(ops.all(ops.equal(magnitudes, alpha)))

    # -- the algorithm --------------------------------------------------------------------------------------

    def _find_kernels(self) -> None:
        known = {id(state.kernel.variable): state for state in self._states}
        if self._owner is None:
            raise TrainingError("BinarizeWeights has no model yet; pass it to fit, or call set_model(model)")
        self._states = [
            known.get(id(kernel.variable), _State(kernel)) for kernel in filters.select(self._owner, self.layers)
        ]

    def _project(self, real: Any, layout: filters.Filters) -> tuple[Any, Any]:
        """Real-valued weights as they may be kept (centred, clipped), and their ``alpha * sign``."""
        if self.mean_center and layout.input_axis is not None:
            real = real - ops.mean(real, axis=layout.input_axis, keepdims=True)
        if self.clip is not None:
            real = ops.clip(real, -self.clip, self.clip)
        alpha = ops.broadcast_to(alpha_of(real, self._alpha_axes(real, layout)), real.shape)
        return real, ops.where(ops.less(real, 0), -alpha, alpha)

    def _alpha_axes(self, real: Any, layout: filters.Filters) -> Optional[tuple[int, ...]]:
        """Over which axes alpha is the mean; ``None`` for no alpha."""
        rank = len(real.shape)
        if self.alpha is None:
            return None
        return layout.alpha_axes(rank) if self.alpha == "filter" else tuple(range(rank))

    def _put_binary(self) -> None:
        """Puts B into every kernel. One that holds neither W nor B was written by someone else: its value is
        the new W."""
        stale = [state for state in self._states if not state.holds(1)]
        for state in stale:
            if not state.holds(0):
                state.values = self._project(ops.copy(state.read()), state.kernel.filters)
        try:
            for state in stale:
                state.put(1)
        except BaseException:  # an interrupt between two kernels: finish, so that none stays real-valued
            for state in stale:
                state.put(1)
            raise

    def _absorb(self) -> None:
        """Applies to W what the training step did to B, and puts the new B into the model."""
        if not self._in_step:
            return
        for state in self._states:
            real, binary = state.values  # type: ignore[misc]
            layout = state.kernel.filters
            change = RULES[self.gradient](state.read() - binary, real, self._alpha_axes(real, layout))
            state.values = self._project(real + change, layout)
            state.put(1)
        self._in_step = False

    # -- the guard ------------------------------------------------------------------------------------------

    def _guard(self) -> None:
        """Wraps ``model.train_function``, so that a step and what follows it here succeed or fail together.

        Keras calls no hook when a step raises, and calls other callbacks between a step and ours. Under JAX the
        variables are not current inside ``fit``'s loop, so there the hook has to do.
        """
        step = getattr(self.model, "train_function", None)
        if keras.backend.backend() == "jax" or step is None or step is self._guarded_step:
            return

        @functools.wraps(step, updated=())
        def guarded(*args: Any, **kwargs: Any) -> Any:
            try:
                result = step(*args, **kwargs)
                self._absorb()
            except BaseException:
                self.settle()
                raise
            return result

        self._plain_step, self._guarded_step = step, guarded
        self.model.train_function = guarded

    def _unguard(self) -> None:
        if self._guarded_step is not None and self.model.train_function is self._guarded_step:
            self.model.train_function = self._plain_step
        self._plain_step = self._guarded_step = None
