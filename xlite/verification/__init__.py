"""A .xlite file against what Keras computes, tensor by tensor.

Two passes over the same samples:

- *Walk*: the ops run one by one. After each, its output is held against Keras's tensor of the same name (a tensor
  called L equals the output of layer L, ``L:sign`` the bits of its signs), and then Keras's own value is put in
  its place. So every op sees Keras's input, an error shows where it is made and nowhere else, and one flipped sign
  does not hide what comes after it.
- *End to end*: the same samples straight through. A sample whose output differs is traced back to the first bit
  that differs.

A bit may differ rightly: where Keras's value before the sign is within float32 rounding of zero, its own last
digit decides. Such bits are counted apart, never hidden in a tolerance."""

from xlite.verification.api import verify, verify_outputs
from xlite.verification.results import Difference, FlippedSign, OutputCheck, TensorCheck, Verification
from xlite.verification.walk import Reference, compare

__all__ = [
    "Difference",
    "FlippedSign",
    "OutputCheck",
    "Reference",
    "TensorCheck",
    "Verification",
    "compare",
    "verify",
    "verify_outputs",
]
