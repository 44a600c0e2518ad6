"""How long an op takes, estimated: work times what a unit of work was measured to cost.

A kernel's work is its multiply-accumulates and the elements that it writes (or reads, where those are more); what
each of them costs is in :mod:`xlite.interpreter.cost_figures`, by instruction set, family of kernels and class of
op, with the command that measured it. Costs are instructions where the device is emulated, since an emulator knows
no time, and nanoseconds where it is this kind of machine.

It is an estimate: nothing here knows caches, memory or how many instructions a core starts at a time. It serves to
compare, kernels with each other and layers with each other, and to tell milliseconds from seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from xlite.interpreter.cost_figures import FIGURES
from xlite.interpreter.kernels.base import Kernel, OpSpec
from xlite.interpreter.targets import isa_here
from xlite.schema.contracts import FILTERED
from xlite.schema.macs import multiply_accumulates, precision
from xlite.schema.records import TYPE_CHECKING, record
from xlite.schema.types import ActivationOptions, DType, OpKind

if TYPE_CHECKING:
    from typing import Optional

    from xlite.schema.types import TensorType

TILED, LOOKUP = "c tiled", "c lookup"  # families of the C library's kernels beside "c"
HOST = "host"  # the figures of a computer as this one, in nanoseconds
_MASK = 5  # its slot
_STEM = ".stem"
_DEARER = 1.05  # how much longer than a preferred kernel one is taken to need at the least


@record(frozen=True)
class Work:
    """What an op does. ``key``: its class, for example ``conv_2d bitxbit`` or ``sign f32``; that of a kind which
    costs otherwise has a dot, ``activation.sigmoid f32``. ``weights``: of its filter."""

    key: str
    macs: int
    elements: int
    weights: int = 0

    def calls(self, family: str) -> int:
        """What the third rate counts: calls, but for look-ups the weights, of which a call makes tables."""
        return self.weights if family == LOOKUP else 1


@record(frozen=True)
class Figures:
    """Costs of one instruction set, in ``unit``. ``rates``: family of kernels -> class of op -> cost of a
    multiply-accumulate, of an element and of a call. ``source``: the command that measured them."""

    unit: str
    source: str
    rates: dict[str, dict[str, tuple[float, float, float]]]


def figures(isa: str) -> Optional[Figures]:
    """What was measured for an instruction set, None where nothing was."""
    found = FIGURES.get(isa)
    return None if found is None else Figures(**found)


def work(spec: OpSpec) -> Work:
    """The work of one op, for the batch that its types have."""
    given = [t for t in spec.inputs if t is not None]
    output = spec.outputs[0]
    kind = spec.kind.name.lower()
    if spec.kind in FILTERED and len(given) > 1:
        x, kernel = given[:2]
        planes = getattr(spec.op.options, "planes", 1)
        masked = len(spec.inputs) > _MASK and spec.inputs[_MASK] is not None
        macs = multiply_accumulates(spec.kind, x, kernel, output, planes)
        kind += _STEM if _is_stem(spec, x, kernel) else ""
        return Work(f"{kind} {precision(x, kernel, masked)}", macs, output.elements, kernel.elements)
    if isinstance(spec.op.options, ActivationOptions):  # a sigmoid takes many times as long as a ReLU
        kind += f".{spec.op.options.activation.kind.name.lower()}"
    largest = max((t.elements for t in (*given, *spec.outputs)), default=0)
    return Work(f"{kind} {given[0].dtype.short if given else output.dtype.short}", 0, largest)


def _is_stem(spec: OpSpec, x: TensorType, kernel: TensorType) -> bool:
    """Windows of bytes of seven columns with a stride of two: a core may need fewer products for them
    (c/kernels/conv2d_toom.c)."""
    if spec.kind is not OpKind.CONV_2D or x.dtype not in (DType.UINT8, DType.INT8):
        return False
    return kernel.shape[2] == 7 and getattr(spec.op.options, "stride_w", 1) == 2


def family(kernel: Kernel) -> str:
    """Kernels whose costs are alike: a backend; of the C library those in register tiles and by look-up apart."""
    return family_of(kernel.name, kernel.backend)


def family_of(name: str, backend: str) -> str:
    """The same, of a kernel's name."""
    if backend != "c":
        return backend
    return TILED if "_tiled_" in name else LOOKUP if "_lookup_" in name else backend


def estimate(spec: OpSpec, kernel: Kernel, known: Figures) -> Optional[float]:
    """What one run of the op costs, in the unit of the figures; None where its like was never measured."""
    done = work(spec)
    name = family(kernel)
    if name == LOOKUP and done.key not in known.rates.get(name, {}):  # not measured apart
        name = kernel.backend
    rate = _rate(known.rates.get(name, {}), spec, done.key)
    if rate is None:
        return None
    a_mac, an_element, a_call = rate
    return a_mac * done.macs + an_element * done.elements + a_call * done.calls(name)


def _rate(
    rates: dict[str, tuple[float, float, float]], spec: OpSpec, key: str
) -> Optional[tuple[float, float, float]]:
    """The rate of this class, else that of a class like it: another op with a filter of the same precision,
    another op on the same type."""
    key = key if key in rates else key.replace(" i8", " u8")  # bytes are bytes
    key = key if key in rates else key.replace(_STEM, "")
    if key in rates:
        return rates[key]
    ending = key[key.index(" ") :]
    filtered = spec.kind in FILTERED
    alike = [rate for name, rate in rates.items() if name.endswith(ending) and (rate[0] > 0) == filtered]
    if ending.endswith("tern"):  # a filter and its mask: twice the bits
        return _twice(_rate(rates, spec, key.replace("tern", "bit")))
    return max(alike, default=None) if filtered else sorted(alike)[len(alike) // 2] if alike else None


def _twice(rate: Optional[tuple[float, float, float]]) -> Optional[tuple[float, float, float]]:
    return None if rate is None else (2 * rate[0], 2 * rate[1], rate[2])


def rank(kernels: Sequence[Kernel], spec: OpSpec, known: Optional[Figures] = None) -> list[float]:
    """Times to choose among kernels by, the preferred one first: estimates where there are some, and never such
    that a kernel seems slower than one that is preferred to it less. known: of another machine than this one."""
    known = _here() if known is None else known
    found = [None if known is None else estimate(spec, kernel, known) for kernel in kernels]
    size = work(spec)
    unknown = float(size.macs + size.elements)
    times: list[float] = []
    for i, time in enumerate(found):
        if time is None:  # a kernel of the user's own, say: a little faster than the next that is known
            later = [t for t in found[i:] if t is not None]
            time = later[0] / _DEARER if later else unknown
        times.append(max(time, times[-1] * _DEARER) if times else time)
    return times


@lru_cache(maxsize=1)
def _here() -> Optional[Figures]:
    """Figures for the machine that this runs on: of its own kind where there are, else the computers' in
    general."""
    return figures(isa_here()) or figures(HOST)
