"""model.c: weights and parameters as constants, and the network as calls in a straight line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from xlite.converter.codegen import band_source, literals, text
from xlite.converter.codegen.bands import Bands
from xlite.converter.codegen.calls import MAX_INPUTS, Call
from xlite.converter.codegen.literals import C_TYPES
from xlite.converter.codegen.names import comment, string
from xlite.converter.codegen.network import Network, Placed
from xlite.interpreter.kernels.c.params import part_extents
from xlite.schema.naming import op_name
from xlite.schema.types import OpKind


def model_source(network: Network, producer: str) -> str:
    """The whole file. The same network gives the same bytes."""
    options = network.options
    body = [
        *(_constant(network, tensor) for tensor in network.constants),
        *_parameters(network),
        *_scores(network),
        _memory(network),
        *_accessors(network),
        *_bands(network),
        _run(network),
        _labels(network),
    ]
    head = [
        text.banner(network.model, "The network: weights, parameters and calls.", producer),
        f'#include "{options.prefix}.h"\n',
        _includes(network, body),
        _externals(network),
    ]
    return "\n".join(part for part in (*head, *body) if part)


def _includes(network: Network, body: Sequence[str]) -> str:
    lines = [
        f"#include <{name}.h>" for name, words in _HEADERS.items() if any(w in b for w in words for b in body)
    ]
    lines += ["", '#include "xlite.h"', "", *_section_macro(network.options.section), ""]
    return "\n".join(lines)


_HEADERS = {"math": ("INFINITY", "NAN"), "stddef": ("NULL",), "string": ("memmove",)}


def _section_macro(section: str) -> list[str]:
    if not section:
        return ["#define WEIGHTS static const"]
    return [
        "#if defined(__GNUC__)",
        f'#define WEIGHTS __attribute__((section("{section}"))) static const',
        "#else",
        "#define WEIGHTS static const",
        "#endif",
    ]


def _externals(network: Network) -> str:
    functions = sorted({call.function for call in network.calls if call.params is None})
    if not functions:
        return ""
    about = "/* Yours. in, out: of the op; params: its data; tag: its index in the .xlite file. */"
    return "\n".join([about, *(f"void {name}(const xl_op *op);" for name in functions), ""])


def _constant(network: Network, tensor: int) -> str:
    held = network.model.tensors[tensor]
    assert held.data is not None
    name, dtype = text.constant_name(network.model, tensor), held.type.dtype
    data = np.ascontiguousarray(held.data, dtype.numpy)
    shape = "x".join(map(str, held.type.shape))
    about = f"/* {comment(held.name)}: {text.DTYPE_NAMES[dtype]} {shape} */"
    return f"{about}\nWEIGHTS {C_TYPES[dtype]} {name}[{data.size}] = {{\n{literals.array(data, dtype)}\n}};\n"


def _parameters(network: Network) -> Iterator[str]:
    for call in network.calls:
        if call.params is not None:
            made = literals.struct(call.params, network.functions)
            yield f"static const {literals.STRUCT_NAMES[type(call.params)]} params_{call.index} = {made};"
        elif call.data:
            data = np.frombuffer(call.data, np.uint8)
            values = "\n".join(literals.lines([str(b) for b in data]))
            yield f"static const unsigned char params_{call.index}[{data.size}] = {{\n{values}\n}};"
    yield ""


def _scores(network: Network) -> Iterator[str]:
    for what, values in (("scale", network.scores.scale), ("bias", network.scores.bias)):
        if values is not None:
            name = f"{network.options.prefix}_score_{what}"
            shown = "\n".join(literals.lines([literals.float32(v) for v in values.reshape(-1)]))
            yield f"const float {name}[{values.size}] = {{\n{shown}\n}};\n"


def _memory(network: Network) -> str:
    if network.options.arena == "caller":
        return "#define OP const xl_op\n#define AT(offset) (arena + (offset))\n"
    macro = network.options.macro
    return (
        "/* All memory that changes, aligned for all kernels. Its addresses are constants, so are the ops. */\n"
        f"static union {{\n  uint64_t words[{macro}_ARENA_BYTES / 8];\n"
        f"  unsigned char bytes[{macro}_ARENA_BYTES];\n}} memory;\n\n"
        "#define OP static const xl_op\n#define AT(offset) (memory.bytes + (offset))\n"
    )


def argument(network: Network) -> str:
    """The parameter list of the network's functions."""
    return "void *memory" if network.options.arena == "caller" else "void"


def _start(network: Network) -> str:
    if network.options.arena == "caller":
        return "  unsigned char *const arena = (unsigned char *)memory;\n"
    return ""


def _accessors(network: Network) -> Iterator[str]:
    for what, const in (("input", ""), ("output", "const ")):
        for port in text.ports(network.model, what):
            pointer = f"{const}{C_TYPES[port.type.dtype]} *"
            yield (
                f"{pointer}{network.options.prefix}_{port.suffix}({argument(network)}) {{\n{_start(network)}"
                f"  return ({pointer})(void *)AT({network.layout.offsets[port.tensor]});\n}}\n"
            )


def _run(network: Network) -> str:
    lines = [f"void {network.options.prefix}_run({argument(network)}) {{", _start(network).rstrip("\n")]
    for step in network.steps:
        lines += _step(network, step)
    return "\n".join(line for line in [*lines, "}"] if line) + "\n"


def _bands(network: Network) -> Iterator[str]:
    steps = [step for step in network.steps if isinstance(step.work, Bands)]
    if steps:
        yield band_source.TYPES
    parameter = "unsigned char *arena" if network.options.arena == "caller" else "void"

    def fields(call: Call, params: str, x: str, y: str, work: str) -> str:
        return _fields(call, params, [x, *(_address(network, t) for t in call.inputs[1:])], y, work)

    for step in steps:
        assert isinstance(step.work, Bands)
        address = partial(_address, network)
        yield band_source.band_function(network.model, step.work, step.scratch_at, parameter, address, fields)


def _step(network: Network, step: Placed) -> list[str]:
    if isinstance(step.work, Bands):
        given = "arena" if network.options.arena == "caller" else ""
        return [f"  {band_source.function_name(step.work)}({given});"]
    call = step.work
    lines = [f"  {{ /* {comment(op_name(network.model, call.index))} */", *_parts(network, call)]
    lines += [
        f"    OP op = {{{_op_fields(network, call, step.scratch_at)}}};",
        f"    {call.function}(&op);",
        "  }",
    ]
    return lines


def _parts(network: Network, call: Call) -> list[str]:
    """CONCATENATE reads its inputs through an array."""
    if call.spec.kind is not OpKind.CONCATENATE:
        return []
    const = "const" if network.options.arena == "caller" else "static const"
    pairs = zip(call.inputs, part_extents(call.spec))
    shown = ", ".join(f"{{{_address(network, t)}, {extent}}}" for t, extent in pairs)
    return [f"    {const} xl_part parts[{len(call.inputs)}] = {{{shown}}};"]


def _op_fields(network: Network, call: Call, scratch: int) -> str:
    inputs = [_address(network, t) for t in call.inputs]
    if call.spec.kind is OpKind.CONCATENATE:
        inputs = ["parts"]
    data = f"params_{call.index}" if call.data else "NULL"
    params = data if call.params is None else f"&params_{call.index}"
    work = f"AT({scratch})" if call.workspace else "NULL"
    return _fields(call, params, inputs, _address(network, call.output), work)


def _fields(call: Call, params: str, inputs: Sequence[str], output: str, work: str) -> str:
    """Those of an xl_op, all of them."""
    given = ", ".join([*inputs, *["NULL"] * (MAX_INPUTS - len(inputs))])
    return (
        f".run = {call.function}, .params = {params},\n"
        f"              .in = {{{given}}},\n"
        f"              .out = {output}, .workspace = {work},\n"
        f"              .workspace_bytes = {call.workspace}, .tag = {call.index}, .threads = NULL"
    )


def _address(network: Network, tensor: int) -> str:
    if tensor < 0:
        return "NULL"
    if network.model.tensors[tensor].is_constant:
        return text.constant_name(network.model, tensor)
    return f"AT({network.layout.offsets[tensor]})"


def _labels(network: Network) -> str:
    labels = network.model.metadata.labels
    if not labels:
        return ""
    shown = "\n".join(literals.lines([string(label) for label in labels]))
    return f"const char *const {network.options.prefix}_labels[{len(labels)}] = {{\n{shown}\n}};\n"
