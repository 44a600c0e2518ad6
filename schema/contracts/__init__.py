"""The contract of every op: what inputs it takes, which options are in range, and the type of its outputs.

The converter infers shapes with it, the verifier holds files against it, and the interpreter infers again
when the batch changes; so there is one place where an op's rules are written. Kernels may trust every rule
that stands here.
"""

from xlite.schema.contracts.filtered import accumulator_bound
from xlite.schema.contracts.infer import ContractError, infer, inplace_inputs
from xlite.schema.contracts.slots import FILTERED, SLOTS, Slot, with_optional_inputs

__all__ = [
    "FILTERED",
    "SLOTS",
    "ContractError",
    "Slot",
    "accumulator_bound",
    "infer",
    "inplace_inputs",
    "with_optional_inputs",
]
