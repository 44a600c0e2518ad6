"""xlite beside its peers, in one run: ``python -m benchmarks`` (or ``make bench``); see docs/performance.md.

``rows``         what is timed: layers and networks
``engines``      who runs it: xlite's backends and the peers, and the environment of each
``environment``  the peers' environments under build/bench
``models``       the files that the engines load, built once by the programs ``make_larq`` and ``make_own``
``worker``       the program that holds one engine; ``pipe`` is the driver's end of it
``measure``      rounds in turn, and what they gave; ``figures`` the statistics; ``compare`` outputs before times
``peak``         the machine's physical bound, measured by ``peak.c``
``model_loops``  a program of its own: what models of other processors say of the inner loops
``results``      the JSON file, row after row; ``table`` makes text of it, ``screen`` shows it
"""
