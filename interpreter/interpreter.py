"""The interpreter: a model file in, predictions out."""

from __future__ import annotations

import operator
import sys
from _thread import RLock
from collections.abc import Mapping, Sequence

import numpy as np

from xlite.interpreter import calling, details, memory
from xlite.interpreter.program import Loaded, Program, Settings, compile_program, load_program
from xlite.interpreter.resolver import Resolver
from xlite.interpreter.targets import Target, get_target
from xlite.schema import load_model, verify
from xlite.schema.errors import Error, InputError, MemoryLimitError
from xlite.schema.naming import quoted, tensor_name
from xlite.schema.records import TYPE_CHECKING, record
from xlite.schema.types import Metadata, Model, Plan

if TYPE_CHECKING:
    import os
    from typing import Any, BinaryIO, Callable, Optional, Union

    from xlite.interpreter.profiler import ProfileRow
    from xlite.interpreter.resolver import Preference

    Source = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, BinaryIO, Model]


@record(frozen=True)
class KernelRow:
    """Which kernel computes an op. ``note`` is empty unless it is not of the backend that was wanted."""

    index: int
    name: str
    kind: str
    kernel: str
    backend: str
    wanted: str
    note: str


class Interpreter:
    """Runs one model. Where the names are those of ``tf.lite.Interpreter`` they mean the same.

    >>> interpreter = Interpreter("model.xlite")
    >>> scores = interpreter(images)                     # the short form, any batch

    An interpreter belongs to one thread at a time; several in several threads are independent.
    """

    def __init__(
        self,
        model: Source,
        *,
        backend: Preference = None,
        num_threads: int = 1,
        target: Union[str, Target, None] = None,
        memory_limit: Union[int, str, None] = None,
        prepack: bool = True,
        resolver: Optional[Resolver] = None,
        preserve_all_tensors: bool = False,
    ) -> None:
        """Loads, verifies, plans and resolves; memory is allocated on first use.

        model: a path, the file's bytes, a file opened for reading, or a Model in memory. backend: which kernels
        to use, see :mod:`xlite.interpreter.resolver`; it replaces the preference of ``resolver``. num_threads:
        for kernels that can use several. target: a device profile whose memory, less Python's own, is the limit.
        memory_limit: bytes, or text such as ``"64MiB"``, that the model may add to this process: its arena,
        workspace, prepacked weights and the pages of its file. prepack: whether kernels may keep weights in a
        faster layout. resolver: brings kernels and custom ops of your own. preserve_all_tensors: keeps every
        intermediate tensor readable after a run, for more memory.

        Raises FileError or VerifyError for the file, BackendError for the backend, KernelError for an op that
        nothing can compute, MemoryLimitError where the model does not fit.
        """
        if isinstance(num_threads, bool) or not isinstance(num_threads, int) or num_threads < 1:
            raise Error(f"num_threads must be 1 or more, is {num_threads!r}")
        source = _load(model)
        self._num_threads = num_threads
        self._target = None if target is None else get_target(target)
        limit = memory.make_limit(memory_limit, self._target)
        self._settings = Settings(limit, bool(prepack), bool(preserve_all_tensors), num_threads)
        if resolver is None:
            self._resolver = Resolver(backend)
        else:
            self._resolver = resolver if backend is None else resolver.with_backend(backend)
        self._resolver.check(source)
        # None once closed
        self._program: Optional[Program] = compile_program(source, 1, self._resolver, self._settings)
        self._loaded: Optional[Loaded] = None
        self._calls: Optional[tuple[Callable[[], None], ...]] = None
        self._lost: Optional[frozenset[int]] = None
        self._has_run = False
        self._in_pieces = False  # whether the tensors hold one piece of the last call's batch
        self._running = RLock()
        self._largest_piece = sys.maxsize  # that fits the memory, as far as was tried
        self._sample_bytes = self._program.plan.arena_bytes

    # -- life ------------------------------------------------------------------------------------------------

    def allocate_tensors(self) -> None:
        """Allocates the arena now instead of on first use. Inputs are zero until they are set."""
        self._memory()

    def close(self) -> None:
        """Lets go of the arena and of the mapped file. Arrays that ``tensor`` gave out keep their memory alive."""
        self._program = self._loaded = self._calls = None

    def __enter__(self) -> Interpreter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def resize_tensor_input(self, input_index: int, tensor_size: Sequence[int], strict: bool = True) -> None:
        """Changes the batch. All inputs share it, so this resizes every input; only the first axis may change.
        Memory is allocated anew on next use, and inputs are to be set again."""
        model = self._open().model
        self._check_input(input_index)
        shape = model.tensors[input_index].type.shape
        what = calling.input_name(model, input_index)
        try:
            wanted = tuple(operator.index(d) for d in tensor_size)
        except TypeError:
            raise InputError(f"{what} takes a shape of whole numbers, was given {tensor_size!r}") from None
        if len(wanted) != len(shape) or wanted[1:] != shape[1:]:
            free = ("batch", *shape[1:])
            raise InputError(f"{what} cannot have shape {wanted}: only the batch may change, ({_joined(free)})")
        if wanted[0] < 1:
            raise InputError(f"{what} cannot have a batch of {wanted[0]}: it must be 1 or more")
        self._set_batch(wanted[0])

    # -- running ---------------------------------------------------------------------------------------------

    def invoke(self) -> None:
        """Runs the model on the inputs as they are set. Raises Error while another thread runs it."""
        self._take_turn()
        try:
            calls = self._calls
            if calls is None:
                self._memory()
                calls = self._calls
                assert calls is not None
            for call in calls:
                call()
            self._has_run = True
            self._in_pieces = False
        finally:
            self._running.release()

    def __call__(self, *inputs: Any) -> Any:
        """Runs the model on a batch: ``it(x)``, ``it(x, y)`` or ``it({"name": x})``.

        Each input: anything that numpy takes as an array of the input's shape with any batch, or without the
        batch axis for a single sample. uint8 becomes float32 through the file's preprocessing where it has one
        (``float32(raw) * scale + offset``); other numbers are taken as they are and converted to the input's
        dtype. Returns one array, with the batch axis, or for a model with several outputs a list of them; a
        dictionary by name where a dictionary was given and there are several.

        A large batch runs in pieces that stay in the cache (not where the model has custom ops, which may look
        across it, nor with ``preserve_all_tensors``). ``resize_tensor_input`` runs any batch as a whole.

        Raises InputError, naming the input, for a missing one, a wrong shape or a dtype that does not convert;
        Error while another thread runs it.
        """
        model = self._open().model
        arrays = calling.batches(model, inputs)
        self._take_turn()
        try:
            outputs = self._run_pieces(arrays, self._choose_piece(len(arrays[0])))
        finally:
            self._running.release()
        if len(outputs) == 1:
            return outputs[0]
        if inputs and isinstance(inputs[0], Mapping):
            return {model.tensors[t].name: array for t, array in zip(model.outputs, outputs)}
        return outputs

    def profile(self, repeats: int = 10, warmup: int = 2) -> list[ProfileRow]:
        """Times every op on the inputs as they are set: one row an op, in running order."""
        if repeats < 1 or warmup < 0:
            raise Error(f"profile needs repeats >= 1 and warmup >= 0, not {repeats} and {warmup}")
        from xlite.interpreter.profiler import profile_steps

        rows = profile_steps(self._open(), self._memory().steps, repeats, warmup)
        self._has_run = True
        return rows

    # -- tensors ---------------------------------------------------------------------------------------------

    def set_tensor(self, tensor_index: int, value: np.ndarray) -> None:
        """Copies ``value`` into an input. Shape and dtype must be exactly those of ``get_input_details``."""
        self._check_input(tensor_index)
        program = self._open()
        type_ = program.types[tensor_index]
        what = calling.input_name(program.model, tensor_index)
        array = np.asarray(value)
        if array.shape != type_.shape:
            hint = " (resize_tensor_input changes the batch)" if array.shape[1:] == type_.shape[1:] else ""
            raise InputError(f"{what} has shape {type_.shape}, was given {array.shape}{hint}")
        wanted = details.logical_dtype(type_)
        if array.dtype != wanted:
            mend = f"convert it with .astype('{wanted}')"
            raise InputError(f"{what} takes {wanted}, was given {array.dtype}: {mend}")
        details.write_array(self._memory().arrays[tensor_index], type_, array, what)

    def get_tensor(self, tensor_index: int) -> np.ndarray:
        """A copy of a tensor's value; bits as int8 +1 and -1. Raises InputError for an output or intermediate
        before the first run, and for one whose memory another tensor has taken since."""
        self._check_index(tensor_index)
        program, loaded = self._open(), self._memory()
        model = program.model
        tensor = model.tensors[tensor_index]
        name = tensor_name(model, tensor_index)
        if self._in_pieces and not tensor.is_constant:
            raise InputError(
                f"{name} holds a part of the last batch, which ran in pieces of {program.batch}: "
                "use resize_tensor_input, set_tensor and invoke() to run it as a whole"
            )
        if not tensor.is_constant and tensor_index not in model.inputs:
            if not self._has_run:
                raise InputError(f"{name} has no value yet: call invoke() first")
            if self._lost is None:
                self._lost = details.overwritten(model, program.plan, program.types)
            if tensor_index in self._lost:
                raise InputError(
                    f"the memory of {name} was used again during the run: create the Interpreter "
                    "with preserve_all_tensors=True to read it"
                )
        return details.read_array(loaded.arrays[tensor_index], program.types[tensor_index])

    def tensor(self, tensor_index: int) -> Callable[[], np.ndarray]:
        """A function that returns the tensor's memory itself, without a copy; bits as their packed words. The
        array is valid until the batch changes."""
        self._check_index(tensor_index)
        return lambda: self._memory().arrays[tensor_index]

    def get_input_details(self) -> list[dict[str, Any]]:
        """Dictionaries as tf.lite gives them, in the order of the model's inputs."""
        return [self._details(t) for t in self._open().model.inputs]

    def get_output_details(self) -> list[dict[str, Any]]:
        """Dictionaries as tf.lite gives them, in the order of the model's outputs."""
        return [self._details(t) for t in self._open().model.outputs]

    def get_tensor_details(self) -> list[dict[str, Any]]:
        """Dictionaries as tf.lite gives them, for every tensor, constants included."""
        return [self._details(t) for t in range(len(self._open().model.tensors))]

    # -- what it is ------------------------------------------------------------------------------------------

    @property
    def model(self) -> Model:
        """What the file says."""
        return self._open().model

    @property
    def metadata(self) -> Metadata:
        """Labels, preprocessing and where the model came from."""
        return self._open().model.metadata

    @property
    def backend(self) -> str:
        """The backend that ops are meant to run on; :meth:`kernels` says where each does."""
        return self._resolver.default_backend

    @property
    def backends(self) -> dict[str, int]:
        """How many ops run on each backend."""
        counts: dict[str, int] = {}
        for row in self.kernels():
            counts[row.backend] = counts.get(row.backend, 0) + 1
        return counts

    @property
    def batch(self) -> int:
        return self._open().batch

    @property
    def num_threads(self) -> int:
        return self._num_threads

    @property
    def target(self) -> Optional[Target]:
        return self._target

    @property
    def account(self) -> memory.Account:
        """The memory that the model needs with its present batch and kernels."""
        return self._open().account

    @property
    def base_bytes(self) -> Optional[int]:
        """What this process had in memory, the model left out, when memory for the model was allocated: Python,
        numpy, the C library and whatever else is loaded. With ``account.total`` it is the peak that a run
        reaches. None before :meth:`allocate_tensors` or a first run, and where the system does not say."""
        if self._loaded is None or self._loaded.base is None:
            return None
        return self._loaded.base - (0 if self.account.mapped else self.account.weights)

    @property
    def plan(self) -> Plan:
        """Where tensors lie in the arena with the present batch."""
        return self._open().plan

    def kernels(self) -> list[KernelRow]:
        """Which kernel computes each op, in running order."""
        program = self._open()
        rows = []
        for i, (spec, choice) in enumerate(zip(program.specs, program.choices)):
            kernel, op = choice.kernel, spec.op
            rows.append(KernelRow(i, op.name, op.label, kernel.name, kernel.backend, choice.wanted, choice.note))
        return rows

    def __repr__(self) -> str:
        if self._program is None:
            return "<xlite.Interpreter, closed>"
        ops = ", ".join(f"{n} on {name}" for name, n in self.backends.items())
        return f"<xlite.Interpreter of {quoted(self.metadata.model_name)}: ops {ops}; batch {self.batch}>"

    # -- inside ----------------------------------------------------------------------------------------------

    def _open(self) -> Program:
        if self._program is None:
            raise InputError("this interpreter is closed: create a new one")
        return self._program

    def _take_turn(self) -> None:
        """Whoever calls this releases ``_running``."""
        if not self._running.acquire(blocking=False):
            raise Error("this interpreter runs in another thread now: give each thread one of its own")

    def _memory(self) -> Loaded:
        if self._loaded is None:
            self._loaded = load_program(self._open())
            self._calls = self._loaded.calls
        return self._loaded

    def _set_batch(self, batch: int) -> None:
        program = self._open()
        if batch != program.batch:
            # the new program first: where it is refused, the interpreter stays as it was
            self._program = compile_program(program.model, batch, self._resolver, self._settings)
            self._loaded = self._calls = self._lost = None
            self._has_run = self._in_pieces = False

    def _choose_piece(self, batch: int) -> int:
        """Sets the batch to the number of samples that a call runs at a time, and returns it: fewer where the
        memory does not suffice."""
        if batch == self.batch:
            return batch
        whole = self._settings.preserve_all or not calling.has_independent_samples(self.model)
        size = batch if whole else min(calling.piece_size(batch, self._sample_bytes), self._largest_piece)
        while True:
            try:
                self._set_batch(size)
                return size
            except MemoryLimitError:
                if whole or size == 1:
                    raise
                size = self._largest_piece = size // 2

    def _run_pieces(self, arrays: Sequence[np.ndarray], size: int) -> list[np.ndarray]:
        """Runs whole input batches ``size`` samples at a time; returns one whole batch an output."""
        program, loaded = self._open(), self._memory()
        model, types = program.model, program.types
        batch = len(arrays[0])
        outputs = [np.empty((batch, *types[t].shape[1:]), details.logical_dtype(types[t])) for t in model.outputs]
        for start, stop in calling.pieces(batch, size):
            for t, array in zip(model.inputs, arrays):
                what = calling.input_name(model, t)
                value = calling.convert(array[start:stop], types[t], model.metadata.preprocessing, what)
                details.write_array(loaded.arrays[t], types[t], value, what)
            self.invoke()
            for t, output in zip(model.outputs, outputs):
                output[start:stop] = details.read_array(loaded.arrays[t], types[t])
        self._in_pieces = size < batch
        return outputs

    def _details(self, index: int) -> dict[str, Any]:
        program = self._open()
        tensor = program.model.tensors[index]
        return details.tensor_details(tensor, index, program.types[index])

    def _check_index(self, index: int) -> None:
        count = len(self._open().model.tensors)
        if isinstance(index, bool) or not isinstance(index, (int, np.integer)) or not 0 <= index < count:
            raise InputError(f"there is no tensor {index!r}: this model has tensors 0 to {count - 1}")

    def _check_input(self, index: int) -> None:
        model = self._open().model
        self._check_index(index)
        if index not in model.inputs:
            inputs = ", ".join(tensor_name(model, t) for t in model.inputs)
            raise InputError(f"{tensor_name(model, index)} is no input: the inputs are {inputs}")


def _load(source: Source) -> Model:
    if not isinstance(source, Model):
        return load_model(source)
    verify(source)  # kernels trust every rule of the format, whoever built the model
    return source


def _joined(values: Sequence[object]) -> str:
    return ", ".join(map(str, values))
