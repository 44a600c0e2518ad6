"""Measured costs, by instruction set. Written by ``python -m benchmarks.costs``: run it again, do not edit.

FIGURES[isa] has the unit, the command that measured, and rates[family of kernels][class of op] = cost of (a
multiply-accumulate, an element, a call).
"""

from __future__ import annotations

from typing import Any

FIGURES: dict[str, dict[str, Any]] = {}
