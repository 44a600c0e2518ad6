"""Where frames come from: the camera, a folder of pictures, one picture."""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NamedTuple

import images
import numpy as np


class Frame(NamedTuple):
    """``image``: uint8 [height, width, channels]. ``name``: the file's, or the frame's number."""

    name: str
    image: np.ndarray


class CameraError(Exception):
    """There is no camera, or it has gone. The message says what to look at."""


def from_path(path: Path, repeat: bool) -> Generator[Frame, None, None]:
    """The picture, or all pictures of the folder in the order of their names; again and again with ``repeat``.

    A folder is listed anew each time around, so that pictures may come and go. Raises images.ImageError for one
    that is named alone, or where a folder has none; one of a folder's that cannot be read is passed over with a
    word."""
    if not path.is_dir():
        image = images.read(path)
        yield Frame(path.name, image)
        while repeat:
            yield Frame(path.name, images.read(path))
        return
    while True:
        found = 0
        for file in sorted(path.iterdir()):
            if images.is_image(file):
                try:
                    image = images.read(file)
                except images.ImageError as error:
                    print(f"passed over: {error}", file=sys.stderr, flush=True)
                    continue
                found += 1
                yield Frame(file.name, image)
        if not found:
            raise images.ImageError(f"{path}: has no pictures ({', '.join((*images.OWN, *images.PILLOWS))})")
        if not repeat:
            return


class Camera:
    """The Raspberry Pi's camera through picamera2, which scales frames to ``size`` (width, height) by itself.

    A camera that is unplugged or hangs does not say so: the call for the next frame just never returns. So another
    thread makes that call, and whoever waits for it waits ``patience`` seconds at most.
    """

    def __init__(self, size: tuple[int, int], patience: float = 5.0) -> None:
        """Raises CameraError where there is none."""
        try:
            from picamera2 import Picamera2
        except ImportError:
            raise CameraError(
                "picamera2 is not there (apt install python3-picamera2, in an environment that sees the system's "
                "packages); or name a picture or a folder of pictures with --images"
            ) from None
        if not Picamera2.global_camera_info():
            raise CameraError("no camera is connected: look at its cable, and at 'rpicam-hello --list-cameras'")
        self._patience = patience
        self._width, self._height = size
        self._frames: queue.Queue = queue.Queue(maxsize=1)
        self._stop = threading.Event()
        self._camera = None
        try:
            self._camera = Picamera2()
            # libcamera's names are those of a word's bytes from the highest down: BGR888 is R, G, B in memory
            main = {"size": (max(64, self._width), max(64, self._height)), "format": "BGR888"}
            self._camera.configure(self._camera.create_video_configuration(main=main, buffer_count=2))
            self._camera.start()
        except (RuntimeError, OSError, IndexError) as error:
            self.close()
            raise CameraError(f"the camera does not start: {error}; another program may be using it") from None
        self._thread = threading.Thread(target=self._capture, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Frame]:
        """Frames as they come, only the newest of those that nobody took. Raises CameraError where none comes."""
        number = 0
        while not self._stop.is_set():
            try:
                found = self._frames.get(timeout=self._patience)
            except queue.Empty:
                raise CameraError(f"the camera has sent no frame for {self._patience:g} seconds") from None
            if isinstance(found, Exception):
                raise CameraError(f"the camera has gone: {found}") from found
            yield Frame(str(number), found)
            number += 1

    def close(self) -> None:
        """Lets go of the camera. Waits for it no longer than for a frame."""
        self._stop.set()
        if self._camera is None:
            return
        ending = threading.Thread(target=self._camera.close, daemon=True)
        ending.start()
        ending.join(self._patience)

    def _capture(self) -> None:
        while not self._stop.is_set():
            try:
                frame = self._camera.capture_array("main")
            except Exception as error:  # whatever libcamera raises: the loop decides what to do about it
                self._put(error)
                return
            self._put(frame)

    def _put(self, frame: object) -> None:
        """In place of one that nobody has taken yet."""
        with contextlib.suppress(queue.Empty):
            self._frames.get_nowait()
        self._frames.put(frame)
