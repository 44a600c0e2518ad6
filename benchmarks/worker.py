"""Holds one engine with one model loaded and runs it when asked. It runs in the engine's own environment: with the
standard library, numpy and that engine.

A request is a line of JSON on stdin, ``{"do": name, ...}``, its answer a line ``{"ok": ...}`` or
``{"error": text}`` on what was stdout when the program began (libraries' own prints go to stderr). It ends with
its input.

    load     runner, model, threads, options   ->  {"versions": {...}, "detail": {...}}
    outputs  input, output (.npy files)        ->  {}: every sample of the input, one after the other
    time     seconds, warm                     ->  {"ns": [...]}: runs for so long, at least one, behind ``warm``
                                                   seconds of others that do not count; 0 for none
"""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import sys
from time import perf_counter_ns
from typing import Any, Callable, TextIO

import numpy as np

LARQ_MODES = {  # arguments of larq_compute_engine's Interpreter
    "default": {},
    "default + XNNPACK": {"use_xnnpack": True},
    "indirect": {"use_indirect_bgemm": True},
    "indirect + XNNPACK": {"use_indirect_bgemm": True, "use_xnnpack": True},
    "reference": {"use_reference_bconv": True},
    "reference + XNNPACK": {"use_reference_bconv": True, "use_xnnpack": True},
}
TRIAL_SECONDS = 0.5  # for each mode

Answer = dict[str, Any]


class Loaded:
    """A model in an engine. ``invoke`` runs it on the input that was set last; ``set_input`` takes one sample with
    its batch axis, ``output`` gives a copy of the result."""

    def __init__(
        self,
        set_input: Callable[[np.ndarray], None],
        invoke: Callable[[], None],
        output: Callable[[], np.ndarray],
        versions: dict[str, str],
        detail: dict[str, Any],
    ) -> None:
        self.set_input, self.invoke, self.output = set_input, invoke, output
        self.versions, self.detail = versions, detail


def load_xlite(model: str, threads: int, options: dict[str, Any], sample: np.ndarray) -> Loaded:
    """One of xlite's backends. options: ``backend``."""
    from xlite.benchmarking import describe_machine
    from xlite.interpreter import Interpreter

    backend = options["backend"]
    interpreter = Interpreter(model, backend=backend, num_threads=threads)
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]
    machine = describe_machine()
    detail: dict[str, Any] = {"ops": dict(interpreter.backends)}
    if backend == "c":
        detail["isa"] = _active_isa(machine)
    return Loaded(
        lambda x: interpreter.set_tensor(source, x),
        interpreter.invoke,
        lambda: np.array(interpreter.get_tensor(target)),
        {"xlite": machine["xlite"], **_versions("numpy", *(["numba"] if backend == "numba" else []))},
        detail,
    )


def _active_isa(machine: dict[str, Any]) -> str:
    """The instruction set that the C library chose or was told to use; empty for a library that has one only."""
    from xlite.interpreter.kernels import c

    isa = getattr(c, "isa", None)
    return str(machine.get("isa") or (isa()[0] if isa else ""))


def load_litert(model: str, threads: int, options: dict[str, Any], sample: np.ndarray) -> Loaded:
    """LiteRT, whose default resolver brings XNNPACK. A float sample is quantized as the model's input says."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=model, num_threads=threads)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def set_input(x: np.ndarray) -> None:
        if source["dtype"] == np.int8:
            scale, zero = source["quantization"]
            x = np.clip(np.round(x / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(source["index"], x)

    def output() -> np.ndarray:
        found = interpreter.get_tensor(target["index"])
        if target["dtype"] != np.int8:
            return found
        scale, zero = target["quantization"]
        return (found.astype(np.float32) - zero) * np.float32(scale)

    # after the delegate took its part, an op stands for it
    detail = {"xnnpack": any(op["op_name"] == "DELEGATE" for op in interpreter._get_ops_details())}
    return Loaded(set_input, interpreter.invoke, output, _versions("ai-edge-litert"), detail)


def load_larq(model: str, threads: int, options: dict[str, Any], sample: np.ndarray) -> Loaded:
    """Larq Compute Engine in the mode that is fastest for this model. Its interface has no run alone: input and
    output are copied each time."""
    from larq_compute_engine.tflite.python.interpreter import Interpreter

    with open(model, "rb") as file:
        content = file.read()
    wanted = options.get("mode")
    modes: dict[str, Any] = {}
    for name, arguments in LARQ_MODES.items():
        if wanted in (None, name):
            interpreter = Interpreter(content, num_threads=threads, **arguments).interpreter
            modes[name] = _best_ms(lambda: interpreter.predict([sample]))  # noqa: B023 (called at once)
            del interpreter
    best = min(modes, key=modes.__getitem__)
    interpreter = Interpreter(content, num_threads=threads, **LARQ_MODES[best]).interpreter
    state: dict[str, Any] = {"input": [sample]}

    def set_input(x: np.ndarray) -> None:
        state["input"] = [x]

    def invoke() -> None:
        state["output"] = interpreter.predict(state["input"])

    versions = _versions("larq-compute-engine", "tensorflow", "larq", "larq-zoo")
    detail = {"mode": best, "modes_ms": modes}
    return Loaded(set_input, invoke, lambda: np.array(state["output"][0]), versions, detail)


def _best_ms(invoke: Callable[[], Any]) -> float:
    """The shortest of some runs, at least two, behind one that does not count."""
    invoke()
    return min(timed(invoke, TRIAL_SECONDS, least=2)) / 1e6


def load_fake(model: str, threads: int, options: dict[str, Any], sample: np.ndarray) -> Loaded:
    """For tests: gives its input times ``threads``; the option "fail" is an error, "exit" a crash."""
    if "fail" in options:
        raise ValueError(options["fail"])
    state = {"input": sample}

    def set_input(x: np.ndarray) -> None:
        state["input"] = x

    def invoke() -> None:
        if "exit" in options:
            print("crashing", file=sys.stderr, flush=True)
            os._exit(3)
        print("a library's own words")  # must not reach the driver

    return Loaded(set_input, invoke, lambda: state["input"] * threads, {"fake": "1"}, {"model": model})


RUNNERS = {"xlite": load_xlite, "litert": load_litert, "larq": load_larq, "fake": load_fake}


def timed(invoke: Callable[[], Any], seconds: float, least: int = 1) -> list[int]:
    """Nanoseconds of each run, for about so many seconds."""
    times: list[int] = []
    gc.collect()
    gc.disable()
    try:
        end = perf_counter_ns() + int(seconds * 1e9)
        while True:
            start = perf_counter_ns()
            invoke()
            now = perf_counter_ns()
            times.append(now - start)
            if now >= end and len(times) >= least:
                return times
    finally:
        gc.enable()


def _versions(*packages: str) -> dict[str, str]:
    return {package: importlib.metadata.version(package) for package in packages}


class Worker:
    """Answers requests; each method is one."""

    def __init__(self) -> None:
        self.loaded: Any = None

    def load(self, runner: str, model: str, threads: int, options: dict[str, Any], input: str) -> Answer:
        sample = np.load(input)[:1]
        self.loaded = RUNNERS[runner](model, threads, options, sample)
        self.loaded.set_input(sample)
        return {"versions": self.loaded.versions, "detail": self.loaded.detail}

    def outputs(self, input: str, output: str) -> Answer:
        samples = np.load(input)
        found = []
        for start in range(len(samples)):
            self.loaded.set_input(samples[start : start + 1])
            self.loaded.invoke()
            found.append(self.loaded.output())
        self.loaded.set_input(samples[:1])
        np.save(output, np.concatenate(found))
        return {}

    def time(self, seconds: float, warm: float) -> Answer:
        if warm:
            timed(self.loaded.invoke, warm)
        return {"ns": timed(self.loaded.invoke, seconds)}


def serve(requests: TextIO, answers: TextIO) -> None:
    worker = Worker()
    for line in requests:
        request = json.loads(line)
        try:
            answer = {"ok": getattr(worker, request.pop("do"))(**request)}
        except Exception as error:  # whatever an engine raises is what the driver is to hear
            lines = str(error).strip().splitlines() or [""]
            answer = {"error": f"{type(error).__name__}: {lines[0]}"[:300]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    sys.path.pop(0)  # this folder: no engine is to find its modules
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    serve(sys.stdin, channel)
