"""Every error that a user can cause. They derive from :class:`Error`, on the lowest floor of the house, so
that ``except xlite.Error`` is enough around any call.

A message is one sentence that names the thing (layer, op, tensor, byte) and, where there is one, the mend.
"""


class Error(Exception):
    """Base of every error that xlite raises for a user's mistake or a bad file."""


class FileError(Error):
    """A file cannot be read or written: missing, truncated, of another format or version."""


class VerifyError(FileError):
    """A .xlite file breaks a rule of the format. The message names the op or tensor and the rule."""


class ConversionError(Error):
    """A Keras model cannot be converted. The message names the layer and the mend."""


class UnsupportedLayerError(ConversionError):
    """A layer, or an option of a layer, has no lowering."""


class StrictError(ConversionError):
    """``strict=True`` and something that a quantizer marked as binary was not packed."""


class InputError(Error):
    """A tensor that was given to the interpreter has the wrong shape, dtype or name."""


class KernelError(Error):
    """No kernel for an op on the chosen backend, or a kernel refused its op."""


class BackendError(Error):
    """A backend that was asked for is not available on this machine."""


class MemoryLimitError(Error):
    """A model needs more memory than it was given. The message tables what needs what."""


class TrainingError(Error):
    """The training side was asked for something that it cannot do."""
