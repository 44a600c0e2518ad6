"""Files on disk: reading by every route, and writing that never leaves half a file."""

from __future__ import annotations

import io
import mmap
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.schema.models import assert_same, every_op_model, first_ops_model, second_ops_model, small_model
from xlite.schema import FileError, VerifyError, files, load_model, read_model, verify, write_file, write_model
from xlite.schema.types import VERSION_MAJOR, VERSION_MINOR

DATA = Path(__file__).parent / "data"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.xlite"
    write_file(path, write_model(small_model()))
    return path


def test_every_route_gives_the_same_model(saved: Path) -> None:
    data = saved.read_bytes()
    routes = [saved, str(saved), data, bytearray(data), memoryview(data), np.frombuffer(data, np.uint8)]
    for source in [*routes, io.BytesIO(data)]:
        assert_same(load_model(source), small_model())
    with open(saved, "rb") as file:
        assert_same(load_model(file), small_model())
        assert_same(load_model(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)), small_model())


def test_a_path_is_mapped_and_not_copied(saved: Path) -> None:
    model = load_model(saved)
    constants = [t.data for t in model.tensors if t.is_constant]
    base = constants[0]
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base.obj if isinstance(base, memoryview) else base, mmap.mmap)


def test_a_file_that_is_replaced_while_it_is_mapped_keeps_its_old_content(saved: Path) -> None:
    model = load_model(saved)
    before = [t.data.tobytes() for t in model.tensors if t.is_constant]
    write_file(saved, write_model(every_op_model()))
    assert [t.data.tobytes() for t in model.tensors if t.is_constant] == before
    assert len(load_model(saved).ops) == len(every_op_model().ops)


def test_what_is_loaded_is_verified_and_errors_name_the_path(saved: Path) -> None:
    model = small_model()
    model.outputs = ()
    write_file(saved, write_model(model))
    read_model(saved.read_bytes())
    with pytest.raises(VerifyError, match=r"model\.xlite: the model has no outputs$"):
        load_model(saved)
    with pytest.raises(VerifyError, match=r"^the model has no outputs$"):
        load_model(saved.read_bytes())


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "missing.xlite"
    with pytest.raises(FileError, match=r"missing\.xlite: cannot be read: no such file"):
        load_model(missing)
    with pytest.raises(FileError, match="cannot be read: is a directory"):
        load_model(tmp_path)
    with pytest.raises(FileError, match=r"cannot be read: .* null "):
        load_model("a\0b")
    missing.write_bytes(b"")
    with pytest.raises(FileError, match=r"missing\.xlite: this is not a \.xlite file: it is empty"):
        load_model(missing)
    with pytest.raises(FileError, match="cannot read a model from str"):
        load_model(io.StringIO("text"))
    closed = io.BytesIO()
    closed.close()
    with pytest.raises(FileError, match=r"the file object cannot be read: .* closed file"):
        load_model(closed)


def test_writing_replaces_and_leaves_nothing_beside(saved: Path) -> None:
    write_file(saved, b"first")
    write_file(str(saved), b"second")
    assert saved.read_bytes() == b"second"
    assert os.listdir(saved.parent) == ["model.xlite"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside(saved: Path, monkeypatch) -> None:
    before = saved.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(FileError, match=r"cannot write .*model\.xlite: no space left on device"):
        write_file(saved, b"new")
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == ["model.xlite"]


def test_an_interrupted_write_leaves_nothing_beside(saved: Path, monkeypatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_file(saved, b"new")
    assert os.listdir(saved.parent) == ["model.xlite"]


def test_paths_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"cannot write .*gone/model\.xlite: no such file or directory"):
        write_file(tmp_path / "gone" / "model.xlite", b"")
    with pytest.raises(FileError, match=r"cannot write .*: is a directory"):
        write_file(tmp_path, b"")
    with pytest.raises(FileError, match=r"cannot write .* null "):
        write_file("a\0b", b"")
    assert os.listdir(tmp_path) == []
    assert not list(tmp_path.parent.glob(f"{tmp_path.name}.*"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are of POSIX")
def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    """As a device is not: whoever waits at either would wait for ever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "link"
    link.symlink_to(pipe)
    read, write = os.pipe()
    try:
        for path in (pipe, link, f"/dev/fd/{write}"):
            with pytest.raises(FileError, match=r"cannot write .*: is no regular file"):
                write_file(path, b"data")
    finally:
        os.close(read)
        os.close(write)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(os.listdir(tmp_path)) == ["link", "pipe"]


def test_the_name_of_a_folder_is_no_name_of_a_file(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"kept")
    for path in (f"fresh{os.sep}", f"file{os.sep}", f"{tmp_path / 'fresh'}{os.sep}"):
        with pytest.raises(FileError, match=r"cannot write .*: is the name of a directory"):
            write_file(path, b"data")
    with pytest.raises(FileError, match="empty file name"):
        write_file("", b"data")
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"kept"


@pytest.mark.skipif(os.name == "nt", reason="symbolic links and modes of POSIX")
def test_links_are_followed_and_modes_kept(saved: Path) -> None:
    os.chmod(saved, 0o640)
    link = saved.parent / "link.xlite"
    link.symlink_to(saved)
    write_file(link, b"through the link")
    assert link.is_symlink()
    assert saved.read_bytes() == b"through the link"
    assert saved.stat().st_mode & 0o777 == 0o640
    fresh = saved.parent / "fresh.xlite"
    write_file(fresh, b"")
    plain = saved.parent / "plain"
    plain.write_bytes(b"")
    assert fresh.stat().st_mode == plain.stat().st_mode


# -- files of released versions ------------------------------------------------------------------------------


# Each was written once, when its version was made, and is never written again: version -> what it holds.
RELEASED = {"1_0": first_ops_model, "1_1": second_ops_model, "1_2": every_op_model}


@pytest.mark.parametrize("version", RELEASED)
def test_a_file_of_every_released_version_keeps_loading(version: str) -> None:
    assert_same(load_model(DATA / f"v{version}.xlite"), RELEASED[version]())


def test_there_is_a_file_of_this_version() -> None:
    assert f"{VERSION_MAJOR}_{VERSION_MINOR}" in RELEASED


@pytest.mark.parametrize("version", RELEASED)
def test_the_writer_still_makes_files_that_an_older_reader_takes(version: str) -> None:
    """Writing an old file's model again loses nothing of it and gives the same bytes as then."""
    old = load_model(DATA / f"v{version}.xlite")
    data = write_model(old)
    again = read_model(data)
    verify(again)
    assert_same(again, old)
    assert data == (DATA / f"v{version}.xlite").read_bytes()


# -- what importing costs ------------------------------------------------------------------------------------


def test_reading_loads_numpy_alone(saved: Path) -> None:
    code = (
        "import sys; from xlite.schema import load_model; load_model(sys.argv[1]);"
        "print(sorted({m.split('.')[0] for m in sys.modules}"
        " & {'flatbuffers', 'tensorflow', 'keras', 'h5py', 'click', 'rich', 'numba'}))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(saved)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
