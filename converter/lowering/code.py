"""Lambda layers, which hold Python code. It is never run: a table of replacements says by name what they do.

Users register their own::

    @xlite.converter.lowering.lambda_layer("*_half", module="my_package.blocks")
    def half(ctx, x):
        return ctx.add(OpKind.MULTIPLY, [x, ctx.literal(np.full((1,) * len(x.type.shape), 0.5))])
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Callable

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.registry import Lowering, lowering


@dataclass(frozen=True)
class Code:
    """What the file says about a Lambda layer's function besides its code.

    function: its name, "" for a lambda. module: the Python module that built the layer, "" where the file does not
    name it. defaults: of its last arguments; closure: the outer variables that it uses, in the alphabetical order
    of their names; arguments: the layer's own ``arguments=``. All of them are plain JSON values, functions among
    them are their names.
    """

    function: str = ""
    module: str = ""
    defaults: list[Any] = field(default_factory=list)
    closure: list[Any] = field(default_factory=list)
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Replacement:
    pattern: str
    module: str
    function: Lowering

    def fits(self, layer: str, code: Code) -> bool:
        if self.module and self.module != code.module:
            return False
        names = (layer, layer.rsplit("/", 1)[-1], code.function)
        return any(name and fnmatchcase(name, self.pattern) for name in names)


_REPLACEMENTS: list[_Replacement] = []


def lambda_layer(*names: str, module: str = "") -> Callable[[Lowering], Lowering]:
    """Decorator: registers ``function(ctx, *inputs) -> output`` as what Lambda layers called ``names`` do.

    A name is the layer's, or that of the Python function in it, and may hold ``*`` and ``?``; inside nested models
    the layer's own name counts as well as its whole path. ``module`` restricts it to layers that were built in
    that Python module. Where several fit, the one that was registered last is taken. What the file knows about the
    function besides its code, :func:`code_in` tells.
    """

    def register(function: Lowering) -> Lowering:
        _REPLACEMENTS.extend(_Replacement(name, module, function) for name in names)
        return function

    return register


@lowering("Lambda")
def lambda_replacement(ctx: Context, *inputs: Value) -> Any:
    code = code_in(ctx)
    for replacement in reversed(_REPLACEMENTS):
        if replacement.fits(ctx.name, code):
            return replacement.function(ctx, *inputs)
    holds = f"holds the Python function '{code.function}'" if code.function else "holds Python code"
    raise ctx.unsupported(
        f"{holds}, which xlite never runs from a file",
        "replace it by Keras layers, or say what it does with "
        f'@xlite.converter.lowering.lambda_layer("{code.function or ctx.name}")',
    )


def code_in(ctx: Context) -> Code:
    """What the file says about the function of a Lambda layer; nothing of it is run or decoded."""
    config = ctx.config
    value = config.get("function")
    arguments = config.get("arguments") or {}
    module = str(config.get("module") or "")
    if isinstance(value, str):  # Keras 2: the name of a function
        return Code(value, module, arguments=arguments)
    if isinstance(value, list):  # Keras 2: marshalled code, defaults, closure
        return Code("", module, _list(value, 1), _list(value, 2), arguments)
    if not isinstance(value, dict):
        return Code(arguments=arguments)
    inner = value.get("config")
    if isinstance(inner, dict):  # Keras 3: the same in a dict
        return Code("", module, inner.get("defaults") or [], inner.get("closure") or [], arguments)
    return Code(str(inner or ""), str(value.get("module") or module), arguments=arguments)


def _list(value: list[Any], index: int) -> list[Any]:
    return value[index] or [] if len(value) > index else []
