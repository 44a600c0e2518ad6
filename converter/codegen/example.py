"""main.c: runs the network once on an input that it makes itself, and compares with the numpy reference."""

from __future__ import annotations

from collections.abc import Iterator

from xlite.converter.codegen import literals, text
from xlite.converter.codegen.golden import SEED, Golden
from xlite.converter.codegen.literals import C_TYPES
from xlite.converter.codegen.network import Network
from xlite.converter.codegen.text import Port
from xlite.schema.types import DType

_TOP = """
#include <stdint.h>
#ifndef NO_STDIO
#include <stdio.h>
#endif

"""

_RANDOM = f"""
static uint32_t state = {SEED}u;

static uint32_t next(void) {{
  state = state * 1664525u + 1013904223u;
  return state;
}}
"""

_NEAR = """
/* Floats may differ in their last digits from those of another machine, for which the order of sums or the
 * exponential is not the same. */
static int near(float got, float want, float largest) {
  const float apart = got < want ? want - got : got - want;
  return apart <= 1e-5f * largest; /* false for NaN */
}
"""

_FILL = {
    DType.FLOAT32: "(float)(next() >> 24) / 256.0f",
    DType.INT32: "(int32_t)next()",
    DType.UINT8: "(uint8_t)(next() >> 24)",
    DType.INT8: "(int8_t)(uint8_t)(next() >> 24)",
}


def example(network: Network, golden: Golden, producer: str) -> str:
    """The whole file. Its program prints "pass" and returns 0, or "fail" and 1; nothing with NO_STDIO."""
    outputs = text.ports(network.model, "output")
    near = _NEAR.lstrip() if any(port.type.dtype is DType.FLOAT32 for port in outputs) else ""
    parts = [
        text.banner(network.model, "The network on one input, compared with the expected output.", producer),
        f'#include "{network.options.prefix}.h"{_TOP}',
        *_expected(golden, outputs),
        _RANDOM.lstrip(),
        near,
        _memory(network),
        *(_fill(network, port) for port in text.ports(network.model, "input")),
        *(_check(network, port) for port in outputs),
        _main(network, outputs),
    ]
    return "\n".join(part for part in parts if part)


def _expected(golden: Golden, outputs: list[Port]) -> Iterator[str]:
    for port, values in zip(outputs, golden.outputs):
        dtype = port.type.dtype
        shown = literals.array(values, dtype)
        yield f"static const {C_TYPES[dtype]} expected_{port.suffix}[{values.size}] = {{\n{shown}\n}};\n"


def _memory(network: Network) -> str:
    if network.options.arena == "static":
        return ""
    macro = network.options.macro
    return f"static uint64_t memory[{macro}_ARENA_BYTES / 8];\n"


def _given(network: Network) -> str:
    return "memory" if network.options.arena == "caller" else ""


def _fill(network: Network, port: Port) -> str:
    prefix, macro = network.options.prefix, f"{network.options.macro}_{port.suffix.upper()}"
    lines = [
        f"static void fill_{port.suffix}(void) {{",
        f"  {C_TYPES[port.type.dtype]} *x = {prefix}_{port.suffix}({_given(network)});",
        f"  for (int32_t i = 0; i < {macro}_SIZE; ++i) x[i] = {_drawn(port)};",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _drawn(port: Port) -> str:
    if port.type.dtype is not DType.BIT:
        return _FILL[port.type.dtype]
    words, bits = port.type.storage_shape[-1], port.type.shape[-1]
    if bits % 32 == 0:
        return "next()"
    return f"next() & (i % {words} == {words - 1} ? 0x{(1 << bits % 32) - 1:x}u : 0xffffffffu)"


def _check(network: Network, port: Port) -> str:
    prefix, macro = network.options.prefix, f"{network.options.macro}_{port.suffix.upper()}"
    dtype, got = port.type.dtype, f"{prefix}_{port.suffix}({_given(network)})"
    lines = [
        f"static int check_{port.suffix}(void) {{",
        f"  const {C_TYPES[dtype]} *y = {got}, *want = expected_{port.suffix};",
    ]
    if dtype is DType.FLOAT32:
        lines += [
            "  float largest = 0.0f;",
            f"  for (int32_t i = 0; i < {macro}_SIZE; ++i) {{",
            "    const float size = want[i] < 0.0f ? -want[i] : want[i];",
            "    if (size > largest) largest = size;",
            "  }",
            f"  for (int32_t i = 0; i < {macro}_SIZE; ++i) {{",
            "    if (!near(y[i], want[i], largest)) return 0;",
            "  }",
        ]
    else:
        lines += [
            f"  for (int32_t i = 0; i < {macro}_SIZE; ++i) {{",
            "    if (y[i] != want[i]) return 0;",
            "  }",
        ]
    return "\n".join([*lines, "  return 1;", "}"]) + "\n"


def _main(network: Network, outputs: list[Port]) -> str:
    lines = ["int main(void) {"]
    lines += [f"  fill_{port.suffix}();" for port in text.ports(network.model, "input")]
    lines += [f"  {network.options.prefix}_run({_given(network)});"]
    checks = " && ".join(f"check_{port.suffix}()" for port in outputs)
    lines += [
        f"  const int good = {checks};",
        "#ifndef NO_STDIO",
        '  puts(good ? "pass" : "fail");',
        "#endif",
        "  return good ? 0 : 1;",
        "}",
    ]
    return "\n".join(lines) + "\n"
