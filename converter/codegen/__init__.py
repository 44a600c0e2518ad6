"""A model as C99 source: ``generate``, and ``Options`` for it."""

from __future__ import annotations

from xlite.converter.codegen.generate import Generated, generate
from xlite.converter.codegen.options import Options
from xlite.converter.codegen.report import Report

__all__ = ["Generated", "Options", "Report", "generate"]
