"""Looks through a camera, or at pictures, and says what it sees: one line a frame.

    python label.py model.xlite                          the camera, until it is stopped
    python label.py model.xlite --images photos/ --json  a folder of pictures, a JSON object a line

Labels and preprocessing are those in the model's file. Ends with 0 when it is done or was asked to stop (SIGTERM,
Ctrl-C), with 1 for something that will not mend itself, with 2 for wrong arguments and with 3 where the camera has
gone for good: systemd starts it again then.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import threading
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Optional

import images
import numpy as np
from sources import Camera, CameraError, Frame, from_path

import xlite
from xlite.interpreter import process
from xlite.interpreter.memory import parse_size

FAILED, CAMERA_GONE = 1, 3
LOOP = 1 << 20  # bytes of --memory that are kept for pictures and for what is said of them
RETRIES = 3  # to open a camera that has gone, each after twice as long a pause


def main(arguments: Optional[Sequence[str]] = None) -> int:
    options = parse(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        interpreter = open_model(options.model, options.memory)
        shape = image_shape(interpreter)
        frames = (
            camera_frames(shape, stop) if options.images is None else from_path(options.images, options.repeat)
        )
        with contextlib.closing(frames):  # lets go of the camera
            count = run(interpreter, shape, frames, options, stop)
    except (xlite.Error, images.ImageError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except CameraError as error:
        print(f"error: {error}", file=sys.stderr)
        return CAMERA_GONE
    if stop.is_set():
        print(f"stopped after {count} frames", file=sys.stderr)
    return 0


def parse(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Says what a camera, or a picture, shows.")
    parser.add_argument("model", type=Path, help="a .xlite file whose input is an image")
    parser.add_argument("--images", type=Path, metavar="PATH", help="a picture or a folder in place of the camera")
    parser.add_argument("--repeat", action="store_true", help="go around the pictures until stopped")
    parser.add_argument("--once", action="store_true", help="stop after one frame")
    parser.add_argument("--interval", type=seconds, default=0.0, metavar="S", help="seconds from frame to frame")
    parser.add_argument("--top", type=int, default=3, metavar="N", help="how many labels to say (3)")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    parser.add_argument("--memory", metavar="SIZE", help="that the whole process may take, for example 96MiB")
    return parser.parse_args(arguments)


def seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return value


def open_model(path: Path, memory: Optional[str]) -> xlite.Interpreter:
    """The interpreter, its memory allocated. memory: what the whole process may take; what Python, the library and
    this loop take of it is not left for the model."""
    limit = None
    if memory is not None:
        xlite.Interpreter(path).close()  # brings the library and its kernels into memory, and allocates nothing
        taken = process.resident()
        limit = max(0, parse_size(memory) - (taken or 0) - LOOP)
    interpreter = xlite.Interpreter(path, memory_limit=limit)
    interpreter.allocate_tensors()
    return interpreter


def image_shape(interpreter: xlite.Interpreter) -> tuple[int, int, int]:
    """Height, width and channels of the model's one input."""
    details = interpreter.get_input_details()
    shape = tuple(int(d) for d in details[0]["shape"][1:])
    if len(details) != 1 or len(shape) != 3 or shape[2] not in (1, 3):
        shapes = [tuple(int(d) for d in one["shape"]) for one in details]
        raise xlite.Error(f"the model takes {shapes}, which is not one image of 1 or 3 channels")
    return shape


def camera_frames(shape: tuple[int, int, int], stop: threading.Event) -> Generator[Frame, None, None]:
    """Frames of the camera. One that goes is opened again a few times before that counts as an error."""
    failures = 0
    while not stop.is_set():
        camera = None
        try:
            camera = Camera((shape[1], shape[0]))
            for frame in camera:
                failures = 0
                yield frame
                if stop.is_set():
                    return
        except CameraError as error:
            failures += 1
            if failures > RETRIES:
                raise
            print(f"{error}; trying again", file=sys.stderr, flush=True)
            stop.wait(2.0**failures)
        finally:
            if camera is not None:
                camera.close()


def run(
    interpreter: xlite.Interpreter,
    shape: tuple[int, int, int],
    frames: Generator[Frame, None, None],
    options: argparse.Namespace,
    stop: threading.Event,
) -> int:
    """Labels frames until there are no more, ``stop`` is set, or after one with --once. Returns how many."""
    count = 0
    begun = time.monotonic()
    for frame in frames:
        if stop.is_set():
            break
        captured = time.monotonic()
        image = images.fit(frame.image, shape)
        prepared = time.monotonic()
        outputs = interpreter(image)
        done = time.monotonic()
        scores = np.asarray(outputs[0] if isinstance(outputs, list) else outputs).reshape(-1)
        times = {"capture": captured - begun, "prepare": prepared - captured, "run": done - prepared}
        said = describe(frame.name, scores, interpreter.metadata.labels, options.top, times)
        print(json.dumps(said) if options.json else sentence(said), flush=True)
        count += 1
        if options.once or stop.wait(max(0.0, options.interval - (time.monotonic() - begun))):
            break
        begun = time.monotonic()
    return count


def describe(
    name: str, scores: np.ndarray, labels: Sequence[str], top: int, times: dict[str, float]
) -> dict[str, Any]:
    """What is said of a frame: the best labels with their scores, and milliseconds."""
    best = np.argsort(-scores, kind="stable")[: max(1, top)]
    found: list[dict[str, Any]] = [
        {"label": labels[i] if i < len(labels) else f"class {i}", "score": round(float(scores[i]), 4)}
        for i in best
    ]
    return {"frame": name, "labels": found, "ms": {what: round(1e3 * took, 1) for what, took in times.items()}}


def sentence(said: dict[str, Any]) -> str:
    labels = ", ".join(f"{one['label']} {one['score']:.2f}" for one in said["labels"])
    times = ", ".join(f"{what} {ms:.0f} ms" for what, ms in said["ms"].items())
    return f"{said['frame']}: {labels} ({times})"


if __name__ == "__main__":
    sys.exit(main())
