"""The part of the C library that a network needs, as files beside it."""

from __future__ import annotations

from xlite.converter.codegen import sources
from xlite.converter.codegen.network import Network

FOLDER = "xlite"


def vendored(network: Network) -> dict[str, str]:
    """Path -> text. Nothing where the network's options say so."""
    if not network.options.kernels:
        return {}
    kernels = {call.function for call in network.calls if call.params is not None}
    files = sources.needed(sorted(kernels | set(network.functions.names)))
    return {f"{FOLDER}/{file.name}": file.text for file in files}
