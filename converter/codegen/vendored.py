"""The part of the C library that a network needs, as files beside it."""

from __future__ import annotations

from xlite.converter.codegen import sources
from xlite.converter.codegen.network import Network
from xlite.converter.codegen.trim import HEADER, trim_for

FOLDER = "xlite"


def vendored(network: Network) -> dict[str, str]:
    """Path -> text. Nothing where the network's options say so."""
    if not network.options.kernels:
        return {}
    kernels = {call.function for call in network.calls if call.params is not None}
    trim = trim_for(network.calls, network.small)
    files = sources.needed(sorted(kernels | set(network.functions.names)), trim.unused())
    texts = {f"{FOLDER}/{file.name}": file.text for file in files}
    header = f"{FOLDER}/{HEADER}"
    return {**texts, header: trim.header(texts[header])} if header in texts else texts
