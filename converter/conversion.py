"""``xlite.convert``: a Keras model in, a .xlite file and its report out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from xlite.converter.emit import emit
from xlite.converter.frontend import KerasModel, read
from xlite.converter.graph import Graph
from xlite.converter.integer_inputs import dtype_of, preprocessing_of, read_integers
from xlite.converter.lowering import lower
from xlite.converter.passes import run_passes
from xlite.converter.preprocessing import checked, checked_range
from xlite.converter.quantize_weights import quantize_weights
from xlite.converter.report import Report, build_report, strict_failures
from xlite.converter.schedule import schedule
from xlite.interpreter.targets import Target, get_target
from xlite.schema.errors import ConversionError, StrictError
from xlite.schema.files import write_file
from xlite.schema.types import Metadata, Model, Preprocessing
from xlite.schema.version import __version__
from xlite.schema.writer import write_model


@dataclass
class ConversionResult:
    """``data`` is the .xlite file; ``graph`` what the passes left; ``path`` where it was written, if it was."""

    data: bytes
    model: Model
    graph: Graph
    report: Report
    path: str | None = None

    def save(self, path: str | os.PathLike) -> None:
        """Writes the file, whole or not at all."""
        write_file(path, self.data)
        self.path = os.fspath(path)


def convert(
    source: Any,
    out: str | os.PathLike | None = None,
    *,
    target: str | None = None,
    strict: bool = False,
    labels: Sequence[str] | None = None,
    preprocessing: Preprocessing | None = None,
    input_dtype: str | None = None,
    input_range: tuple[float, float] | None = None,
    quantize: str | None = None,
    trace: Callable[[str, Graph], None] | None = None,
) -> ConversionResult:
    """Converts a Keras model to the packed format, without importing TensorFlow or Keras for a file.

    source: path of a .h5 or .keras file, or a live ``keras.Model``. out: where to write the .xlite file.
    target: name of a device profile; the report then says whether the model fits it. strict: raise StrictError
    where something that a quantizer marked as binary did not pack (nothing is written then). labels: names of the
    classes; preprocessing: how raw input (an image's bytes) becomes the model's; both are kept in the file.
    input_dtype: "uint8" or "int8" makes the model's float inputs integers. Keras's input is then the integer
    itself (a Rescaling layer does the rest), or what ``preprocessing`` or ``input_range`` makes of it: the numbers
    that the smallest and the largest integer stand for. quantize: "int8" rounds the weights of float convolutions
    and dense layers to int8, one scale a filter; the report says which and how far they are off. "int8-stem" does
    so with layers that read the integer input only: the smallest change that leaves no float product there.
    trace: called with ``(name, graph)`` after lowering and after every pass that changed something.

    Raises ConversionError (UnsupportedLayerError, StrictError) naming the layer or the argument and the mend, and
    FileError.
    """
    if quantize not in (None, "int8", "int8-stem"):
        raise ConversionError(f"weights cannot be quantized to {quantize!r}; choose 'int8' or 'int8-stem'")
    if quantize == "int8-stem" and input_dtype is None:
        raise ConversionError("a stem of integers needs integer inputs; give an input dtype too")
    preprocessing = _preprocessing(preprocessing, input_dtype, input_range)
    integers = None if input_dtype is None else dtype_of(input_dtype)
    keras_model = read(source)
    graph = lower(keras_model)
    if integers is not None:
        read_integers(graph, integers, preprocessing)
    rounded = [] if quantize is None else quantize_weights(graph, stem_only=quantize == "int8-stem")
    if trace is not None:
        trace("lowering", graph)
    run_passes(graph, trace)
    order = schedule(graph)
    if trace is not None:
        trace("schedule", graph)
    model = emit(graph, _metadata(keras_model, labels, preprocessing))
    data = write_model(model)
    report = build_report(graph, model, len(data), keras_model.source_name)
    report.notes = list(keras_model.notes)
    report.quantized = rounded
    report.live_bytes_as_lowered, report.live_bytes = order.before, order.after
    failures = strict_failures(report)
    if strict and failures:
        raise StrictError("; ".join(failures))
    if target is not None:
        report.target = _fit(data, get_target(target))
    result = ConversionResult(data, model, graph, report)
    if out is not None:
        result.save(out)
    return result


def _preprocessing(
    given: Preprocessing | None, input_dtype: str | None, input_range: tuple[float, float] | None
) -> Preprocessing | None:
    """What a raw number stands for, by itself or by the ends of a range of integers; checked."""
    if input_range is not None:
        if input_dtype is None:
            raise ConversionError("an input range is for integer inputs; give an input dtype too")
        if given is not None:
            raise ConversionError("give an input range or a preprocessing (scale and offset), not both")
        given = preprocessing_of(dtype_of(input_dtype), *checked_range(input_range))
    return None if given is None else checked(given)


def _metadata(source: KerasModel, labels: Sequence[str] | None, preprocessing: Preprocessing | None) -> Metadata:
    return Metadata(
        producer=f"xlite {__version__}",
        source_name=source.source_name,
        source_sha256=source.source_sha256,
        source_format=source.source_format,
        model_name=source.name,
        labels=list(labels or ()),
        preprocessing=preprocessing,
    )


def _fit(data: bytes, target: Target) -> dict:
    """Whether the file fits the target's memory, as ``xlite inspect --target`` says it of the file."""
    from xlite.converter.targeting import file_on_target  # kernels, which no other conversion needs

    there = file_on_target(data, target)
    return {
        "name": target.name,
        "ram_bytes": target.ram_bytes,
        "needed_bytes": there.needed_bytes,
        "flash_bytes": target.flash_bytes,
        "flash_needed_bytes": there.flash_needed_bytes,
        "fits": there.fits,
        "note": there.note,
    }
