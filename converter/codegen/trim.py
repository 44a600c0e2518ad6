"""What of the kernels a network can do without: switches of the library's trim.h, set in the copy beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xlite.converter.codegen.calls import Call

HEADER = "trim.h"
_STRIP = 8  # pixels whose windows float convolutions gather at once, where they work in tiles
_VOLUMES = frozenset(["xl_volume_b", "xl_volume_b_workspace"])


@dataclass(frozen=True)
class Trim:
    """The value of each switch that is not as it is in the library. small: for machines without vectors."""

    small: bool
    switches: Mapping[str, int]

    def unused(self) -> dict[str, frozenset[str]]:
        """By file, the functions that it does not call."""
        if self.switches.get("XL_WITH_VOLUMES", 1):
            return {}
        return {"conv2d_b.c": _VOLUMES, "dense_b.c": _VOLUMES}

    def header(self, text: str) -> str:
        """The library's trim.h with the switches set."""
        defines = "".join(f"#define {name} {value}\n" for name, value in self.switches.items())
        guard = "#define XL_TRIM_H\n"
        return text.replace(guard, f"{guard}\n/* Of this network. */\n{defines}", 1) if defines else text


def trim_for(calls: Sequence[Call], small: bool) -> Trim:
    """The switches of a network with these calls."""
    binary = [call for call in calls if call.function.startswith(("xl_conv2d_b_b_", "xl_dense_b_b_"))]
    signs = [call for call in calls if call.function.startswith("xl_conv2d_f32_b_")]
    needs = {
        "XL_WITH_VOLUMES": any(_planes_or_mask(call.params) for call in binary),
        "XL_WITH_ZERO_PADDING": any(_pads_zeros(call.params) for call in binary),
        "XL_WITH_FLOAT_FILTERS": any(call.function.startswith("xl_conv2d_f32_f32_") for call in calls),
        "XL_WITH_BIT_FILTERS": bool(signs),
        "XL_WITH_ZERO_WEIGHTS": any(_planes_or_mask(call.params) for call in signs),
    }
    switches = {"XL_SMALL": 1} if small else {}
    return Trim(small, {**switches, **{name: 0 for name, needed in needs.items() if not needed}})


def workspace(function: str, scratch: int, small: bool) -> int:
    """Of the ``scratch`` bytes that a kernel of this library takes, what it takes where no float kernel has tiles:
    convolutions gather one window at a time there."""
    gathers = small and function in ("xl_conv2d_f32_f32_f32", "xl_conv2d_f32_b_f32")
    return scratch // _STRIP if gathers else scratch


def _planes_or_mask(params: Any) -> bool:
    return params.planes > 1 or bool(params.masked)


def _pads_zeros(params: Any) -> bool:
    if not hasattr(params, "window") or params.pad_value != 0:
        return False
    w = params.window
    down = (w.out_h - 1) * w.stride_h - w.pad_top + (w.window_h - 1) * w.dilation_h
    right = (w.out_w - 1) * w.stride_w - w.pad_left + (w.window_w - 1) * w.dilation_w
    return w.pad_top > 0 or w.pad_left > 0 or down >= w.in_h or right >= w.in_w
