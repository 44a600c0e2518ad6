"""Bytes that are no honest file: each gives an xlite error with the field and the byte, or a valid model."""

from __future__ import annotations

import functools
import random
import re
import tracemalloc
from typing import Any

import numpy as np
import pytest

from tests.schema.models import assert_same, every_op_model, small_model
from tests.schema.raw import BUFFERS, OPS, TENSORS, Raw, patched, place, survives, table_of, target
from xlite.schema import FileError, VerifyError, layout, read_model, verify, write_model
from xlite.schema.limits import MAX_ENTRIES, MAX_LABELS, MAX_OPS, MAX_TENSORS


@functools.cache
def small() -> bytes:
    return write_model(small_model())


@functools.cache
def large() -> bytes:
    return write_model(every_op_model())


# -- any byte, anywhere --------------------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [small, large], ids=["small", "large"])
def test_truncation_at_every_byte(whole) -> None:
    data = whole()
    assert survives(data)
    accepted = [end for end in range(len(data)) if survives(data[:end])]
    # What may go is padding behind the last constant, nothing else.
    assert all(end > len(data) - 16 and not any(data[end:]) for end in accepted)


@pytest.mark.parametrize("seed", range(6))
def test_single_byte_mutations_of_a_small_file(seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(small())
    for _ in range(1000):
        where = rng.randrange(len(data))
        old = data[where]
        data[where] = rng.choice([rng.randrange(256), old ^ 1 << rng.randrange(8), 0, 255, (old + 1) % 256])
        survives(bytes(data))
        data[where] = old


def test_single_byte_mutations_of_every_kind_of_op() -> None:
    rng = random.Random(7)
    data = bytearray(large())
    for _ in range(1200):
        where = rng.randrange(len(data))
        old = data[where]
        data[where] = rng.randrange(256)
        survives(bytes(data))
        data[where] = old


def test_bytes_moved_inserted_and_removed() -> None:
    rng = random.Random(8)
    whole = small()
    for _ in range(1000):
        data = bytearray(whole)
        a, b = rng.randrange(len(data)), rng.randrange(len(data))
        length = rng.choice([1, 2, 4, 8, 64])
        change = rng.randrange(4)
        if change == 0:
            data[a : a + length] = data[b : b + length]
        elif change == 1:
            del data[a : a + length]
        elif change == 2:
            data[a:a] = rng.randbytes(length)
        else:
            data[a & ~3 : (a & ~3) + 4] = rng.choice([0, 1, 4, len(whole), 2**31, 2**32 - 1]).to_bytes(4, "little")
        survives(bytes(data))


def test_random_bytes_behind_a_good_header() -> None:
    rng = random.Random(9)
    for _ in range(500):
        survives(small()[:12] + rng.randbytes(rng.randrange(200)))


# -- what the message says -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a .xlite file: it is empty"),
        (b"abc", "not a .xlite file"),
        (bytes(4) + b"TFL3" + bytes(64), "not a .xlite file: bytes 4 to 8 are b'TFL3' instead of"),
        (b"\x89HDF\r\n\x1a\n" + bytes(64), "pack it first: xlite convert"),
        (b"PK\x03\x04" + bytes(64), "pack it first: xlite convert"),
        (bytes(4) + b"XLTE", "the root table: the offset at byte 0 is null"),
        (b"\x08\0\0\0XLTE", "the root table: the offset at byte 0 points at byte 8, past the end"),
    ],
)
def test_what_is_no_file_of_ours(data: bytes, message: str) -> None:
    with pytest.raises(FileError, match=re.escape(message)):
        read_model(data)


@pytest.mark.parametrize("source", [17, None, [1, 2], "text", np.zeros((4, 4))[:, 1]])
def test_what_is_no_bytes(source) -> None:
    with pytest.raises(FileError, match=f"cannot read a model from {type(source).__name__}"):
        read_model(source)


def refused(data: bytes, message: str) -> None:
    with pytest.raises(VerifyError, match=message):
        read_model(data)


def damaged(where: int, code: str, *values: int) -> bytes:
    return patched(small(), where, code, *values)


def shape_at(index: int) -> int:
    """The byte of the length of a tensor's shape in the small file."""
    return target(small(), place(small(), layout.TENSOR, "shape", "tensors", index))


def vtable_of(data: bytes, start: int) -> int:
    return start - int.from_bytes(data[start : start + 4], "little", signed=True)


@pytest.mark.parametrize("count", [400, 2**16, 2**31 - 1, 2**31, 2**32 - 1])
def test_a_vector_that_is_too_long(count: int) -> None:
    where = shape_at(3)
    message = rf"^tensors\[3\]\.shape: vector of {count} elements at byte {where} runs past the end of the file "
    refused(damaged(where, "<I", count), message + rf"\({len(small())} bytes\)$")


def test_strings() -> None:
    where = target(small(), place(small(), layout.OP, "name", "ops", 1))
    assert small()[where + 4 : where + 8] == b"conv"
    name = r"^ops\[1\]\.name: "
    refused(damaged(where, "<I", 10_000), name + f"string of 10000 bytes at byte {where} runs past the end")
    refused(damaged(where, "<I", 3), name + f"the string at byte {where} does not end in a zero byte")
    refused(
        damaged(where + 5, "<B", 0xFF), name + rf"the string at byte {where} is not UTF-8 \(byte {where + 5}\)"
    )


def test_offsets() -> None:
    where = place(small(), layout.OP, "name", "ops", 1)
    name = rf"^ops\[1\]\.name: the offset at byte {where} "
    refused(damaged(where, "<I", 0), name + "is null")
    for offset in (2**31, 2**32 - 4, len(small()) - where):
        refused(damaged(where, "<I", offset), name + rf"points at byte {where + offset}, past the end")
    refused(damaged(where, "<I", 6), name + f"points at byte {where + 6}, which is not aligned")


def test_vtables() -> None:
    start = table_of(small(), "plan").Pos
    vtable = vtable_of(small(), start)
    outside = f"^plan: the table at byte {start} has its vtable at byte "
    refused(damaged(start, "<i", -(2**31)), outside + rf"{2**31 + start}, outside the file")
    refused(damaged(start, "<i", start + 4), outside + "-4, outside the file")
    refused(damaged(start, "<i", start - vtable + 1), f"^plan: the vtable at byte {vtable - 1} is not aligned")
    for sizes in ((2, 24), (5, 24), (10, 2)):
        refused(damaged(vtable, "<HH", *sizes), rf"^plan: the vtable at byte {vtable} has impossible sizes")
    refused(damaged(vtable, "<H", 60_000), f"^plan: vtable of 60000 bytes at byte {vtable} runs past the end")
    refused(damaged(vtable + 2, "<H", 60_000), f"^plan: table of 60000 bytes at byte {start} runs past the end")
    for offset in (2, 22, 60_000):
        message = rf"^plan\.arena_bytes: the vtable at byte {vtable} puts it at {offset}, outside its table of 24"
        refused(damaged(vtable + 6, "<H", offset), message)


def test_alignment() -> None:
    vtable = vtable_of(small(), table_of(small(), "plan").Pos)
    offset = int.from_bytes(small()[vtable + 6 : vtable + 8], "little")
    misplaced = next(other for other in (4, 8) if other % 8 != offset % 8)
    message = r"^plan\.arena_bytes: the value at byte \d+ is not aligned to 8 bytes"
    refused(damaged(vtable + 6, "<H", misplaced), message)
    where = place(small(), layout.BUFFER, "data", "buffers", 0)
    start = target(small(), where)
    data = patched(damaged(where, "<I", start - where - 4), start - 4, "<I", 4)
    message = rf"^buffers\[0\]\.data: the vector's first element at byte {start} is not aligned to 16 bytes"
    refused(data, message)


def test_unions() -> None:
    tab = table_of(small(), "ops", 1)
    vtable = vtable_of(small(), tab.Pos)
    type_slot, value_slot = vtable + 4 + 2 * 3, vtable + 4 + 2 * 4
    type_at = tab.Pos + int.from_bytes(small()[type_slot : type_slot + 2], "little")
    name = r"^ops\[\d\]\.options: "
    refused(damaged(type_at, "<B", 0), name + "has a value without a type")
    refused(damaged(type_slot, "<H", 0), name + "has a value without a type")
    refused(damaged(value_slot, "<H", 0), name + "has a type without a value")
    refused(damaged(type_at, "<B", 99), name + r"there is no options table number 99 in version 1\.2")


@pytest.mark.parametrize(
    ("table", "field", "path", "what"),
    [
        (layout.OP, "kind", ("ops", 1), "op"),
        (layout.TENSOR, "dtype", ("tensors", 1), "element type"),
    ],
)
def test_numbers_of_no_enum(table, field: str, path: tuple, what: str) -> None:
    broken = patched(small(), place(small(), table, field, *path), "<B", 200)
    refused(broken, rf"^{path[0]}\[1\]\.{field}: there is no {what} number 200 in version 1\.2 of the format")


def test_numbers_of_no_enum_within_options() -> None:
    options = target(large(), place(large(), layout.OP, "options", "ops", 7))
    dtype = options + _field_offset(large(), options, layout.CONV_2D_OPTIONS, "output_dtype")
    refused(
        patched(large(), dtype, "<B", 9), r"^ops\[7\]\.options\.output_dtype: there is no element type number 9"
    )
    options = target(small(), place(small(), layout.OP, "options", "ops", 1))
    activation = options + _field_offset(small(), options, layout.CONV_2D_OPTIONS, "activation")
    activation = target(small(), activation)
    kind = activation + _field_offset(small(), activation, layout.ACTIVATION, "kind")
    refused(
        patched(small(), kind, "<B", 99), r"^ops\[1\]\.options\.activation\.kind: there is no activation number 99"
    )


@pytest.mark.parametrize(
    ("name", "table", "what"),
    [("step", layout.PLANES_OPTIONS, "kind of planes"), ("mean", layout.REDUCE_OPTIONS, "reduction")],
)
def test_numbers_of_no_enum_that_is_an_options_own(name: str, table, what: str) -> None:
    number = next(n for n, op in enumerate(every_op_model().ops) if op.name == name)
    options = target(large(), place(large(), layout.OP, "options", "ops", number))
    broken = patched(large(), options + _field_offset(large(), options, table, "kind"), "<B", 9)
    refused(broken, rf"^ops\[{number}\]\.options\.kind: there is no {what} number 9 in version 1\.2")


def _field_offset(data: bytes, start: int, table: layout.Table, name: str) -> int:
    vtable = vtable_of(data, start)
    slot = [field.name for field in table.fields].index(name)
    offset = int.from_bytes(data[vtable + 4 + 2 * slot : vtable + 6 + 2 * slot], "little")
    assert offset
    return offset


# -- versions ------------------------------------------------------------------------------------------------


def versioned(major: int, minor: int) -> bytes:
    model = small_model()
    model.version_major, model.version_minor = major, minor
    return write_model(model)


def test_a_newer_major_version_is_refused_with_both() -> None:
    with pytest.raises(FileError, match=r"the file is of version 2\.3, this xlite reads up to 1\.x; update xlite"):
        read_model(versioned(2, 3))


def test_a_newer_major_version_is_told_before_anything_else_is_looked_at() -> None:
    raw = Raw()
    data = raw.model(major=2, minor=0, s2=("i32", -1), s5=("i32", 7))  # no vectors where ours has them
    with pytest.raises(FileError, match=r"of version 2\.0"):
        read_model(data)


def test_a_newer_minor_version_is_read() -> None:
    model = read_model(versioned(1, 7))
    verify(model)
    assert (model.version_major, model.version_minor) == (1, 7)


def test_there_is_no_version_0() -> None:
    refused(versioned(0, 9), r"version_major: there is no version 0\.9")


def test_fields_of_a_newer_minor_version_are_passed_over() -> None:
    raw = Raw()
    shape = raw.ints(1, 4)
    tensor = raw.table(s1=("ref", shape), s7=("i32", 12345), s8=("ref", shape))
    ends = raw.ints(0)
    tensors = raw.offsets(tensor)
    data = raw.model(minor=4, s2=("ref", tensors), s5=("ref", ends), s6=("ref", ends), s9=("ref", tensors))
    model = read_model(data)
    verify(model)
    assert model.tensors[0].type.shape == (1, 4)


def test_a_newer_op_says_what_to_do() -> None:
    data = versioned(1, 7)
    broken = patched(data, place(data, layout.OP, "kind", "ops", 1), "<H", 321)
    message = (
        r"^ops\[1\]\.kind: op number 321 is newer than this reader "
        r"\(the file is of version 1\.7, the reader knows 1\.2\); update xlite$"
    )
    refused(broken, message)


# -- what tensors say of their data --------------------------------------------------------------------------


def test_buffers_that_do_not_fit() -> None:
    index = next(i for i, t in enumerate(small_model().tensors) if t.name == "scale")
    where, extent_at = place(small(), layout.TENSOR, "buffer", "tensors", index), shape_at(index) + 4
    for number in (2, 9, -2, -(2**31)):
        message = rf"^tensors\[{index}\]\.buffer: there is no buffer {number}, the file has 2"
        refused(damaged(where, "<i", number), message)
    refused(damaged(extent_at, "<i", 4), rf"^tensors\[{index}\]: f32\[4\] needs 16 bytes, its data .* has 12")
    for extent in (0, -1, -(2**31)):
        refused(
            damaged(extent_at, "<i", extent), rf"^tensors\[{index}\] 'scale': shape .* has an axis out of range"
        )


def test_shapes_whose_size_overflows() -> None:
    wide = damaged(shape_at(0) + 4, "<4i", *[2**16] * 4)
    refused(wide, r"^tensors\[0\] 'input': shape .* has more than 2\^31 - 1 elements")
    heavy = damaged(shape_at(0) + 4, "<4i", 1, 1, 2**14, 2**16)
    refused(heavy, r"^tensors\[0\] 'input': shape .* takes more than 2\^31 - 1 bytes")
    packed = place(small(), layout.TENSOR, "packed_axes", "tensors", 2)
    for axes in (0, 5, 255):
        refused(damaged(packed, "<B", axes), rf"^tensors\[2\] 'filter': packed_axes {axes} is out of range")


def test_one_key_twice() -> None:
    raw = Raw()
    pair = raw.table(s0=("ref", raw.string("k")))
    metadata = raw.table(s7=("ref", raw.offsets(pair, pair)))
    refused(raw.model(s8=("ref", metadata)), r"^metadata\.entries\[1\]: the key 'k' is there twice")


def test_memory_that_does_not_start_at_16_bytes_is_copied() -> None:
    for shift in range(1, 16):
        room = np.zeros(len(large()) + shift, np.uint8)
        room[shift:] = np.frombuffer(large(), np.uint8)
        model = read_model(room[shift:])
        assert_same(model, read_model(large()))
        assert all(t.data.ctypes.data % 16 == 0 for t in model.tensors if t.is_constant)


def test_constants_are_not_copied_and_not_writable() -> None:
    data = bytearray(large())
    model = read_model(data)
    for tensor in model.tensors:
        if tensor.is_constant:
            assert np.shares_memory(tensor.data, np.frombuffer(data, np.uint8))
            with pytest.raises(ValueError, match="read-only"):
                tensor.data[...] = 0


# -- files that promise more than they hold ------------------------------------------------------------------


def shared_ops(count: int, operands: int) -> bytes:
    """``count`` ops that are all one table, with one vector of ``operands`` inputs."""
    raw = Raw()
    op = raw.table(s1=("ref", raw.ints(*[0] * operands)))
    return raw.model(s4=("ref", raw.offsets(*[op] * count)))


def shared_tensors(count: int) -> bytes:
    raw = Raw()
    tensor = raw.table(s1=("ref", raw.ints(1, 1, 1, 1, 1, 1)), s0=("ref", raw.string("n" * 100)))
    return raw.model(s2=("ref", raw.offsets(*[tensor] * count)))


def shared_label(count: int, length: int) -> bytes:
    raw = Raw()
    metadata = raw.table(s5=("ref", raw.offsets(*[raw.string("\U0001f600" * length)] * count)))
    return raw.model(s8=("ref", metadata))


def shared_data(count: int, length: int) -> bytes:
    """Ops of the user's whose data is one long vector."""
    raw = Raw()
    data = raw.builder.CreateByteVector(bytes(length))
    op = raw.table(s3=("u8", 8), s4=("ref", raw.table(s1=("ref", data))))
    return raw.model(s4=("ref", raw.offsets(*[op] * count)))


HOSTILE = {
    "ops": lambda: shared_ops(30_000, 30_000),
    "tensors": lambda: shared_tensors(60_000),
    "labels": lambda: shared_label(30_000, 10_000),
    "data": lambda: shared_data(20_000, 100_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_many_offsets_to_one_thing_cost_no_more_than_the_file(name: str) -> None:
    data = HOSTILE[name]()
    tracemalloc.start()
    try:
        refused(data, "offsets reach more than 2 times the file's size")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * len(data) + 2**20


def many_tables(slot: int, count: int) -> bytes:
    """Honest tables, each its own, as small as they can be: empty ones, tensors of shape (1,)."""
    raw = Raw()
    tables = []
    for _ in range(count):
        slots: dict[str, Any] = {"s1": ("ref", raw.ints(1))} if slot == TENSORS else {}
        tables.append(raw.table(**slots))
    root: dict[str, Any] = {f"s{slot}": ("ref", raw.offsets(*tables))}
    return raw.model(**root)


@pytest.mark.parametrize("slot", [TENSORS, BUFFERS, OPS])
def test_many_small_tables_cost_a_multiple_of_the_file(slot: int) -> None:
    data = many_tables(slot, 5000)
    tracemalloc.start()
    try:
        survives(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24 * len(data) + 2**20


@pytest.mark.parametrize(
    ("name", "slot", "limit"),
    [("tensors", TENSORS, MAX_TENSORS), ("ops", OPS, MAX_OPS), ("buffers", BUFFERS, 2**16)],
)
def test_counts_have_limits(name: str, slot: int, limit: int) -> None:
    data = many_tables(slot, 1)
    where = target(data, place(data, layout.MODEL, name))
    data = patched(data, where, "<I", limit + 1) + bytes(4 * limit)
    refused(
        bytes(data) + bytes(4 * limit),
        rf"^{name}: vector of {limit + 1} elements at byte {where}, the limit is {limit}",
    )


@pytest.mark.parametrize(("slot", "name", "limit"), [(7, "entries", MAX_ENTRIES), (5, "labels", MAX_LABELS)])
def test_metadata_has_limits(slot: int, name: str, limit: int) -> None:
    raw = Raw()
    one = raw.string("") if name == "labels" else raw.table()
    offsets = raw.offsets(*[one] * (limit + 1))
    metadata = raw.table(**{f"s{slot}": ("ref", offsets)})
    refused(raw.model(s8=("ref", metadata)), rf"^metadata\.{name}: vector of {limit + 1} .* limit is {limit}")


def test_tables_that_lie_over_each_other_and_over_their_vtables() -> None:
    """Every offset in the file, one after the other, is bent to every other aligned place."""
    whole = small()
    for where in range(0, 400, 4):
        for to in range(0, len(whole), 52):
            if to & ~3 > where:
                survives(patched(whole, where, "<I", (to & ~3) - where))
