"""The page of ``make device-bench``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Optional

from benchmarks.device.figures import Loop, Network
from benchmarks.device.process import Memory
from tests.device import account, start

GOAL = 8  # of a whole network with an integer stem: so many times fewer instructions than its twin
BINARY_GOAL = 15  # of its binary layers
_KINDS = {"binary": "binary, float stem", "int8-stem": "binary, int8 stem", "float": "float"}
NETWORKS_HEADING = "Whole networks, millions of instructions an inference"
MEMORY = "Memory of the process, KiB"
START = "From `python3` to the first result, millions of instructions"
SHAPES = ("14x14x256", "28x28x128", "56x56x64", "7x7x512")
_HEAD = """# Instructions on a Raspberry Pi Zero

Made by `make device-bench`: an emulated ARM1176 (ARMv6, VFPv2) executes code of the compiler and flags of
the armv6l wheel, and every instruction is counted. Counts are exact; they are no times, since caches and stalls
are not emulated. A word is 32 binary products. What a whole process takes is measured of Debian's Python with
xlite's wheel.
"""

_BOUNDS = """What bounds the ratios: a float product takes 1.13 instructions in the inner loop (128 products
and sums, 12 loads, 2 prefetches and 2 of the loop), so 32 of them take 36. A word by look-up takes 1.51 to 1.7 in
its inner loop; making the tables takes 0.6 with 200 pixels to share them and grows as images shrink, moving sums
from bytes to 16 bits 0.2, the outputs 0.1 to 0.3. That is 14 to 16 times fewer from 14x14 pixels on, and less
where an image is so small that tables of pixels are made, which all filters use: a filter needs 13 instructions
for 16 bits beside 3 for every 6 pixels, or, where there are 12 pixels at most, 19 for 32 bits beside 5 for every
6, of which 3x3 pixels fill 9 of 12 lanes. Prefetching (PLD) adds about an instruction a cache line wherever
filters, pixels or counts are read in sequence; what it saves is time, which is not counted here. The stem is not
binary. In floats it takes as long as in the twin. Of bytes with int8 filters it takes 0.69 instructions a product
(SMLAD: two products; 3 pixels by 2 filters a tile), 0.72 with the tile's beginning and end, and beside that 2.5
for each gathered element and 3 for each output. With seven columns and a stride of two, as BiRealNet-18 has it,
four neighbouring outputs take 13 products in place of 28 (interpreter/c/kernels/conv2d_toom.c): 0.38 instructions
for each of the 118 million that there would be, and in all a fortieth of the twin. What is float besides (the 1x1
convolutions where BiRealNet-18 halves the image, those between QuickNet's sections) is float in the twin too.

What an 8th of the twin would take, and what the network with an int8 stem does, in millions:
"""


def page(
    own: Mapping[str, Loop],
    plain: Mapping[str, Loop],
    networks: Sequence[Network] = (),
    memory: Optional[Memory] = None,
    started: Optional[Mapping[str, int]] = None,
    missing: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """missing: heading of a part -> why it was not measured."""
    parts = [_HEAD, _loops(own, plain), _layers(own, plain)]
    if networks:
        parts.append(_networks(networks, own))
    if memory is not None:
        parts.append(_memory(memory))
    if started is not None:
        parts.append(_start(started))
    parts += [f"## {heading}\n\nNot measured: {reason}.\n" for heading, reason in missing.items()]
    return "\n".join(parts)


def binary_layers(network: Network, twin: Network) -> tuple[float, float]:
    """Instructions of the binary layers, and of the same layers in the twin: without the stem, and without what is
    float in both."""
    return network.classes["binary"], twin.classes["float"] - network.classes["float"]


def sections(text: str) -> dict[str, str]:
    """A page's parts by heading."""
    parts = (part.partition("\n") for part in text.split("\n## ")[1:])
    return {heading: body.strip() + "\n" for heading, _, body in parts}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _loops(own: Mapping[str, Loop], plain: Mapping[str, Loop]) -> str:
    rows = [
        ["carry-save adders, rows of 72 words", own["carry-save"], plain["carry-save"]],
        ["look-ups, a line of 196 pixels", own["look-ups"], plain["look-ups"]],
    ]
    made = [["making tables, a run of a block", own["tables"], plain["tables"]]]
    return "\n".join(
        [
            "## Inner loops, instructions a word\n",
            _table(
                ["", "assembler", "plain C"],
                [[name, *(f"{loop.each:.2f}" for loop in loops)] for name, *loops in rows],
            ),
            "Tables are made once for all pixels of a chunk; in all, and for how many words of filters:\n",
            _table(
                ["", "assembler", "plain C"],
                [[n, *(f"{loop.instructions:,} / {loop.units}" for loop in loops)] for n, *loops in made],
            ),
        ]
    )


def _layers(own: Mapping[str, Loop], plain: Mapping[str, Loop]) -> str:
    rows = []
    for shape in SHAPES:
        binary, floats = own[f"lookup-{shape}"], own[f"float-{shape}"]
        words = [binary, own[f"carry-{shape}"], plain[f"lookup-{shape}"], plain[f"carry-{shape}"]]
        figures = [f"{loop.each:.2f}" for loop in words]
        rows.append([shape, *figures, f"{floats.each:.2f}", f"{_saved(own, shape):.1f}"])
    head = ["height x width x channels", "look-up", "carry-save", "look-up, plain C", "carry-save, plain C"]
    return "\n".join(
        [
            "## Whole 3x3 layers, instructions a word\n",
            "Zeros around, as many filters as channels; everything included: gathering, borders, thresholds,",
            "packing.",
            "Words are nominal: those of the padding count, though they are not computed. The float layer is",
            "xlite's own, with scale and bias, per product.\n",
            _table([*head, "float, a product", "float / look-up"], rows),
        ]
    )


def _saved(own: Mapping[str, Loop], shape: str) -> float:
    """How many times fewer instructions a layer takes with look-ups than in floats."""
    return own[f"float-{shape}"].instructions / own[f"lookup-{shape}"].instructions


def _below(own: Mapping[str, Loop]) -> str:
    reached = [shape for shape in SHAPES if _saved(own, shape) >= BINARY_GOAL]
    return (
        f"The goal is {BINARY_GOAL}. Layers of the table before that reach it: {', '.join(reached) or 'none'}.\n"
        "Networks have smaller images and fewer channels besides, and stay below.\n"
    )


def _networks(networks: Sequence[Network], own: Mapping[str, Loop]) -> str:
    rows, ops = [], []
    for name in dict.fromkeys(network.name for network in networks):
        kinds = {network.kind: network for network in networks if network.name == name}
        twin, binary = kinds["float"], kinds["binary"]
        for kind, network in kinds.items():
            shares = [f"{100 * spent / network.total:.0f} %" for spent in network.classes.values()]
            ratio = "" if network is twin else f"{twin.total / network.total:.1f}"
            rows.append([f"{name}, {_KINDS[kind]}", f"{network.total / 1e6:,.1f}", *shares, ratio])
        spent = binary_layers(binary, twin)
        ops.append(
            [name, *(f"{each / 1e6:,.1f}" for each in reversed(spent)), f"{spent[1] / max(spent[0], 1):.1f}"]
        )
    return "\n".join(
        [
            f"## {NETWORKS_HEADING}\n",
            "Each beside its float twin: the same layers with float weights, and a ReLU where the binary network",
            "has a sign, through xlite's own float kernels. The stem is the first convolution: float, or of bytes",
            "with int8 filters (`xlite convert --input-dtype uint8 --input-range -1,1 --quantize int8-stem`).",
            "`float` are other float convolutions and dense layers.\n",
            _table(["", "instructions", "stem", "binary", "float", "other", "twin / network"], rows),
            "The binary layers, and the same layers of the float twin:\n",
            _table(["", "float twin", "binary layers", "ratio"], ops),
            _below(own) if any(float(row[-1]) < BINARY_GOAL for row in ops) else "",
            _bounds(networks),
        ]
    )


def _bounds(networks: Sequence[Network]) -> str:
    lines = [_BOUNDS]
    for name in dict.fromkeys(network.name for network in networks):
        kinds = {network.kind: network for network in networks if network.name == name}
        twin, own = kinds["float"], kinds["int8-stem"]
        allowed = twin.total / GOAL
        parts = ", ".join(f"{part} {spent / 1e6:,.1f}" for part, spent in own.classes.items())
        verdict = "reached" if own.total <= allowed else f"{(own.total - allowed) / 1e6:,.1f} too many"
        lines.append(f"- {name}: an {GOAL}th of the twin is {allowed / 1e6:,.1f} million; {parts}: {verdict}.")
    return "\n".join([*lines, ""])


def _memory(found: Memory) -> str:
    peak = found.limited.peak
    fate = f"its peak there was {peak / 1024:,.0f} KiB." if peak else f"not tried here: {found.limited.reason}."
    return "\n".join(
        [
            f"## {MEMORY}\n",
            "The account, which `xlite inspect --target pi-zero` prints on any computer, and Python with numpy",
            "and the library, which is the process before anything is allocated, without pages of the file;",
            "beside them what is resident of the whole process at its peak.",
            "`large` has the shape of BinaryAlexNet and 24 MB of binary weights.\n",
            account.table(found.networks),
            "",
            f"The large one in a control group of {found.limited.limit >> 20} MiB, in which the emulator's own",
            "memory, some 45 MiB, counts as well (the file's pages are the first that the kernel takes back):",
            fate,
            "",
        ]
    )


def _start(found: Mapping[str, int]) -> str:
    share = found["import numpy"] / sum(found.values())
    return "\n".join(
        [
            f"## {START}\n",
            "Of the demo network, with Debian's Python 3.11 and numpy 1.24, whose modules are compiled to",
            f"bytecode as packages install them. The import of numpy is {100 * share:.0f} % of it.\n",
            start.table(found),
            "",
        ]
    )
