"""Quantizers by name: what they do to a kernel, numerically, and to an input, in ops. Here are the table and the
signs in it; those of Larq that are no plain sign are in ``larq_quantizers``, larq-zoo's in ``larq_zoo``.

Users register their own::

    @xlite.converter.lowering.kernel_quantizer("MyPkg>Ternary")
    def ternary(kernel, config):
        return np.sign(kernel) * (abs(kernel) > config["threshold"])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Union

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.magnitudes import filter_magnitudes
from xlite.converter.lowering.names import look_up, named
from xlite.schema.errors import ConversionError
from xlite.schema.types import OpKind

KernelFunction = Callable[[np.ndarray, dict[str, Any]], np.ndarray]
InputFunction = Callable[[Context, Value, dict[str, Any]], Value]
Marks = Union[bool, Callable[[dict[str, Any]], bool]]  # whether it packs, always or by configuration


@dataclass(frozen=True)
class _Entry:
    function: Callable[..., Any]
    binary: Marks

    def marks(self, config: dict[str, Any]) -> bool:
        """Whether ``--strict`` insists on packing what this quantizer of that configuration gives."""
        return self.binary(config) if callable(self.binary) else self.binary


_KERNEL: dict[str, _Entry] = {}
_INPUT: dict[str, _Entry] = {}


def kernel_quantizer(*names: str, binary: Marks = False) -> Callable[[KernelFunction], KernelFunction]:
    """Decorator: registers ``function(kernel, config) -> kernel`` as the kernel quantizer called ``names``.

    ``kernel`` is float32 in Keras's own layout, output channels last. ``binary`` says that it leaves two levels a
    filter, or three with 0 in the middle, so that ``--strict`` insists on packing it; it may be a function of the
    quantizer's configuration.
    """

    def register(function: KernelFunction) -> KernelFunction:
        _KERNEL.update(dict.fromkeys(names, _Entry(function, binary)))
        return function

    return register


def input_quantizer(*names: str, binary: Marks = False) -> Callable[[InputFunction], InputFunction]:
    """Decorator: registers ``function(ctx, x, config) -> Value`` as the input quantizer called ``names``.

    ``binary`` says that it ends in UNPACK or FROM_PLANES, behind which ops can read bits; ``--strict`` then
    insists that they do.
    """

    def register(function: InputFunction) -> InputFunction:
        _INPUT.update(dict.fromkeys(names, _Entry(function, binary)))
        return function

    return register


def quantized_input(ctx: Context, x: Value, key: str = "input_quantizer") -> Value:
    """``x`` behind the layer's input quantizer, if it has one."""
    if ctx.config.get(key) is None:
        return x
    name, config, entry = _find(ctx, key, _INPUT, "input_quantizer")
    ctx.report.quantizers[key] = name
    if entry.marks(config):
        ctx.report.marked[key] = name
    return entry.function(ctx, x, config)


def quantized_kernel(ctx: Context, kernel: np.ndarray, key: str = "kernel_quantizer") -> np.ndarray:
    """The kernel as the layer uses it: behind its quantizer, float32, in Keras's layout."""
    if ctx.config.get(key) is None:
        return kernel
    name, config, entry = _find(ctx, key, _KERNEL, "kernel_quantizer")
    ctx.report.quantizers[key] = name
    if entry.marks(config):
        ctx.report.marked[key] = name
    quantized = np.asarray(entry.function(kernel, config))
    if quantized.shape != kernel.shape:
        raise ctx.error(
            f"has a quantizer '{name}' that gives {quantized.shape} for a kernel of {kernel.shape}",
            "return the kernel's own shape from it",
        )
    return quantized.astype(np.float32, copy=False)


def sign_op(ctx: Context, x: Value) -> Value:
    """+1 and -1 as a float program has them: SIGN, then UNPACK."""
    return ctx.add(OpKind.UNPACK, [ctx.add(OpKind.SIGN, [x])])


def is_input_quantizer(name: str) -> bool:
    """True for the name of an input quantizer, which may also stand as an activation."""
    return look_up(_INPUT, name) is not None


def apply_input_quantizer(ctx: Context, x: Value, name: str, config: dict[str, Any]) -> Value:
    """``x`` behind the input quantizer called ``name``."""
    entry = look_up(_INPUT, name)
    assert entry is not None
    return entry.function(ctx, x, config)


def _find(ctx: Context, key: str, table: dict[str, _Entry], decorator: str) -> tuple[str, dict[str, Any], _Entry]:
    value = ctx.config[key]
    found = named(value)
    if found is None:
        raise ctx.error(
            f"has a {key} that is code, which is never run",
            "register the quantizer with Keras under a name, and with xlite under the same name",
        )
    entry = look_up(table, found.name)
    if entry is None:
        raise _unknown(ctx, key, found.name, decorator)
    return found.name, found.config, entry


def _unknown(ctx: Context, key: str, name: str, decorator: str) -> ConversionError:
    known = ", ".join(sorted(n for n in (_KERNEL if decorator == "kernel_quantizer" else _INPUT) if n.islower()))
    return ctx.error(
        f"has the {key} '{name}', which is unknown",
        f'use one of {known}, or register it with @xlite.converter.lowering.{decorator}("{name}")',
    )


# -- those of xlite and Larq ---------------------------------------------------------------------------------


_SIGNS = (
    *("ste_sign", "SteSign", "approx_sign", "ApproxSign"),
    *("swish_sign", "SwishSign", "annealed_sign", "AnnealedSign"),
)


def scaled_signs(kernel: np.ndarray, alpha: np.ndarray | np.float32) -> np.ndarray:
    """-alpha where w < 0, else alpha; alpha broadcasts to the kernel. Written for kernels of 100 MB and more."""
    result = np.empty(kernel.shape, np.float32)
    result[...] = alpha
    np.negative(result, out=result, where=kernel < 0)
    return result


@kernel_quantizer(*_SIGNS, binary=True)
def _sign_kernel(kernel: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    """-1 where w < 0, else +1; they differ in their gradients alone."""
    return scaled_signs(kernel, np.float32(1))


@kernel_quantizer("magnitude_aware_sign", "MagnitudeAwareSign", binary=True)
def _magnitude_aware_kernel(kernel: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    """alpha * sign(w), alpha = mean |w| over all axes but the last (Bi-Real Net, arXiv 1808.00278)."""
    return scaled_signs(kernel, filter_magnitudes(kernel))


@kernel_quantizer("no_op", "NoOp", "NoOpQuantizer")
def _same_kernel(kernel: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    return kernel


@input_quantizer(*_SIGNS, binary=True)
def _sign_input(ctx: Context, x: Value, config: dict[str, Any]) -> Value:
    return sign_op(ctx, x)


@input_quantizer("no_op", "NoOp", "NoOpQuantizer")
def _same_input(ctx: Context, x: Value, config: dict[str, Any]) -> Value:
    return x
