"""What a user gets for a mistake: a sentence, the right exit code, never a traceback."""

from __future__ import annotations

import errno
import os

import click
import pytest

from xlite.cli import app
from xlite.interpreter.targets import TARGETS
from xlite.schema.errors import Error

READERS = [("inspect",), ("run", "x.npy"), ("benchmark",)]


def on_file(command, path):
    name, *rest = command
    return [name, path, *rest]


@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
class TestEveryCommandThatReadsAPackedFile:
    def test_a_missing_file(self, refusal, command, tmp_path):
        assert "nowhere.xlite" in refusal(*on_file(command, tmp_path / "nowhere.xlite"))

    def test_a_folder(self, refusal, command, tmp_path):
        assert "folder" in refusal(*on_file(command, tmp_path))

    def test_the_mend_for_a_folder_is_a_packed_file(self, refusal, command, tmp_path):
        message = refusal(*on_file(command, tmp_path))
        assert "a .xlite file" in message
        assert "model.save" not in message

    def test_no_name(self, refusal, command):
        assert "empty" in refusal(*on_file(command, ""))

    @pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="open files have no names here")
    def test_a_pipe(self, refusal, command, packed):
        """Its first bytes tell what it holds, and would be gone."""
        read, write = os.pipe()
        os.write(write, packed.read_bytes()[:1024])
        os.close(write)
        try:
            assert "is no regular file" in refusal(*on_file(command, f"/dev/fd/{read}"))
            assert len(os.read(read, 4096)) == 1024
        finally:
            os.close(read)

    def test_a_truncated_file(self, refusal, command, packed, tmp_path):
        path = tmp_path / "cut.xlite"
        path.write_bytes(packed.read_bytes()[:5000])
        assert "cut.xlite" in refusal(*on_file(command, path))

    def test_an_empty_file(self, refusal, command, tmp_path):
        path = tmp_path / "empty.xlite"
        path.touch()
        assert "empty" in refusal(*on_file(command, path))

    def test_a_keras_file_gets_the_command_that_packs_it(self, refusal, command, keras_file):
        assert f"xlite convert {keras_file}" in refusal(*on_file(command, keras_file))


def test_a_folder_for_convert(refusal, tmp_path):
    assert "model.save" in refusal("convert", tmp_path)


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [("-o", "", "-o is empty"), ("-o", "-", "the name of a folder"), ("--section", "", "--section is empty")],
)
def test_where_c_cannot_go(refusal, packed, tmp_path, monkeypatch, option, value, named):
    monkeypatch.chdir(tmp_path)
    given = {"-o": "out", option: value}
    assert named in refusal("compile", packed, *(part for pair in given.items() for part in pair))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["convert", "summary", "inspect"])
def test_help_names_every_target(call, command):
    text = "".join(call(command, "--help").stdout.split())  # lines may end within a name
    text = text.replace("pi-2topi-5", ",".join(f"pi-{model}" for model in range(2, 6)))
    assert ",".join(TARGETS) in text


def test_a_packed_file_for_convert(refusal, packed):
    assert "already" in refusal("convert", packed)


@pytest.mark.parametrize("kept", [0, 7, 8, 5000])
def test_a_truncated_keras_file(refusal, keras_file, tmp_path, kept):
    path = tmp_path / "cut.h5"
    path.write_bytes(keras_file.read_bytes()[:kept])
    assert "cut.h5" in refusal("convert", path)


def test_a_truncated_keras_archive(refusal, tmp_path):
    path = tmp_path / "cut.keras"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    assert "cut.keras" in refusal("convert", path)


@pytest.mark.parametrize("backend", ["gpu", "C"])
@pytest.mark.parametrize("command", ["run", "benchmark"])
def test_an_unknown_backend(refusal, packed, command, backend, tmp_path):
    rest = ["x.npy"] if command == "run" else []
    message = refusal(command, packed, *rest, "--backend", backend)
    assert "numpy" in message


@pytest.mark.parametrize(
    "arguments",
    [
        ["convert"],
        ["frobnicate"],
        ["run", "m.xlite"],
        ["run", "m.xlite", "x.npy", "--top-k", "0"],
        ["benchmark", "m.xlite", "--repeats", "many"],
        ["verify", "m.xlite"],
        ["verify", "a", "b", "c"],
    ],
)
def test_wrong_usage_is_exit_code_2(call, arguments, packed):
    arguments = [packed if argument == "m.xlite" else argument for argument in arguments]
    result = call(*arguments)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr


@pytest.mark.parametrize("error", [Error("the thing; the mend"), KeyboardInterrupt()])
def test_errors_and_interrupts_end_cleanly(call, monkeypatch, error):
    @click.command()
    def command() -> None:
        raise error

    monkeypatch.setattr(app.CommandGroup, "get_command", lambda *_: command)
    result = call("anything")
    interrupted = isinstance(error, KeyboardInterrupt)
    assert result.exit_code == (130 if interrupted else 1)
    assert result.stderr.strip() == ("xlite: interrupted" if interrupted else "xlite: the thing; the mend")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "the output cannot be written: no space left on device",
        ),
        (OSError(errno.EIO, "Input/output error"), "reading or writing failed: input/output error"),
        (PermissionError(errno.EACCES, "Permission denied", "x.npy"), "x.npy: permission denied"),
        (MemoryError(), "there is not enough memory; take fewer samples at a time"),
        (MemoryError("9 TiB"), "there is not enough memory (9 TiB); take fewer samples at a time"),
    ],
    ids=str,
)
def test_what_the_system_refuses_is_a_sentence(refusal, monkeypatch, error, said):
    @click.command()
    def command() -> None:
        raise error

    monkeypatch.setattr(app.CommandGroup, "get_command", lambda *_: command)
    assert refusal("anything") == f"xlite: {said}"


@pytest.mark.parametrize("name", app.COMMANDS)
def test_help_has_examples_that_begin_with_the_command(call, name):
    result = call(name, "--help")
    assert result.exit_code == 0
    examples = result.stdout.split("Examples:")[1].strip().splitlines()
    assert examples
    assert all(line.strip().startswith(f"xlite {name} ") for line in examples)


def test_the_group_lists_every_command(call):
    text = call("--help").stdout
    assert all(name in text for name in app.COMMANDS)
