"""model.h: what a program sees of the network."""

from __future__ import annotations

from collections.abc import Iterator

from xlite.converter.codegen import literals, text
from xlite.converter.codegen.literals import C_TYPES
from xlite.converter.codegen.model_source import argument
from xlite.converter.codegen.network import Network
from xlite.converter.codegen.text import Port
from xlite.schema.types import DType


def header(network: Network, producer: str) -> str:
    """The whole file; C and C++ can include it."""
    guard = f"{network.options.macro}_H"
    parts = [
        text.banner(network.model, "A network as C: fill the input, run, read the output.", producer),
        f"#ifndef {guard}\n#define {guard}\n",
        "#include <stddef.h>\n#include <stdint.h>\n",
        '#ifdef __cplusplus\nextern "C" {\n#endif\n',
        _arena(network),
        *(_port(network, port, "input") for port in text.ports(network.model, "input")),
        *(_port(network, port, "output") for port in text.ports(network.model, "output")),
        *_scores(network),
        *_labels(network),
        _run(network),
        "#ifdef __cplusplus\n}\n#endif\n",
        f"#endif /* {guard} */\n",
    ]
    return "\n".join(part for part in parts if part)


def _arena(network: Network) -> str:
    whose = (
        "The caller gives it to every function, aligned to 8 bytes."
        if network.options.arena == "caller"
        else "It is in the generated file and is all of its RAM."
    )
    return (
        f"/* Bytes of memory for activations and scratch. {whose} */\n"
        f"#define {network.options.macro}_ARENA_BYTES {network.arena_bytes}\n"
    )


def _port(network: Network, port: Port, what: str) -> str:
    macro = f"{network.options.macro}_{port.suffix.upper()}"
    type_ = C_TYPES[port.type.dtype]
    const = "const " if what == "output" else ""
    lines = [
        f"/* {'Input' if what == 'input' else 'Output'} {port.shown}.{_how(port)} */",
        f"#define {macro}_SIZE {port.count} /* elements of type {type_} */",
        f"#define {macro}_RANK {len(port.type.shape)}",
        f"#define {macro}_SHAPE {{{', '.join(map(str, port.type.shape))}}}",
        *_quantization(network, port, macro),
        *(_preprocessing(network, macro) if what == "input" else []),
        f"{const}{type_} *{network.options.prefix}_{port.suffix}({argument(network)});",
        "",
    ]
    return "\n".join(lines)


def _how(port: Port) -> str:
    if port.type.dtype is not DType.BIT:
        return ""
    return "\n * 32 signs of the last axis in a word, least significant bit first, 1 for -1; unused bits are 0."


def _quantization(network: Network, port: Port, macro: str) -> list[str]:
    tensor = network.model.tensors[port.tensor]
    if not tensor.scale:
        return []
    return [
        f"/* An element q stands for (q - {macro}_ZERO_POINT) * {macro}_SCALE. */",
        f"#define {macro}_SCALE {literals.float32(tensor.scale)}",
        f"#define {macro}_ZERO_POINT {tensor.zero_point}",
    ]


def _preprocessing(network: Network, macro: str) -> list[str]:
    given = network.model.metadata.preprocessing
    if given is None:
        return []
    return [
        "/* The model was trained on raw * scale + offset. */",
        f"#define {macro}_RAW_SCALE {literals.float32(given.scale)}",
        f"#define {macro}_RAW_OFFSET {literals.float32(given.offset)}",
    ]


def _scores(network: Network) -> Iterator[str]:
    scores = network.scores
    if scores.without:
        yield f"/* Left out of the model, as was asked for: {scores.without}. */\n"
    if scores.scale is not None or scores.bias is not None:
        yield "/* By class: score * scale + bias is what the model gave. */"
        for what, values in (("scale", scores.scale), ("bias", scores.bias)):
            if values is not None:
                yield f"extern const float {network.options.prefix}_score_{what}[{values.size}];\n"


def _labels(network: Network) -> Iterator[str]:
    labels = network.model.metadata.labels
    if labels:
        macro = network.options.macro
        yield f"/* The names of the classes, in UTF-8. */\n#define {macro}_LABELS {len(labels)}"
        yield f"extern const char *const {network.options.prefix}_labels[{macro}_LABELS];\n"


def _run(network: Network) -> str:
    return (
        "/* Computes the outputs. The inputs' memory serves other things too: fill them before each run. */\n"
        f"void {network.options.prefix}_run({argument(network)});\n"
    )
