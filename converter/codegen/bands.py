"""Running a chain of layers by bands of rows, so that none of its large tensors ever exists as a whole.

The first layers of a network have its largest images. Each of their output rows depends on a few input rows only,
so a chain of them can be run band by band: some rows of the last output, and of every image before just the rows
that these need. Between two ops lies a buffer of a few rows, the last ones of that image. After a band the rows
that nothing needs any more are dropped and the others move to the buffer's start, so that no row is computed
twice. (Lin and others call running one patch after the other "patch-based inference", arXiv 2110.15352; patches
recompute what they share, bands of whole rows share nothing but the buffers.)

Kernels do not know. A band of a convolution is a convolution of an image that has only the buffer's rows: the
padding above is what is left of it (``pad_top``, 0 but for the first bands), that below begins where the image
ends. An op that maps element by element may write over what it reads, and then shares its input's buffer.

:func:`rows_of` says how an op's rows depend on each other, :func:`make_bands` plays all bands through and so finds
each call's numbers and each buffer's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

from xlite.converter.codegen.calls import Call
from xlite.interpreter.planner import align
from xlite.schema.contracts import inplace_inputs
from xlite.schema.types import Model, TensorType

_MOST_ROWS = 2**16 - 1  # a table's numbers have 16 bits
# Kinds whose parameters count elements, or rows of channels, of the whole tensor; and those that have its shape.
_COUNTED = frozenset(
    [
        "SIGN",
        "UNPACK",
        "BATCH_NORM",
        "ACTIVATION",
        "SOFTMAX",
        "BIT_PLANES",
        "FROM_PLANES",
        "DENSE",
        "QUANTIZE",
        "DEQUANTIZE",
    ]
)
_SHAPED = frozenset(["ADD", "SUBTRACT", "MULTIPLY", "DIVIDE", "MAXIMUM", "MINIMUM", "PRELU"])
_WINDOWED = frozenset(["CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"])


@dataclass(frozen=True)
class Rows:
    """One op along the rows of its images. Output row y sees the input rows y * stride - pad + i * dilation,
    i < window. x_bytes, y_bytes: of one row. counts: fields of the parameters, and how much of each a row is;
    those of a window are known. In place: its output may take its input's bytes."""

    x_rows: int
    y_rows: int
    window: int
    stride: int
    dilation: int
    pad: int
    x_bytes: int
    y_bytes: int
    counts: tuple[tuple[str, int], ...]
    in_place: bool

    def needed(self, y_end: int) -> int:
        """How many of the input's rows, from its first, the output's rows below ``y_end`` need."""
        last = (y_end - 1) * self.stride - self.pad + (self.window - 1) * self.dilation
        return min(self.x_rows, last + 1)

    def first(self, y: int) -> int:
        """The first input row that output row ``y`` and those behind it see."""
        return max(0, y * self.stride - self.pad)


def rows_of(model: Model, call: Call) -> Optional[Rows]:
    """None for an op that cannot be cut into bands."""
    if call.params is None or call.inputs[0] < 0 or any(_is_activation(model, t) for t in call.inputs[1:]):
        return None
    x, y = model.tensors[call.inputs[0]].type, model.tensors[call.output].type
    if model.tensors[call.inputs[0]].is_constant or len(x.shape) != 4 or len(y.shape) != 4 or x.shape[0] != 1:
        return None
    x_bytes, y_bytes = x.nbytes // x.shape[1], y.nbytes // y.shape[1]
    if x_bytes % 4 or y_bytes % 4 or max(x.shape[1], y.shape[1]) > _MOST_ROWS:
        return None  # kernels want buffers that begin at a word
    in_place = 0 in inplace_inputs(call.spec.kind, call.spec.inputs, call.spec.outputs)
    if call.spec.kind.name in _WINDOWED:
        rows = Rows(x.shape[1], y.shape[1], *_vertical(call.params.window), x_bytes, y_bytes, (), in_place)
        return rows if _sees_rows(rows) else None
    counts = _counts(call, x, y)
    if counts is None:
        return None
    return Rows(x.shape[1], y.shape[1], 1, 1, 1, 0, x_bytes, y_bytes, counts, in_place)


def _is_activation(model: Model, tensor: int) -> bool:
    return tensor >= 0 and not model.tensors[tensor].is_constant


def _vertical(window: Any) -> tuple[int, int, int, int]:
    return window.window_h, window.stride_h, window.dilation_h, window.pad_top


def _sees_rows(rows: Rows) -> bool:
    """Whether every output row sees some of the image, and windows leave out no row between them."""
    sees = all(rows.first(y) < rows.needed(y + 1) for y in range(rows.y_rows))
    return sees and rows.stride <= (rows.window - 1) * rows.dilation + 1


def _counts(call: Call, x: TensorType, y: TensorType) -> Optional[tuple[tuple[str, int], ...]]:
    height = x.shape[1]
    if y.shape[1] != height:
        return None
    if call.spec.kind.name in _COUNTED:
        field = "rows" if hasattr(call.params, "rows") else "count"
        return ((field, getattr(call.params, field) // height),)
    if call.spec.kind.name in _SHAPED:
        return _shape_counts(call.params, height)
    return None


def _shape_counts(params: Any, height: int) -> Optional[tuple[tuple[str, int], ...]]:
    """The first shape is x's. The other operand's must have no rows: it would have to move along with x."""
    first, second = (name for name, *_ in params._fields_ if "shape" in name)
    if params.rank != 4 or getattr(params, first)[1] != height or getattr(params, second)[1] != 1:
        return None
    return ((f"{first}[1]", 1),)


@dataclass(frozen=True)
class Part:
    """What one op does in one band: how many output rows, how many rows its input has, how much padding lies
    above; how many rows already lie where its output goes; and afterwards, how many of the input's rows are
    dropped and kept. ``rows`` is 0 where it does nothing."""

    rows: int = 0
    x_rows: int = 0
    pad: int = 0
    at: int = 0
    drop: int = 0
    keep: int = 0


@dataclass(frozen=True)
class Buffer:
    """Some rows of the output of op ``stage`` of the chain. offset: in the chain's scratch."""

    stage: int
    row_bytes: int
    rows: int
    offset: int


@dataclass(frozen=True)
class Bands:
    """A chain by bands. height: rows of the first op's output in each. into: by op, the buffer that its output
    goes to; None: the chain's output. parts: by band, by op. scratch: bytes of all buffers and of the kernels'
    own scratch, which begins at ``work``."""

    calls: tuple[Call, ...]
    rows: tuple[Rows, ...]
    height: int
    buffers: tuple[Buffer, ...]
    into: tuple[Optional[int], ...]
    parts: tuple[tuple[Part, ...], ...]
    work: int
    scratch: int


def make_bands(calls: Sequence[Call], rows: Sequence[Rows], height: int) -> Bands:
    """Plays the chain through in bands of ``height`` rows of its first output; behind it every op computes the
    rows for which there is enough."""
    into, owners = _buffers_of(rows)
    ends = _ends(rows)
    state = _State([0] * len(rows), [0] * len(rows), [0] * len(owners))
    parts = []
    while state.done[-1] < ends[-1]:
        parts.append(_band(rows, into, ends, state, height))
    buffers, offset = [], 0
    for owner, count in zip(owners, state.most):
        buffers.append(Buffer(owner, rows[owner].y_bytes, count, offset))
        offset += align(count * rows[owner].y_bytes)
    work = max(call.workspace for call in calls)
    return Bands(tuple(calls), tuple(rows), height, tuple(buffers), into, tuple(parts), offset, offset + work)


def _ends(rows: Sequence[Rows]) -> list[int]:
    """By op, how many rows of its output anything needs."""
    ends = [rows[-1].y_rows]
    for op in reversed(rows[1:]):
        ends.append(op.needed(ends[-1]))
    return ends[::-1]


def _buffers_of(rows: Sequence[Rows]) -> tuple[tuple[Optional[int], ...], list[int]]:
    """By op, the number of the buffer that it writes; and the op that a buffer's rows are the output of."""
    into: list[Optional[int]] = [None] * len(rows)
    owners: list[int] = []
    for stage in range(len(rows) - 2, -1, -1):
        if rows[stage + 1].in_place:
            into[stage] = into[stage + 1]
        else:
            into[stage] = len(owners)
            owners.append(stage)
    return tuple(into), owners


@dataclass
class _State:
    """done: by op, its output rows so far. kept: by op, the first row of its input that is still there. most: by
    buffer, the rows that it has had to hold."""

    done: list[int]
    kept: list[int]
    most: list[int]


def _band(
    rows: Sequence[Rows], into: Sequence[Optional[int]], ends: Sequence[int], state: _State, height: int
) -> tuple[Part, ...]:
    parts = []
    for stage, op in enumerate(rows):
        done = state.done[stage]
        if stage == 0:
            end = min(done + height, ends[0])
            there = op.needed(end)
        else:
            there = state.done[stage - 1]
            end = done
            while end < ends[stage] and op.needed(end + 1) <= there:
                end += 1
        parts.append(_part(rows, into, state, stage, end, there) if end > done else Part())
    return tuple(parts)


def _part(
    rows: Sequence[Rows], into: Sequence[Optional[int]], state: _State, stage: int, end: int, there: int
) -> Part:
    """Op ``stage`` computes its rows up to ``end`` of the ``there`` first rows of its input."""
    op, done, target = rows[stage], state.done[stage], into[stage]
    shares = stage > 0 and into[stage - 1] == target
    first = done if shares else state.kept[stage]
    after = min(op.first(end), there)
    at = 0
    if target is not None:
        start = state.kept[_reader(into, stage)]
        at = done - start
        state.most[target] = max(state.most[target], end - start)
    state.kept[stage], state.done[stage] = after, end
    drop, keep = (0, 0) if shares else (after - first, there - after)
    return Part(end - done, there - first, max(0, op.pad - done * op.stride), at, drop, keep)


def _reader(into: Sequence[Optional[int]], stage: int) -> int:
    """The op that reads the buffer which ``stage`` writes, behind those that work in place there."""
    reader = stage + 1
    while into[reader] == into[stage]:
        reader += 1
    return reader
