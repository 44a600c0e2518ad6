"""``xlite compile``: a model in, a folder of C out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Union

from xlite.converter.codegen.example import example
from xlite.converter.codegen.golden import make_golden
from xlite.converter.codegen.header import header
from xlite.converter.codegen.measure import NotMeasured, measure
from xlite.converter.codegen.model_source import model_source
from xlite.converter.codegen.network import Network, make_network
from xlite.converter.codegen.options import Options
from xlite.converter.codegen.project import cmake, readme
from xlite.converter.codegen.report import Report, make_report
from xlite.converter.codegen.vendored import vendored
from xlite.converter.codegen.writing import MANIFEST, write_folder
from xlite.interpreter import Resolver
from xlite.schema import load_model
from xlite.schema.types import FILE_IDENTIFIER, Model
from xlite.schema.version import __version__

Source = Union[str, "os.PathLike[str]", bytes, Model]
_KERAS = (".h5", ".hdf5", ".keras")


@dataclass(frozen=True)
class Generated:
    """files: path -> text, as they are written."""

    network: Network
    files: Mapping[str, str]
    report: Report


def generate(
    source: Source,
    out: str | os.PathLike | None = None,
    *,
    options: Options | None = None,
    resolver: Resolver | None = None,
    measured: bool = False,
    **chosen: Any,
) -> Generated:
    """C99 for one model, that needs no heap, no file and no other library.

    source: a .xlite file's path or bytes, a Model, or the path of a .h5 or .keras file, which is converted first.
    out: the folder to write, whole or not at all. options: or its fields by name, for example ``prefix="faces"``.
    resolver: knows the model's custom ops, for the example's expected output. measured: whether to build it with
    the target's toolchain, if that is here, for the figures of flash and RAM.

    Raises FileError, ConversionError, KernelError for an op that C cannot compute, BackendError where xlite was
    installed without its C library, and Error for options.
    """
    made = replace(options or Options(), **chosen)
    made.check()
    network = make_network(_model(source), made)
    files, report = _files(network, resolver, measured)
    if out is not None:
        write_folder(out, files)
    return Generated(network, files, report)


def _files(network: Network, resolver: Resolver | None, measured: bool) -> tuple[dict[str, str], Report]:
    prefix, producer = network.options.prefix, f"xlite {__version__}"
    golden = make_golden(network.model, resolver)
    files = {
        f"{prefix}.c": model_source(network, producer),
        f"{prefix}.h": header(network, producer),
        "main.c": example(network, golden, producer),
        **vendored(network),
    }
    report = make_report(network)
    if measured:
        try:
            report = replace(report, measured=measure(network, files))
        except NotMeasured as error:
            report = replace(report, why=str(error))
    files["CMakeLists.txt"] = cmake(network, sorted(files), producer)
    files["README.md"] = readme(network, report.rows(), producer)
    report = replace(report, files=tuple(sorted([*files, MANIFEST])))
    files[MANIFEST] = json.dumps(report.to_dict(), indent=2) + "\n"
    return files, report


def _model(source: Source) -> Model:
    if isinstance(source, Model):
        return source
    if isinstance(source, bytes):
        return load_model(source)
    path = os.fspath(source)
    if path.lower().endswith(_KERAS) and not _is_xlite(path):
        from xlite.converter.conversion import convert

        return convert(path).model
    return load_model(path)


def _is_xlite(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(8)[4:8] == FILE_IDENTIFIER
    except OSError:
        return False  # whoever reads it next says why
