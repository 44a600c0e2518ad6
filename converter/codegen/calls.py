"""From the ops of a model to calls of portable kernels with their parameters."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Callable, Optional, cast

from xlite.converter.codegen.literals import FunctionNames
from xlite.interpreter import backends
from xlite.interpreter.kernels.base import Kernel, OpSpec
from xlite.interpreter.kernels.c.library import Library
from xlite.schema.contracts import with_optional_inputs
from xlite.schema.errors import KernelError
from xlite.schema.naming import op_name, quoted
from xlite.schema.types import CustomOptions, Model, OpKind

MAX_INPUTS = 6  # of an xl_op
MakeParams = Callable[[OpSpec, Library], ctypes.Structure]


@dataclass(frozen=True)
class Call:
    """One op. index: in the model's ops. function: the kernel, or a user's. params: its struct, None for a custom
    op, which gets its ``data``. inputs: tensors by slot, -1 where absent; output: the tensor it writes.
    workspace: bytes of scratch."""

    index: int
    spec: OpSpec
    function: str
    params: Optional[ctypes.Structure]
    inputs: tuple[int, ...]
    output: int
    workspace: int
    data: bytes = b""


def make_calls(model: Model, functions: FunctionNames, custom: Mapping[str, str]) -> list[Call]:
    """A call for every op, in order. functions: gets the names of the functions that parameters hold. custom: C
    functions by custom op. Raises KernelError, naming the op and the mend, where there is no kernel, and
    BackendError without the compiled library, which knows how much scratch a kernel takes."""
    backends.require("c")
    return [_call(model, index, functions, custom) for index in range(len(model.ops))]


def _call(model: Model, index: int, functions: FunctionNames, custom: Mapping[str, str]) -> Call:
    op = model.ops[index]
    inputs = with_optional_inputs(op.kind, op.inputs)
    types = tuple(None if t < 0 else model.tensors[t].type for t in inputs)
    spec = OpSpec(op, types, tuple(model.tensors[t].type for t in op.outputs))
    if op.kind is OpKind.CUSTOM:
        return _custom_call(model, index, spec, custom)
    kernel, make_params = _portable(model, index, spec)
    params = make_params(spec, cast(Library, functions))
    return Call(index, spec, kernel.name, params, inputs, op.outputs[0], kernel.workspace(spec))


def _portable(model: Model, index: int, spec: OpSpec) -> tuple[Kernel, MakeParams]:
    from xlite.interpreter.kernels.c.kernels import PARAMS

    for kernel in backends.kernels_of("c").get(spec.kind, ()):
        if kernel.name in PARAMS and kernel.supports(spec):
            return kernel, PARAMS[kernel.name]
    raise KernelError(f"{op_name(model, index)}: there is no C kernel for its types; run the model in Python")


def _custom_call(model: Model, index: int, spec: OpSpec, custom: Mapping[str, str]) -> Call:
    op = spec.op
    assert isinstance(op.options, CustomOptions)
    function = custom.get(op.options.name)
    if function is None:
        raise KernelError(
            f"{op_name(model, index)} is the custom op {quoted(op.options.name)}: write it in C and name the "
            f"function with --custom {op.options.name}=FUNCTION"
        )
    if len(op.inputs) > MAX_INPUTS or len(op.outputs) != 1:
        raise KernelError(
            f"{op_name(model, index)} has {len(op.inputs)} inputs and {len(op.outputs)} outputs: a custom op in C "
            f"has up to {MAX_INPUTS} and one"
        )
    return Call(index, spec, function, None, op.inputs, op.outputs[0], 0, op.options.data)
