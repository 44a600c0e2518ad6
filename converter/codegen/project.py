"""CMakeLists.txt and README.md of the generated folder."""

from __future__ import annotations

from collections.abc import Sequence

from xlite.converter.codegen import text
from xlite.converter.codegen.names import comment
from xlite.converter.codegen.network import Network
from xlite.converter.codegen.targets import get_compile_target
from xlite.converter.codegen.vendored import FOLDER


def cmake(network: Network, files: Sequence[str], producer: str) -> str:
    """files: the generated paths."""
    prefix = network.options.prefix
    sources = [f for f in files if f.endswith(".c") and f != "main.c"]
    needs_math = f"{FOLDER}/libm.c" in files
    lines = [
        f"# Made by {producer}; not to be edited.",
        "cmake_minimum_required(VERSION 3.10)",
        f"project({prefix} C)",
        "",
        f"add_library({prefix} STATIC",
        *(f"  {source}" for source in sources),
        ")",
        f"target_include_directories({prefix} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})",
    ]
    if network.options.kernels:
        lines.append(f"target_include_directories({prefix} PRIVATE ${{CMAKE_CURRENT_SOURCE_DIR}}/{FOLDER})")
    else:
        lines += ["find_package(xlite REQUIRED)", f"target_link_libraries({prefix} PUBLIC xlite::xlite)"]
    lines += [
        f"set_target_properties({prefix} PROPERTIES C_STANDARD 99 C_EXTENSIONS OFF)",
        'if(CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")',
        "  # products and sums are rounded one by one, so that every machine gives the same",
        f"  target_compile_options({prefix} PRIVATE -ffp-contract=off -ffunction-sections -fdata-sections)",
        "endif()",
    ]
    if needs_math:
        lines += ["if(NOT MSVC)", f"  target_link_libraries({prefix} PUBLIC m)", "endif()"]
    lines += [
        "",
        "# The example where this folder is built by itself",
        "if(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR)",
        f"  add_executable({prefix}_example main.c)",
        f"  set_target_properties({prefix}_example PROPERTIES C_STANDARD 99 C_EXTENSIONS OFF)",
        f"  target_link_libraries({prefix}_example PRIVATE {prefix})",
        "  enable_testing()",
        f"  add_test(NAME {prefix}_example COMMAND {prefix}_example)",
        "endif()",
    ]
    return "\n".join(lines) + "\n"


def readme(network: Network, figures: Sequence[tuple[str, str]], producer: str) -> str:
    """What is here, how to use and to build it, and the figures."""
    options, prefix = network.options, network.options.prefix
    target = get_compile_target(options.target)
    model = network.model
    name = comment(model.metadata.model_name or model.metadata.source_name or "a network")
    lines = [f"# {name} as C", "", f"Made by {producer} for {target.name} ({target.description}).", ""]
    lines += ["| file | what it is |", "|---|---|"]
    lines += [
        f"| {prefix}.h | what a program includes |",
        f"| {prefix}.c | weights, parameters and the calls of the network |",
        "| main.c | an example: one input and its expected output; returns 0 where they agree |",
        "| xlite.json | the figures below for programs, and the list of these files |",
    ]
    if options.kernels:
        lines.append(f"| {FOLDER}/ | the kernels that the network uses |")
    lines += ["", "## Build", "", *_build(network, target.flags), "", "## Use", "", *_use(network), ""]
    lines += ["## Figures", "", "| | |", "|---|---|", *(f"| {what} | {value} |" for what, value in figures), ""]
    if options.kernels:
        lines += [f"The kernels in {FOLDER}/ are part of xlite, under the Apache License, Version 2.0.", ""]
    return "\n".join(lines)


def _build(network: Network, flags: Sequence[str]) -> list[str]:
    where = f" -I {FOLDER} {FOLDER}/*.c" if network.options.kernels else " -I XLITE/include XLITE/*.c"
    options = "-std=c99 -Os -ffp-contract=off -ffunction-sections -fdata-sections"
    command = f"{options} -I .{where} {network.options.prefix}.c"
    lines = ["```", "cmake -B build && cmake --build build && ctest --test-dir build", "```", ""]
    lines += [
        "or with any C99 compiler:",
        "",
        "```",
        f"cc {command} main.c -lm -Wl,--gc-sections -o example",
        "```",
    ]
    if flags:
        compiler = get_compile_target(network.options.target).compilers[0]
        lines += [
            "",
            f"and for {network.options.target}:",
            "",
            "```",
            f"{compiler} {' '.join(flags)} {command} -c",
            "```",
        ]
    return lines


def _use(network: Network) -> list[str]:
    prefix, given = network.options.prefix, "memory" if network.options.arena == "caller" else ""
    lines = ["```c", f'#include "{prefix}.h"', ""]
    if given:
        lines += [f"static uint64_t memory[{network.options.macro}_ARENA_BYTES / 8];", ""]
    for port in text.ports(network.model, "input"):
        lines.append(f"/* fill {prefix}_{port.suffix}({given}): {port.shown} */")
    lines.append(f"{prefix}_run({given});")
    for port in text.ports(network.model, "output"):
        lines.append(f"/* read {prefix}_{port.suffix}({given}): {port.shown} */")
    return [*lines, "```"]
