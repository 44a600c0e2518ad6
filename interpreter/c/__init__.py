"""The C99 library: its sources, and :mod:`~xlite.interpreter.c.build`, which compiles them into the shared library
that the C backend loads. Generated code and firmware compile the same sources by themselves."""
