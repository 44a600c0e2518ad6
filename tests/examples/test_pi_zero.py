"""The camera loop of examples/pi-zero: with pictures, with a camera that is not one, and as systemd runs it."""

from __future__ import annotations

import configparser
import importlib
import json
import signal
import subprocess
import sys
import threading
import time
import types
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from tests.interpreter.networks import Builder, residual_network
from xlite.interpreter import Interpreter, planner
from xlite.schema import write_model
from xlite.schema.types import Metadata, Preprocessing

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "pi-zero"
LABELS = [f"thing {i}" for i in range(10)]
SHAPE = (12, 12, 3)


@pytest.fixture(scope="module")
def example():
    """The example's modules, which import each other by name."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield types.SimpleNamespace(
            **{name: importlib.import_module(name) for name in ("images", "sources", "label")}
        )
    finally:
        sys.path.remove(str(FOLDER))
        for name in ("images", "sources", "label"):
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    made = residual_network()
    made.metadata = Metadata(labels=LABELS, preprocessing=Preprocessing(1 / 127.5, -1.0))
    made.plan = planner.plan(made)
    path = tmp_path_factory.mktemp("model") / "model.xlite"
    path.write_bytes(write_model(made))
    return path


def picture(seed: int, height: int = 12, width: int = 12) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def write_ppm(path: Path, image: np.ndarray) -> Path:
    kind = b"P6" if image.ndim == 3 else b"P5"
    path.write_bytes(
        b"%s\n# made by a test\n%d %d\n255\n" % (kind, image.shape[1], image.shape[0]) + image.tobytes()
    )
    return path


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(3):
        write_ppm(folder / f"{i}.ppm", picture(i))
    np.save(folder / "3.npy", picture(3))
    (folder / "notes.txt").write_text("no picture")
    return folder


def call(*arguments, **options):
    command = [sys.executable, str(FOLDER / "label.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


# -- pictures ------------------------------------------------------------------------------------------------


def test_a_picture_is_read_as_it_was_written(example, tmp_path):
    colour, grey = picture(0, 5, 7), picture(1, 5, 7)[..., 0]
    np.testing.assert_array_equal(example.images.read(write_ppm(tmp_path / "a.ppm", colour)), colour)
    np.testing.assert_array_equal(example.images.read(write_ppm(tmp_path / "a.pgm", grey))[..., 0], grey)
    np.save(tmp_path / "a.npy", grey)
    np.testing.assert_array_equal(example.images.read(tmp_path / "a.npy")[..., 0], grey)


def test_samples_up_to_less_than_255_are_scaled(example, tmp_path):
    (tmp_path / "a.pgm").write_bytes(b"P5 3 1 100\n" + bytes([0, 50, 100]))
    assert example.images.read(tmp_path / "a.pgm").ravel().tolist() == [0, 127, 255]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ppm", b"P6 4 4 255\n" + bytes(47)),
        ("a.ppm", b"P3 1 1 255\n1 2 3"),
        ("a.pgm", b"P5 2 2 65535\n" + bytes(8)),
        ("a.pgm", b"P5 0 2 255\n"),
        ("a.pgm", b""),
        ("a.npy", b"\x93NUMPY"),
        ("a.npy", b"no array"),
    ],
)
def test_a_bad_picture_is_an_error_that_names_it(example, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(example.images.ImageError, match=name):
        example.images.read(tmp_path / name)


def test_an_array_that_is_no_picture(example, tmp_path):
    for array in (
        np.zeros((4, 4)),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 4), np.uint8),
    ):
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(example.images.ImageError, match=r"a\.npy"):
            example.images.read(tmp_path / "a.npy")


def test_pictures_of_16_bits_and_of_a_camera_held_upright(example, tmp_path):
    image_module = pytest.importorskip("PIL.Image")
    grey = picture(3, 4, 6)[..., 0]
    image_module.fromarray(grey.astype(np.uint16) << 8).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(example.images.read(tmp_path / "deep.png")[..., 0], grey)
    exif = image_module.Exif()
    exif[0x0112] = 6  # the top of what was seen is at the right
    image_module.fromarray(np.rot90(grey)).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(example.images.read(tmp_path / "turned.png")[..., 0], grey)
    image_module.fromarray(grey.astype(np.float32)).save(tmp_path / "float.tif")
    (tmp_path / "float.tif").rename(tmp_path / "float.png")
    with pytest.raises(example.images.ImageError, match="save it with 8"):
        example.images.read(tmp_path / "float.png")


def test_fit_keeps_the_mean_of_each_area(example):
    image = np.kron(picture(5, 6, 6), np.ones((4, 4, 1), np.uint8))
    np.testing.assert_array_equal(example.images.fit(image, (6, 6, 3)), picture(5, 6, 6))


@pytest.mark.parametrize("shape", [(8, 8, 3), (8, 12, 3), (12, 8, 1), (64, 64, 3), (1, 1, 1)])
@pytest.mark.parametrize("size", [(12, 12), (31, 50), (50, 31), (480, 640), (1, 7)])
def test_fit_gives_the_shape_and_stays_within_what_was_there(example, shape, size):
    image = np.random.default_rng(0).integers(100, 150, (*size, 3)).astype(np.uint8)
    fitted = example.images.fit(image, shape)
    assert fitted.shape == shape
    assert fitted.dtype == np.uint8
    assert 100 <= fitted.min() <= fitted.max() <= 150


def test_fit_takes_the_middle(example):
    image = np.zeros((10, 30, 1), np.uint8)
    image[:, 10:20] = 200
    assert (example.images.fit(image, (10, 10, 1)) == 200).all()


# -- the loop ------------------------------------------------------------------------------------------------


def test_every_picture_of_a_folder_gets_the_models_labels(model, photos):
    done = call(model, "--images", photos, "--json", "--top", 2)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["frame"] for row in rows] == ["0.ppm", "1.ppm", "2.ppm", "3.npy"]
    interpreter = Interpreter(model)
    for seed, row in enumerate(rows):
        scores = interpreter(picture(seed))[0][0]
        best = np.argsort(-scores)[:2]
        assert [one["label"] for one in row["labels"]] == [LABELS[i] for i in best]
        assert [one["score"] for one in row["labels"]] == pytest.approx(scores[best], abs=1e-4)
        assert set(row["ms"]) == {"capture", "prepare", "run"}


def test_one_picture_as_a_sentence(model, photos):
    done = call(model, "--images", photos / "1.ppm")
    assert done.returncode == 0
    assert done.stdout.startswith("1.ppm: thing ")
    assert done.stdout.count("\n") == 1


def test_once_stops_after_one(model, photos):
    assert call(model, "--images", photos, "--once").stdout.count("\n") == 1


def test_what_is_no_picture_is_passed_over(model, photos):
    (photos / "00.ppm").write_bytes(b"P6 broken")
    done = call(model, "--images", photos)
    assert done.returncode == 0
    assert done.stdout.count("\n") == 4
    assert "passed over" in done.stderr
    assert "00.ppm" in done.stderr


def test_sigterm_ends_it_cleanly(model, photos):
    command = [sys.executable, str(FOLDER / "label.py"), str(model), "--images", str(photos), "--repeat"]
    process = subprocess.Popen(
        [*command, "--interval", "30"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline().startswith("0.ppm")  # now it waits for half a minute
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert (out, err) == ("", "stopped after 1 frames\n")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["none.xlite", "--once"], "none.xlite"),
        (["MODEL", "--images", "nowhere.ppm"], "nowhere.ppm: there is no such file or folder"),
        (["MODEL", "--images", "nowhere.png"], "nowhere.png: there is no such file or folder"),
        (["MODEL", "--images", "EMPTY"], "has no pictures"),
        (["MODEL", "--images", "PHOTOS", "--memory", "1MiB"], "memory_limit allows 0 B"),
        (["MODEL", "--images", "PHOTOS", "--memory", "much"], "no size in memory"),
    ],
)
def test_what_does_not_mend_itself_ends_with_1(model, photos, tmp_path, arguments, error):
    (tmp_path / "empty").mkdir()
    names = {"MODEL": model, "PHOTOS": photos, "EMPTY": tmp_path / "empty"}
    done = call(*(names.get(a, a) for a in arguments), cwd=tmp_path)
    assert done.returncode == 1
    assert error in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_that_takes_no_image_is_refused(tmp_path, photos):
    b = Builder()
    path = tmp_path / "dense.xlite"
    path.write_bytes(write_model(b.model([b.dense(b.input((16,)), 4)])))
    done = call(path, "--images", photos)
    assert done.returncode == 1
    assert "not one image" in done.stderr


# -- the camera ----------------------------------------------------------------------------------------------


class FakeCamera:
    """picamera2.Picamera2, of which each ``capture_array`` does what ``script`` says next: gives a frame, raises,
    or never comes back."""

    script: ClassVar[list] = []
    opened = 0
    closed = 0

    def __init__(self):
        type(self).opened += 1

    @staticmethod
    def global_camera_info():
        return [{"Model": "fake"}]

    def create_video_configuration(self, main, buffer_count):
        assert main["format"] == "BGR888"
        return {"main": main}

    def configure(self, configuration):
        self.size = configuration["main"]["size"]

    def start(self):
        pass

    def capture_array(self, stream):
        assert stream == "main"
        todo = self.script.pop(0) if self.script else "hang"
        if todo == "hang":
            threading.Event().wait(60)
        time.sleep(0.2)  # in which whoever waits for the last frame takes it
        if isinstance(todo, Exception):
            raise todo
        return np.full((self.size[1], self.size[0], 3), todo, np.uint8)

    def close(self):
        type(self).closed += 1


@pytest.fixture
def camera(monkeypatch, example):
    module = types.ModuleType("picamera2")
    module.Picamera2 = type("Picamera2", (FakeCamera,), {"opened": 0, "closed": 0, "script": []})
    monkeypatch.setitem(sys.modules, "picamera2", module)
    real = example.sources.Camera
    monkeypatch.setattr(example.label, "Camera", lambda size: real(size, patience=0.5))
    monkeypatch.setattr(example.label.signal, "signal", lambda *_: None)
    waits = []
    real_wait = threading.Event.wait

    def wait(self, timeout=None):
        waits.append(timeout)
        return real_wait(self, timeout if timeout is None or timeout > 20 else min(timeout, 0.1))

    monkeypatch.setattr(threading.Event, "wait", wait)
    module.Picamera2.waits = waits
    return module.Picamera2


def test_frames_of_the_camera_are_labelled(example, camera, model, capsys):
    camera.script += [10]
    assert example.label.main([str(model), "--once", "--json"]) == 0
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert row["frame"] == "0"
    assert (camera.opened, camera.closed) == (1, 1)


def test_a_camera_that_goes_is_opened_again(example, camera, model, capsys):
    camera.script += [10, RuntimeError("cable"), 20, "hang"]
    with pytest.raises(AssertionError, match="enough"):
        _until_opened(example, camera, model, 3)
    said = capsys.readouterr()
    assert "the camera has gone: cable; trying again" in said.err
    assert "has sent no frame for 0.5 seconds; trying again" in said.err
    assert said.out.count("thing") >= 2
    assert camera.closed == camera.opened - 1  # the third was never opened


def _until_opened(example, camera, model, times):
    real = camera.__init__

    def init(self):
        real(self)
        assert self.opened < times, "enough"

    camera.__init__ = init
    example.label.main([str(model), "--top", "1"])


def test_a_camera_that_stays_away_ends_with_3(example, camera, model, capsys):
    camera.script += [RuntimeError("cable")] * 10
    assert example.label.main([str(model)]) == 3
    assert "error: the camera has gone: cable" in capsys.readouterr().err
    assert camera.opened == camera.closed == example.label.RETRIES + 1
    pauses = [seconds for seconds in camera.waits if seconds in (2.0, 4.0, 8.0)]
    assert pauses == [2.0, 4.0, 8.0]


def test_without_a_camera_the_error_says_what_to_look_at(example, camera, model, monkeypatch, capsys):
    monkeypatch.setattr(camera, "global_camera_info", staticmethod(lambda: []))
    assert example.label.main([str(model), "--once"]) == 3
    assert "no camera is connected" in capsys.readouterr().err


def test_without_picamera2_the_error_names_the_package(example, model, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    monkeypatch.setattr(example.label.signal, "signal", lambda *_: None)
    monkeypatch.setattr(example.label, "RETRIES", 0)
    assert example.label.main([str(model), "--once"]) == 3
    assert "python3-picamera2" in capsys.readouterr().err


# -- the unit ------------------------------------------------------------------------------------------------


def test_the_unit_starts_the_loop_with_arguments_that_it_takes(example):
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str
    unit.read(FOLDER / "xlite-label.service")
    service = unit["Service"]
    assert service["Type"] == "simple"
    assert service["Restart"] == "on-failure"
    python, script, *arguments = service["ExecStart"].split()
    assert python.startswith("/")
    assert (FOLDER / script).is_file()
    options = example.label.parse(arguments)
    assert options.images is None
    # what the loop may take lies below what the kernel ends it at
    limit = service["MemoryMax"]
    assert limit.endswith("M")
    assert example.label.parse_size(options.memory) < int(limit[:-1]) << 20
    ending = {example.label.FAILED, 2}
    assert {int(code) for code in service["RestartPreventExitStatus"].split()} == ending
    assert example.label.CAMERA_GONE not in ending
