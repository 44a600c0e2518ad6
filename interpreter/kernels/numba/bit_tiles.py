"""Register tiles: where some pixels and a block of filters differ, counted a byte of the window at a time.

Filters are packed as ``[block of channels][byte of the window][channel]``, so that a vector holds one byte of 64
filters (32 in a last block that needs no more). Each pixel's byte meets all of them at once and the counts stay in
byte lanes, which hold 31 bytes' worth; there is no sum across lanes. A tile of 6 pixels keeps the vectors busy.

numba has no vectors of its own: the innermost loop is emitted as LLVM's, in one of two ways.

- Where the machine counts bits in vectors (or has no table look-up that we know), xor and LLVM's ``ctpop``.
- On AVX2, which must put ctpop together from eight instructions for 256 bits, tables. For a nibble ``a`` of the
  pixel, ``table[w] = popcount(a ^ w)`` has 16 entries and ``pshufb`` looks up 32 nibbles of weights in it: two
  instructions for 128 binary products, where the other way has four. A byte's two tables lie side by side.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import Any, Callable, Optional

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from xlite.interpreter.kernels.numba.jit import kernel

PIXELS = 6  # of a tile, by 64 lanes: 12 of AVX2's 16 registers are sums
LANES = 64
_HALF = 32
_RUN = 31  # bytes whose set bits a byte can count
MOST = 2**16 - 1  # bits that a tile counts in all
TILE_COUNTS = PIXELS * LANES

_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
Vectors = list[Any]  # LLVM values: the lanes of one pixel
# (builder, sums of every pixel, byte of every pixel, address of weights) -> sums
Way = Callable[[Any, list[Vectors], list[Any], Any], list[Vectors]]


def _vector(element: Any, count: int) -> Any:
    return ir.VectorType(element, count)


def _splat(vector: Any, value: int) -> Any:
    return ir.Constant(vector, [value] * vector.count)


def _at(builder: Any, address: Any, offset: Any) -> Any:
    return builder.gep(address, [_I64(offset) if isinstance(offset, int) else offset])


def _load(builder: Any, address: Any, vector: Any, align: int) -> Any:
    return builder.load(builder.bitcast(address, vector.as_pointer()), align=align)


# -- the two ways ---------------------------------------------------------------------------------------------


def count_by_ctpop(builder: Any, sums: list[Vectors], pixels: list[Any], weights: Any) -> list[Vectors]:
    """One vector a pixel, as wide as the block."""
    vector = sums[0][0].type
    name = f"llvm.ctpop.v{vector.count}i8"
    ctpop = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector]), name)
    filters = _load(builder, weights, vector, _HALF)
    undefined, everywhere = ir.Constant(vector, ir.Undefined), _splat(_vector(_I32, vector.count), 0)
    added = []
    for (before,), byte in zip(sums, pixels):
        one = builder.insert_element(undefined, byte, _I32(0))
        differ = builder.xor(builder.shuffle_vector(one, undefined, everywhere), filters)
        added.append([builder.add(before, builder.call(ctpop, [differ]))])
    return added


def count_by_tables(builder: Any, sums: list[Vectors], pixels: list[Any], weights: Any) -> list[Vectors]:
    """Vectors of 32 lanes. Low nibbles first, then the high ones: sums, nibbles of two vectors, a table and a mask
    are all that AVX2 has registers for."""
    vector, table = _vector(_I8, 32), _vector(_I8, 16)
    look_up = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(vector, [vector, vector]), "llvm.x86.avx2.pshuf.b"
    )
    twice = ir.Constant(_vector(_I32, 32), [i % 16 for i in range(32)])
    filters = [_load(builder, _at(builder, weights, 32 * i), vector, 32) for i in range(len(sums[0]))]
    tables = _tables(builder)
    tables = [_at(builder, tables, builder.shl(builder.zext(byte, _I64), _I64(5))) for byte in pixels]
    for high in (0, 1):
        shifted = [builder.lshr(f, _splat(vector, 4)) for f in filters] if high else filters
        nibbles = [builder.and_(f, _splat(vector, 15)) for f in shifted]
        added = []
        for before, address in zip(sums, tables):
            one = _load(builder, _at(builder, address, 16 * high), table, 16)
            both = _pin(builder, builder.shuffle_vector(one, ir.Constant(table, ir.Undefined), twice))
            counts = [builder.call(look_up, [both, nibble]) for nibble in nibbles]
            added.append([_pin(builder, builder.add(b, c)) for b, c in zip(before, counts)])
        sums = added
    return sums


def _pin(builder: Any, value: Any) -> Any:
    """LLVM is to keep the order: it would hold more intermediate results than there are registers."""
    return builder.asm(ir.FunctionType(value.type, [value.type]), "", "=x,0", [value], side_effect=True)


def _tables(builder: Any) -> Any:
    """The address of 256 pairs of tables: of the low and the high nibble of every byte."""
    name = ".xlite.nibble_tables"
    found = builder.module.globals.get(name)
    if found is None:
        ones = [bin(nibble).count("1") for nibble in range(16)]
        entries = [ones[a ^ w] for byte in range(256) for a in (byte & 15, byte >> 4) for w in range(16)]
        array = ir.ArrayType(_I8, len(entries))
        found = ir.GlobalVariable(builder.module, array, name)
        found.linkage, found.global_constant, found.align = "internal", True, 64
        found.initializer = ir.Constant(array, bytearray(entries))
    return builder.bitcast(found, _I8.as_pointer())


def target_features() -> set[str]:
    """What numba compiles for, as LLVM calls it ("+avx2"); its cache keeps machines apart by these."""
    return set(cpu_target.target_context.codegen().magic_tuple()[2].split(","))


def _best_way() -> Way:
    features = target_features()
    return count_by_tables if "+avx2" in features and "+avx512bitalg" not in features else count_by_ctpop


# -- a tile ---------------------------------------------------------------------------------------------------


def make_tile(pixels: int, lanes: int, way: Optional[Way] = None) -> Any:
    """A function for kernels: ``tile(x, starts, offsets, first, last, filters, at, counts, add)`` counts the bits
    in which bytes ``first`` to ``last`` (31 at most) of ``pixels`` windows differ from those of ``lanes`` filters.

    x: uint8 (n,); byte k of window m is ``x[starts[m] + offsets[k]]``. starts: int64 (pixels,). offsets: int32.
    filters: uint8 (n,), 32-byte aligned; byte ``first`` of the first filter is at ``at``, a multiple of 32.
    counts: uint16 (pixels * lanes,), set, or added to where ``add`` is not 0.
    """

    def tile(typing, x, starts, offsets, first, last, filters, at, counts, add):  # type: ignore[no-untyped-def]
        number = types.int64
        signature = types.void(x, starts, offsets, number, number, filters, number, counts, number)
        return signature, partial(_emit_tile, pixels, lanes, way)

    return intrinsic(tile)


def _emit_tile(pixels, lanes, way, context, builder, signature, arguments):  # type: ignore[no-untyped-def]
    def data(i):  # type: ignore[no-untyped-def]
        return context.make_array(signature.args[i])(context, builder, arguments[i]).data

    x, starts, offsets, filters, counts = (data(i) for i in (0, 1, 2, 5, 7))
    first, last, at, add = (arguments[i] for i in (3, 4, 6, 8))
    way = way or _best_way()
    width = 32 if way is count_by_tables else lanes
    windows = [_at(builder, x, builder.load(_at(builder, starts, m))) for m in range(pixels)]
    weights = _at(builder, filters, at)

    before, loop, after = builder.block, builder.append_basic_block("bytes"), builder.append_basic_block("counted")
    builder.branch(loop)
    builder.position_at_end(loop)
    k, here = builder.phi(_I64), builder.phi(weights.type)
    vector = _vector(_I8, width)
    sums = [[builder.phi(vector) for _ in range(lanes // width)] for _ in range(pixels)]
    offset = builder.sext(builder.load(_at(builder, offsets, k)), _I64)
    pixel_bytes = [builder.load(_at(builder, window, offset)) for window in windows]
    added = list(chain.from_iterable(way(builder, sums, pixel_bytes, here)))
    phis = [k, here, *chain.from_iterable(sums)]
    begins = [first, weights, *[_splat(vector, 0)] * len(added)]
    nexts = [builder.add(k, _I64(1)), _at(builder, here, lanes), *added]
    for phi, begin, following in zip(phis, begins, nexts):
        phi.add_incoming(begin, before)
        phi.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_signed("<", nexts[0], last), loop, after)

    builder.position_at_end(after)
    _store(builder, added, counts, builder.icmp_signed("!=", add, _I64(0)))
    return context.get_dummy_value()


def _store(builder: Any, sums: Vectors, counts: Any, add: Any) -> None:
    """Vectors of bytes, one after the other, as 16 bit counts."""
    wide = _vector(_I16, sums[0].type.count)
    for i, value in enumerate(sums):
        address = builder.bitcast(_at(builder, counts, i * wide.count), wide.as_pointer())
        old = builder.select(add, builder.load(address, align=2), _splat(wide, 0))
        builder.store(builder.add(builder.zext(value, wide), old), address, align=2)


_tile_6x64, _tile_6x32 = make_tile(PIXELS, LANES), make_tile(PIXELS, _HALF)
_tile_1x64, _tile_1x32 = make_tile(1, LANES), make_tile(1, _HALF)


# -- all tiles of a chunk of pixels -----------------------------------------------------------------------------


@kernel
def _count(x, starts, pixels, offsets, filters, at, lanes, counts, add):  # type: ignore[no-untyped-def]
    """Adds the counts of one tile of 6 pixels or 1, over the whole window."""
    for k in range(0, offsets.size, _RUN):
        last = min(k + _RUN, offsets.size)
        here = at + k * lanes
        if pixels == 1:
            if lanes == LANES:
                _tile_1x64(x, starts, offsets, k, last, filters, here, counts, add)
            else:
                _tile_1x32(x, starts, offsets, k, last, filters, here, counts, add)
        elif lanes == LANES:
            _tile_6x64(x, starts, offsets, k, last, filters, here, counts, add)
        else:
            _tile_6x32(x, starts, offsets, k, last, filters, here, counts, add)
        add = 1


@kernel
def dot_tiles(x, offsets, filters, acc, starts, counts, place, sizes):  # type: ignore[no-untyped-def]
    """Dot products of signs of the pixels in ``acc``, int32 (pixels, channels), with one group's filters.

    x, offsets, filters: as in :func:`make_tile`; filters from :func:`pack_rows`, one copy after the other.
    starts: int64 (6,) and counts: uint16 (TILE_COUNTS,) are scratch. place: the first pixel and pixels of a line;
    bytes from line to line, from pixel to pixel, to the first pixel of all and from bit plane to bit plane. sizes:
    where the group's filters begin, how many there are and copies of them, the channel of ``acc`` for the first;
    bit planes, and what an accumulator is: ``length - factor * counts``.
    """
    first, out_w, line_bytes, pixel_bytes, base, plane_bytes = place
    at, channels, copies, to, planes, length, factor = sizes
    copy_bytes = (channels + _HALF - 1) // _HALF * _HALF * offsets.size
    for block in range(0, channels, LANES):
        lanes = LANES if channels - block > _HALF else _HALF
        used = min(channels - block, lanes)
        p, line, column = 0, first // out_w, first % out_w
        while p < acc.shape[0]:
            left = acc.shape[0] - p
            pixels = PIXELS if left >= PIXELS - 2 else 1  # a tile with two idle pixels beats four of one
            for m in range(pixels):
                starts[m] = base + line * line_bytes + column * pixel_bytes + (planes - 1) * plane_bytes
                if m < left - 1:
                    column += 1
                    if column == out_w:
                        column, line = 0, line + 1
            for plane in range(planes - 1, -1, -1):
                if plane < planes - 1:
                    for m in range(pixels):
                        starts[m] -= plane_bytes
                    for i in range(pixels * lanes):
                        counts[i] *= 2
                for copy in range(copies):
                    here = at + copy * copy_bytes + block * offsets.size
                    add = copy > 0 or plane < planes - 1
                    _count(x, starts, pixels, offsets, filters, here, lanes, counts, np.int64(add))
            for m in range(min(pixels, left)):
                row = acc[p + m, to + block : to + block + used]
                counted = counts[m * lanes : m * lanes + used]
                for c in range(used):
                    row[c] = length - factor * np.int32(counted[c])
            p += pixels


# -- packing ----------------------------------------------------------------------------------------------------


def packed_bytes(filters: int, row_bytes: int) -> int:
    """Bytes of one copy of one group's filters."""
    return -(-filters // _HALF) * _HALF * row_bytes


def pack_rows(rows: np.ndarray, out: np.ndarray) -> None:
    """Filters as bytes (filters, row_bytes), in tile order into ``out``, uint8 (packed_bytes,)."""
    count, length = rows.shape
    for first in range(0, count, LANES):
        some = rows[first : first + LANES]
        lanes = LANES if len(some) > _HALF else _HALF
        block = out[first * length : (first + lanes) * length].reshape(length, lanes)
        block[:, : len(some)] = some.T
        block[:, len(some) :] = 0
