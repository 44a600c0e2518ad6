"""xlite's version, on the lowest floor because the converter writes it into files."""

__version__ = "0.1.0"
