"""The driver's end of a worker: a process that holds one engine and answers requests, a line of JSON each."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).resolve().parent / "worker.py"
SECONDS = 900.0  # for any answer: loading a large network in all of a peer's modes takes minutes


class WorkerError(Exception):
    """The engine refused, crashed or did not answer; the message says which."""


class Worker:
    """Use as a context manager: leaving it ends the process."""

    def __init__(self, command: list[str], environ: dict[str, str], seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the worker)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **environ},
            text=True,
            start_new_session=True,  # Ctrl-C is the driver's, which ends its workers
        )

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """The answer to a request. Raises WorkerError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watch = threading.Timer(self.seconds, self._process.kill)
        watch.start()
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            watch.cancel()
        if not line:
            raise WorkerError(self._ending(do))
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return dict(answer["ok"])

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            try:
                pipe.close()
            except BrokenPipeError:  # what was never read is of no interest now
                continue

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ending(self, do: str) -> str:
        """How the process ended, with the last line that it printed."""
        self._process.wait()
        code = self._process.returncode
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
        return f"its process {how} at '{do}'" + (f": {lines[-1][:200]}" if lines else "")
