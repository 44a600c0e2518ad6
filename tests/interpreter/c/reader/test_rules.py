"""Each rule of the format by its name in C: which one, of which op and tensor. The files are those that break the
rules of Python's verifier one by one, and some whose bytes are damaged."""

from __future__ import annotations

import re
import struct
from dataclasses import replace

import pytest

from tests.interpreter.c.reader import harness
from tests.interpreter.c.reader.harness import Request
from tests.schema.models import every_op_model, small_model
from tests.schema.raw import place, slot_of, survives, table_of, target
from tests.schema.test_verifier import RULES as BROKEN
from xlite.interpreter.c import build
from xlite.interpreter.kernels.c.kernels import KERNELS
from xlite.schema import layout
from xlite.schema.types import ActivationKind, DType, OpKind, PlanesKind, ReduceKind
from xlite.schema.writer import write_model

# What C calls the rules that tests/schema/test_verifier.py breaks, with the op and the tensor.
NAMES = {
    "rank": ("RANK", -1, 0),
    "rank 7": ("RANK", -1, 0),
    "extent": ("EXTENT", -1, 0),
    "elements": ("EXTENT", -1, 0),
    "packed_axes": ("PACKED_AXES", -1, 1),
    "packed activation": ("PACKED_AXES", -1, 1),
    "no batch axis": ("BATCH", -1, 0),
    "batch": ("BATCH", -1, 0),
    "tail bits": ("UNUSED_BITS", -1, 2),
    "orphan": ("NEVER_WRITTEN", -1, 7),
    "sum of sizes": ("TOTAL_BYTES", -1, -1),
    "no inputs": ("NO_ENDS", -1, -1),
    "no outputs": ("NO_ENDS", -1, -1),
    "input index": ("INDEX", -1, 7),
    "negative input": ("INDEX", -1, -1),
    "output index": ("INDEX", -1, 2**31 - 1),
    "negative output": ("INDEX", -1, -7),
    "constant input": ("CONSTANT_END", -1, 3),
    "constant output": ("CONSTANT_END", -1, 3),
    "input twice": ("END_TWICE", -1, 0),
    "output twice": ("END_TWICE", -1, 6),
    "op input index": ("INDEX", 1, 99),
    "op input below -1": ("INDEX", 1, -2),
    "op output index": ("INDEX", 0, 7),
    "op output absent": ("INDEX", 0, -1),
    "no op outputs": ("NO_OUTPUTS", 0, -1),
    "two outputs": ("OUTPUT_COUNT", 0, -1),
    "order": ("READ_BEFORE_WRITTEN", 0, 1),
    "reads itself": ("READ_BEFORE_WRITTEN", 2, 5),
    "writes a constant": ("WRITTEN_TWICE", 0, 3),
    "writes an input": ("WRITTEN_TWICE", 0, 0),
    "writes twice": ("WRITTEN_TWICE", 2, 4),
    "arity": ("INPUT_COUNT", 1, -1),
    "absent input": ("INPUT_ABSENT", 1, -1),
    "filter no constant": ("INPUT_CONSTANT", 3, 7),
    "constant x": ("INPUT_ACTIVATION", 0, 7),
    "contract": ("INPUT_SHAPE", 2, -1),
    "options": ("OPTIONS", 2, -1),
    "no options": ("OPTIONS", 3, -1),
    "declared type": ("OUTPUT_TYPE", 1, -1),
    "custom name": ("CUSTOM_NAME", 3, -1),
    "plan length": ("PLAN_LENGTH", -1, -1),
    "arena cap": ("PLAN_BYTES", -1, -1),
    "arena size": ("PLAN_BYTES", -1, -1),
    "lower bound": ("PLAN_BYTES", -1, -1),
    "planned constant": ("PLAN_OFFSET", -1, 3),
    "unplanned": ("PLAN_OFFSET", -1, 4),
    "negative offset": ("PLAN_OFFSET", -1, 4),
    "plan alignment": ("PLAN_OFFSET", -1, 4),
    "plan bounds": ("PLAN_OFFSET", -1, 6),
    "huge offset": ("PLAN_OFFSET", -1, 6),
    "overlap": ("PLAN_OVERLAP", 1, 1),
    "over an input": ("PLAN_OVERLAP", 3, 0),
    "in place, elsewhere": ("PLAN_OVERLAP", 2, 4),
    "in place, wrong op": ("PLAN_OVERLAP", 1, 1),
    "labels": ("VECTOR", -1, -1),
    "entries": ("VECTOR", -1, -1),
    "preprocessing": ("METADATA", -1, -1),
}
UNWRITABLE = {"data", "packed floats"}  # the writer itself refuses a constant that does not fit its type


def test_every_rule_has_its_name(reader):
    names = [name for name in BROKEN if name not in UNWRITABLE]
    requests = []
    for name in names:
        model = small_model()
        BROKEN[name][0](model)
        requests.append(Request(write_model(model)))
    verdicts = harness.ask(reader, requests)
    found = {name: (v.rule, v.op, v.tensor) for name, v in zip(names, verdicts)}
    assert found == {name: NAMES.get(name) for name in names}


SMALL = write_model(small_model())


def damaged(at: int, code: str, value: int) -> bytes:
    data = bytearray(SMALL)
    struct.pack_into(code, data, at, value)
    return bytes(data)


def _string() -> int:
    return target(SMALL, place(SMALL, layout.TENSOR, "name", "tensors", 0))


def _shape() -> int:
    return target(SMALL, place(SMALL, layout.TENSOR, "shape", "tensors", 0))


def _options() -> int:
    return place(SMALL, layout.OP, "options", "ops", 1)


def _options_type() -> int:
    """The byte of the union's type, one slot before its value."""
    table = table_of(SMALL, "ops", 1)
    slot = slot_of(layout.OP, "options") - 1
    return table.Pos + table.Offset(4 + 2 * slot)


# file, rule
BYTES = {
    "empty": (b"", "NOT_XLITE"),
    "short": (b"\x08\0\0\0XLT", "NOT_XLITE"),
    "identifier": (SMALL[:4] + b"XLTF" + SMALL[8:], "NOT_XLITE"),
    "root offset": (damaged(0, "<I", 2**31), "OFFSET"),
    "null root": (damaged(0, "<I", 0), "OFFSET"),
    "unaligned root": (damaged(0, "<I", 3), "OFFSET"),
    "vtable": (damaged(target(SMALL, 0), "<i", 2**30), "TABLE"),
    "odd vtable": (damaged(target(SMALL, 0), "<i", 1), "TABLE"),
    "string length": (damaged(_string(), "<I", 2**31), "STRING"),
    "string end": (damaged(_string(), "<I", 1), "STRING"),
    "not UTF-8": (damaged(_string() + 4, "<B", 0xFF), "STRING"),
    "surrogate": (damaged(_string() + 4, "<I", 0x0080A0ED | 0x61 << 24), "STRING"),
    "vector length": (damaged(_shape(), "<I", 2**30), "VECTOR"),
    "no options": (damaged(_options(), "<I", 0), "OFFSET"),
    "options of no type": (damaged(_options_type(), "<B", 0), "UNION"),
    "options that are not known": (damaged(_options_type(), "<B", 99), "UNKNOWN"),
}


@pytest.mark.parametrize("what", BYTES)
def test_damaged_bytes(reader, what):
    data, rule = BYTES[what]
    (verdict,) = harness.ask(reader, [Request(data)])
    assert (verdict.rule, verdict.op, verdict.tensor) == (rule, -1, -1)


def test_versions(reader):
    model = small_model()
    files = []
    for major, minor in ((1, 0), (1, 99), (2, 0), (0, 9)):
        model.version_major, model.version_minor = major, minor
        files.append(write_model(model))
    assert [v.rule for v in harness.ask(reader, [Request(data) for data in files])] == [
        "NONE", "NONE", "VERSION", "VERSION",
    ]  # fmt: skip


def test_a_file_without_a_plan_is_valid_but_cannot_run(reader):
    model = small_model()
    model.plan = None
    (verdict,) = harness.ask(reader, [Request(write_model(model))])
    assert verdict.rule == "NO_PLAN"


def test_many_offsets_to_one_string_cost_too_much(reader):
    """The labels of a file may be one string, as often as twice the file's size allows."""
    model = small_model()
    model.metadata.labels = ["a"] * 2999 + ["x" * 9000]
    data = bytearray(write_model(model))
    labels = target(data, place(data, layout.METADATA, "labels", "metadata"))
    long = target(data, labels + 4 * 3000)
    rules = []
    for shared in (3, 2999):
        for at in range(labels + 4, labels + 4 + 4 * shared, 4):
            struct.pack_into("<I", data, at, long - at)
        rules.append(harness.ask(reader, [Request(bytes(data))])[0].rule)
        assert (survives(bytes(data)) is not None) == (rules[-1] == "NONE")
    assert rules == ["NONE", "BUDGET"]


# -- the description of tables in C ---------------------------------------------------------------------------

LAYOUT = (build.ROOT / "runtime" / "layout.h").read_text()
LETTERS = {
    "bool": "1", "u8": "1", "i8": "1", "u16": "2", "i32": "4", "f32": "4", "i64": "8", "u64": "8", "string": "s",
    "[string]": "S", "table": "t", "[table]": "T", "union": "uU", "[i32]": "i", "[i64]": "l", "[u8]": "b",
}  # fmt: skip


def letters(table: layout.Table) -> str:
    return "".join("a" if field.align == 16 else LETTERS[field.kind] for field in table.fields)


def test_layouts_are_those_of_the_schema():
    found = dict(re.findall(r'#define XL_LAYOUT_(\w+) "(\w+)"', LAYOUT))
    own = {t.name: letters(t) for t in layout.TABLES if t not in layout.OP_OPTIONS}
    assert {name.replace("_", ""): text for name, text in found.items() if name != "VERSION"} == {
        name.upper(): text for name, text in own.items()
    }
    assert found["MODEL"].startswith(found["VERSION"])
    lines = re.search(r"#define XL_LAYOUT_OPTIONS(.*?)\n\n", LAYOUT, re.DOTALL).group(1)
    options = ["".join(re.findall(r'"(\w+)"', part)) for part in lines.split(",")]
    assert options == [letters(table) for table in layout.OP_OPTIONS]


def test_slots_are_those_of_the_schema():
    enums = [re.findall(r"XL_(\w+)", body) for body in re.findall(r"enum \{(.*?)\}", LAYOUT, re.DOTALL)]
    members = next(names for names in enums if names[0] == "CONV_2D_OPTIONS")
    plain = [table.name.upper() for table in layout.OP_OPTIONS]
    assert [name.replace("_", "") for name in members] == [*plain, "OPTIONSCOUNT"]
    for table in layout.TABLES:
        fields = []
        for field in table.fields:
            fields += [f"{field.name}_type", field.name] if field.kind == "union" else [field.name]
        prefix = re.sub(r"OPTIONS$", "", table.name.upper())
        names = [prefix + field.replace("_", "").upper() for field in fields]
        assert names in [[name.replace("_", "") for name in enum] for enum in enums], table.name


def test_numbers_are_those_of_the_schema():
    numbers = (build.ROOT / "runtime" / "numbers.h").read_text()
    assert re.findall(r"XL_NUMBER_(\w+)", numbers) == [kind.name for kind in sorted(OpKind)]
    text = (build.ROOT / "runtime" / "text.c").read_text()
    for name, enum in (("KINDS", OpKind), ("FUNCTIONS", ActivationKind)):
        names = re.search(rf"{name}\[\] = \{{(.*?)\}};", text, re.DOTALL).group(1)
        assert re.findall(r'"(\w+)"', names) == [kind.name for kind in sorted(enum)]
    functions = (build.ROOT / "runtime" / "entries" / "functions.c").read_text()
    entries = re.findall(r"^FUNCTION\((\w+), (\d+)\)", functions, re.MULTILINE)
    assert [(n.upper(), int(i)) for n, i in entries] == [(k.name, k.value) for k in sorted(ActivationKind)[1:]]
    counts = (build.ROOT / "runtime" / "limits.h").read_text()
    for name, enum in (
        ("DTYPE", DType),
        ("ACTIVATION", ActivationKind),
        ("PLANES", PlanesKind),
        ("REDUCE", ReduceKind),
    ):
        assert f"XL_{name}_COUNT = {len(enum)}" in counts


def test_every_portable_kernel_has_an_entry():
    header = (build.INCLUDE / "xlite.h").read_text()
    table = (build.ROOT / "runtime" / "entries" / "all.c").read_text()
    entries = set(re.findall(r"xl_op_(\w+),", table))
    assert {*re.findall(r"^XL_OP\((\w+)\);", header, re.MULTILINE)} <= entries
    portable = {k.name[3:] for k in KERNELS if "tiled" not in k.name}
    functions = {kind.name.lower() for kind in ActivationKind if kind is not ActivationKind.NONE}
    assert entries == portable | functions


def test_every_op_counts_its_inputs(reader):
    model = every_op_model()
    for number, op in enumerate(model.ops):
        if op.kind in (OpKind.CUSTOM, OpKind.CONCATENATE):
            continue
        broken = every_op_model()
        broken.ops[number] = replace(op, inputs=op.inputs[:1] * 9)
        (verdict,) = harness.ask(reader, [Request(write_model(broken))])
        assert (verdict.rule, verdict.op) == ("INPUT_COUNT", number)
