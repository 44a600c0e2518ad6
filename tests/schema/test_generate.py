"""The checked-in generated code is what flatc makes of ``xlite.fbs``, and ``layout`` says the same as flatc."""

from __future__ import annotations

import enum
import struct
import subprocess
import sys

import pytest

from xlite.schema import generate, layout, types
from xlite.schema.decoder import Decoder
from xlite.schema.layout import Field, Table

try:
    generate.run_flatc("--version")
except generate.GenerateError as error:
    pytestmark = pytest.mark.skip(reason=str(error))

# The part of flatbuffers' reflection.fbs that is needed here, read with our own decoder. A field's default_real
# is a double; its bits are taken as an int64.
_TYPE = Table("Type", (Field("base", "u8", 0), Field("element", "u8", 0), Field("index", "i32", -1)))
_ATTRIBUTE = Table("KeyValue", (Field("key", "string", ""), Field("value", "string", "")))
_FIELD = Table(
    "Field",
    (
        Field("name", "string"),
        Field("type", "table", of=_TYPE),
        Field("id", "u16", 0),
        Field("offset", "u16", 0),
        Field("default_integer", "i64", 0),
        Field("default_real", "i64", 0),
        Field("deprecated", "u8", 0),
        Field("required", "u8", 0),
        Field("key", "u8", 0),
        Field("attributes", "[table]", of=_ATTRIBUTE),
    ),
)
_OBJECT = Table("Object", (Field("name", "string"), Field("fields", "[table]", of=_FIELD)))
_VALUE = Table("EnumVal", (Field("name", "string"), Field("value", "i64", 0)))
_ENUM = Table("Enum", (Field("name", "string"), Field("values", "[table]", of=_VALUE)))
_SCHEMA = Table(
    "Schema",
    (
        Field("objects", "[table]", of=_OBJECT),
        Field("enums", "[table]", of=_ENUM),
        Field("file_ident", "string"),
        Field("file_ext", "string"),
        Field("root_table", "table", of=_OBJECT),
    ),
)
_UNION_TYPE, _STRING, _VECTOR, _TABLE, _UNION = 1, 13, 14, 15, 16
_SCALAR = {2: "bool", 3: "i8", 4: "u8", 6: "u16", 7: "i32", 9: "i64", 10: "u64", 11: "f32"}


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What flatc says of xlite.fbs: enums and tables by name, references by name too."""
    folder = tmp_path_factory.mktemp("bfbs")
    generate.run_flatc("--binary", "--schema", "--bfbs-builtins", "-o", str(folder), str(generate.SCHEMA))
    decoder = Decoder(memoryview((folder / "xlite.bfbs").read_bytes()))
    root = decoder.root(_SCHEMA)
    objects = [values for _, values in decoder.tables(root["objects"])]
    enums = {}
    for _, values in decoder.tables(root["enums"]):
        members = [v for _, v in decoder.tables(values["values"])]
        enums[_bare(values["name"])] = {m["name"]: m["value"] for m in members}
    names = [_bare(o["name"]) for o in objects]
    tables = {name: _fields(decoder, o["fields"], names) for name, o in zip(names, objects)}
    return {"root": root, "enums": enums, "tables": tables}


def _bare(name: str) -> str:
    return name.split(".")[-1]


def _fields(decoder: Decoder, vector, names: list[str]) -> list[tuple]:
    """(name, kind, default, what it refers to, alignment) in the order of slots."""
    fields = sorted((values for _, values in decoder.tables(vector)), key=lambda f: f["id"])
    out = []
    for slot, field in enumerate(fields):
        assert (field["id"], field["offset"], field["deprecated"]) == (slot, 4 + 2 * slot, 0)
        attributes = {a["key"]: a["value"] for _, a in decoder.tables(field["attributes"])}
        out.append((field["name"], *_kind(field, names), int(attributes.get("force_align", 0)) or None))
    return out


def _kind(field: dict, names: list[str]) -> tuple:
    base, element, index = field["type"]["base"], field["type"]["element"], field["type"]["index"]
    if base == _VECTOR:
        if element == _TABLE:
            return "[table]", None, names[index]
        return ("[string]" if element == _STRING else f"[{_SCALAR[element]}]"), None, None
    if base in (_UNION, _UNION_TYPE):
        return ("union" if base == _UNION else "union type"), None, None
    if base in (_TABLE, _STRING):
        return ("table", None, names[index]) if base == _TABLE else ("string", None, None)
    if _SCALAR[base] == "f32":
        return "f32", struct.unpack("<d", struct.pack("<q", field["default_real"]))[0], None
    default = field["default_integer"]
    return _SCALAR[base], bool(default) if _SCALAR[base] == "bool" else default, None


def test_the_generated_code_is_current() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "xlite.schema.generate", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_check_notices_a_change_and_changes_nothing(tmp_path, monkeypatch, capsys) -> None:
    stale = tmp_path / "xlite_generated.py"
    monkeypatch.setattr(generate, "GENERATED", stale)
    assert generate.main(["--check"]) == 1
    assert not stale.exists()
    assert "make schema" in capsys.readouterr().err
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    stale.write_text(stale.read_text() + "# edited\n")
    assert generate.main(["--check"]) == 1


def test_a_schema_that_flatc_refuses_is_an_error(tmp_path, monkeypatch, capsys) -> None:
    broken = tmp_path / "xlite.fbs"
    broken.write_text("table A { b:NoSuchType; }")
    monkeypatch.setattr(generate, "SCHEMA", broken)
    assert generate.main([]) == 2
    assert "NoSuchType" in capsys.readouterr().err


def test_the_layout_is_the_schema(schema: dict) -> None:
    assert {table.name for table in layout.TABLES} == set(schema["tables"])
    for table in layout.TABLES:
        told = []
        for field in table.fields:
            refers = field.of.name if isinstance(field.of, Table) else None
            default = field.default if field.kind in layout.SCALARS else None
            if field.kind == "union":
                told.append((f"{field.name}_type", "union type", None, None, None))
            told.append((field.name, field.kind, default, refers, field.align))
        assert told == schema["tables"][table.name], table.name


def test_the_dataclasses_have_the_tables_fields_and_defaults() -> None:
    for table in (*layout.OP_OPTIONS, layout.ACTIVATION, layout.PREPROCESSING):
        cls = getattr(types, table.name)
        assert list(cls.__dataclass_fields__) == [field.name for field in table.fields]
        for field in table.fields:
            if field.kind in layout.SCALARS:
                assert getattr(cls(), field.name) == field.default


@pytest.mark.parametrize("members", [types.DType, types.OpKind, types.ActivationKind], ids=lambda e: e.__name__)
def test_enums_are_the_schemas(schema: dict, members: type[enum.IntEnum]) -> None:
    assert {m.name: m.value for m in members} == schema["enums"][members.__name__]


def test_the_unions_members_are_in_the_schemas_order(schema: dict) -> None:
    told = {"NONE": 0, **{table.name: i for i, table in enumerate(layout.OP_OPTIONS, 1)}}
    assert told == schema["enums"]["OpOptions"]
    assert {cls.__name__ for cls in types.OPTIONS_OF_KIND.values()} == set(told) - {"NONE"}


def test_root_identifier_and_extension(schema: dict) -> None:
    root = schema["root"]
    assert _bare(root["root_table"]["name"]) == layout.MODEL.name
    assert root["file_ident"].encode() == types.FILE_IDENTIFIER
    assert root["file_ext"] == "xlite"
