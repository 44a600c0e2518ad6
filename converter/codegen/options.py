"""What a user may choose about generated C."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from xlite.converter.codegen.names import check_prefix, is_function
from xlite.converter.codegen.targets import get_compile_target
from xlite.schema.errors import Error

ARENAS = ("static", "caller")
SCORES = ("model", "logits", "int32")


@dataclass(frozen=True)
class Options:
    """prefix: what every name in model.h begins with. target: of :mod:`.targets`. section: of the linker, for the
    weights; empty for the compiler's choice. arena: ``static`` in the generated file, or the ``caller``'s.
    scores: ``model`` as it is; ``logits`` without a softmax at its end; ``int32`` also without scale and bias of
    the last layer, which the header then has. custom: custom op -> C function of the user. kernels: whether their
    sources are put beside."""

    prefix: str = "model"
    target: str = "generic"
    section: str = ""
    arena: str = "static"
    row_bands: bool = True
    scores: str = "model"
    custom: Mapping[str, str] = field(default_factory=dict)
    kernels: bool = True

    def check(self) -> None:
        """Raises Error, naming the option and what it may be."""
        check_prefix(self.prefix)
        get_compile_target(self.target)
        _one_of("arena", self.arena, ARENAS)
        _one_of("scores", self.scores, SCORES)
        if self.section and not re.fullmatch(r"[A-Za-z0-9_.$,]{1,63}", self.section):
            raise Error(
                f"the section {self.section!r} is no name of one: use letters, digits, '.' and '_', as in .flash2"
            )
        for op, function in self.custom.items():
            if not is_function(function):
                raise Error(f"the custom op '{op}' is to be {function!r}, which is no name of a C function")

    @property
    def small(self) -> bool:
        """Whether kernels are to be small before fast: of those beside the code, for a microcontroller."""
        return self.kernels and get_compile_target(self.target).small

    @property
    def macro(self) -> str:
        return self.prefix.upper()


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise Error(f"{name} must be one of {', '.join(known)}, is {value!r}")
