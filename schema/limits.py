"""Limits of the format that are no matter of one op; those of shapes and windows are in ``contracts.rules``.

They are far above any network and low enough that a hostile file cannot make a reader work for long.
"""

MAX_TENSORS = 1 << 16
MAX_OPS = 1 << 16
MAX_BUFFERS = 1 << 16
MAX_LABELS = 1 << 16
MAX_ENTRIES = 1 << 16
MAX_ARENA_BYTES = 1 << 40  # also of all activations together
