"""From bytes to predictions: verified model -> plan -> kernels -> ``invoke``."""

from xlite.interpreter.interpreter import Interpreter, KernelRow
from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec
from xlite.interpreter.resolver import Resolver
from xlite.interpreter.targets import TARGETS, Target, get_target

__all__ = [
    "TARGETS",
    "Buffers",
    "Interpreter",
    "Kernel",
    "KernelRow",
    "OpSpec",
    "Resolver",
    "Target",
    "get_target",
]
