"""What several commands say about their options."""

from __future__ import annotations

import math
from typing import Any, Optional

import click

# every device that --target takes, as help texts list them
TARGETS = "pi-zero, pi-zero-2, pi-2 to pi-5, host, cortex-m0plus, cortex-m4, cortex-m7, esp32, rv32, generic"

SEED = click.IntRange(0, 2**32 - 1)  # of random samples; every generator takes one of this range


class FiniteFloat(click.FloatRange):
    """A number of a range that is neither infinite nor NaN: no comparison with one says that it is wrong."""

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


_LARGEST = float.fromhex("0x1.fffffep127")
FLOAT32 = FiniteFloat(-_LARGEST, _LARGEST)  # what a .xlite file can hold
